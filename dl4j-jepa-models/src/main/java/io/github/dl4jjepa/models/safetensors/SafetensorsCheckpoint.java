package io.github.dl4jjepa.models.safetensors;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.models.internal.HostMemory;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.ShortBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The tensors of a checkpoint: one safetensors file, or the shards that an index ties together.
 *
 * <p>Opening reads and checks the headers only. A tensor is then copied once, from the mapped file
 * into the array that is to hold it.
 *
 * <pre>{@code
 * SafetensorsCheckpoint weights = SafetensorsCheckpoint.open(Path.of("SmolLM2-135M"));
 * INDArray embedding = weights.read("model.embed_tokens.weight");
 * }</pre>
 *
 * <p>Reads may run in several threads at once.
 */
public final class SafetensorsCheckpoint {
    /** Name of an unsharded checkpoint in its folder. */
    static final String SINGLE_FILE = "model.safetensors";

    /** Name of the index of a sharded checkpoint. */
    static final String INDEX_FILE = SINGLE_FILE + ".index.json";

    private static final Pattern SHARD = Pattern.compile(".*-[0-9]+-of-[0-9]+\\.safetensors");

    private static final Pattern PICKLE =
            Pattern.compile(
                    "(pytorch_model|consolidated|model).*\\.(bin|bin\\.index\\.json|pth|pt|ckpt)");

    /** Small enough to stay in the processor's cache between reading and widening. */
    private static final int REGION_ELEMENTS = 1 << 17;

    private static final int CHUNK_ELEMENTS = 1 << 12;

    /** Pages that are read count for the operating system alone; mapped ones would count for us. */
    private static final ThreadLocal<ByteBuffer> BUFFER =
            ThreadLocal.withInitial(
                    () ->
                            ByteBuffer.allocateDirect(REGION_ELEMENTS * Long.BYTES)
                                    .order(ByteOrder.LITTLE_ENDIAN));

    private final Path path;
    private final Map<String, TensorInfo> tensors;
    private final Map<String, String> shardOf;

    private SafetensorsCheckpoint(
            Path path, Map<String, TensorInfo> tensors, Map<String, String> shardOf) {
        this.path = path;
        this.tensors = Collections.unmodifiableMap(tensors);
        this.shardOf = shardOf;
    }

    /**
     * Opens a checkpoint. As in transformers, an index says which shards there are, and a tensor
     * that a shard holds counts whether or not the index lists it.
     *
     * @param fileOrFolder a safetensors file, or a folder with {@code model.safetensors} or with
     *     {@code model.safetensors.index.json} and its shards
     * @throws JepaException if there is none, a shard is missing, or a file breaks the format's
     *     rules
     */
    public static SafetensorsCheckpoint open(Path fileOrFolder) {
        if (!Files.isDirectory(fileOrFolder)) {
            return ofFile(fileOrFolder, fileOrFolder);
        }
        Path single = fileOrFolder.resolve(SINGLE_FILE);
        if (Files.exists(single)) {
            return ofFile(fileOrFolder, single);
        }
        Path index = fileOrFolder.resolve(INDEX_FILE);
        if (Files.exists(index)) {
            return ofShards(fileOrFolder, index);
        }
        throw new JepaException(noWeights(fileOrFolder));
    }

    /** Whether a folder holds {@code model.safetensors} or its index. */
    public static boolean isIn(Path folder) {
        return Files.exists(folder.resolve(SINGLE_FILE))
                || Files.exists(folder.resolve(INDEX_FILE));
    }

    private static String noWeights(Path folder) {
        String missing = folder + ": holds neither " + SINGLE_FILE + " nor " + INDEX_FILE + ". ";
        List<String> files;
        try (Stream<Path> content = Files.list(folder)) {
            files = content.map(file -> file.getFileName().toString()).sorted().toList();
        } catch (IOException e) {
            throw new JepaException(folder + ": cannot be read: " + e, e);
        }
        if (files.stream().anyMatch(SHARD.asMatchPredicate())) {
            return missing
                    + "It holds shards, which need their index: download "
                    + INDEX_FILE
                    + ", or save the model again with save_pretrained.";
        }
        Optional<String> pickle = files.stream().filter(PICKLE.asMatchPredicate()).findFirst();
        if (pickle.isPresent()) {
            return missing
                    + "It holds "
                    + pickle.get()
                    + ", a pickle, and pickles are not read: unpickling can run code. Load it in"
                    + " transformers and save it again with save_pretrained(folder,"
                    + " safe_serialization=True), which writes safetensors.";
        }
        Optional<String> gguf = files.stream().filter(name -> name.endsWith(".gguf")).findFirst();
        if (gguf.isPresent()) {
            return missing
                    + "It holds "
                    + gguf.get()
                    + ", a GGUF file of llama.cpp, which is not read. Take the model that it was made"
                    + " from, or load it in transformers with from_pretrained(folder, gguf_file=\""
                    + gguf.get()
                    + "\") and save it with save_pretrained.";
        }
        List<String> others = files.stream().filter(name -> name.endsWith(".safetensors")).toList();
        return missing
                + (others.isEmpty()
                        ? "Download the model's weights into it."
                        : "It holds "
                                + String.join(", ", others)
                                + ", but the weights must be called "
                                + SINGLE_FILE
                                + ", as for transformers.");
    }

    private static SafetensorsCheckpoint ofFile(Path path, Path file) {
        Map<String, TensorInfo> tensors = new LinkedHashMap<>();
        for (TensorInfo tensor : SafetensorsHeader.read(file).tensors()) {
            tensors.put(tensor.name(), tensor);
        }
        return new SafetensorsCheckpoint(path, tensors, Map.of());
    }

    private static SafetensorsCheckpoint ofShards(Path folder, Path index) {
        Map<String, String> shardOf = ShardIndex.read(index);
        Map<String, TensorInfo> tensors = new LinkedHashMap<>();
        for (String shard : new TreeSet<>(shardOf.values())) {
            Path file = folder.resolve(shard);
            if (!Files.exists(file)) {
                throw new JepaException(
                        String.format(
                                Locale.ROOT,
                                "%s: the shard %s, which the index names, is missing. Download it.",
                                index,
                                shard));
            }
            for (TensorInfo tensor : SafetensorsHeader.read(file).tensors()) {
                String expected = shardOf.getOrDefault(tensor.name(), shard);
                if (!shard.equals(expected)) {
                    throw mismatch(
                            file,
                            tensor.name(),
                            "belongs in " + expected + " according to the index");
                }
                TensorInfo other = tensors.put(tensor.name(), tensor);
                if (other != null) {
                    throw mismatch(
                            file,
                            tensor.name(),
                            "is also in "
                                    + other.file().getFileName()
                                    + "; the index lists neither");
                }
            }
        }
        return new SafetensorsCheckpoint(folder, tensors, shardOf);
    }

    private static JepaException mismatch(Path shard, String tensor, String what) {
        return new JepaException(
                String.format(
                        Locale.ROOT,
                        "%s: tensor \"%s\" %s. Index and shards are not of one checkpoint: download"
                                + " them again.",
                        shard,
                        tensor,
                        what));
    }

    /** What the checkpoint holds, by name, in the order of the files. */
    public Map<String, TensorInfo> tensors() {
        return tensors;
    }

    /** Names of tensors that an index lists and no shard holds. */
    public Set<String> absent() {
        Set<String> absent = new TreeSet<>(shardOf.keySet());
        absent.removeAll(tensors.keySet());
        return absent;
    }

    /**
     * Describes one tensor.
     *
     * @throws JepaException if the checkpoint lacks it
     */
    public TensorInfo tensor(String name) {
        TensorInfo tensor = tensors.get(name);
        if (tensor == null && shardOf.containsKey(name)) {
            throw mismatch(
                    path.resolve(shardOf.get(name)),
                    name,
                    "is missing, though the index places it here");
        }
        if (tensor == null) {
            throw new JepaException(
                    String.format(
                            Locale.ROOT,
                            "%s: tensor \"%s\" is missing from the weights. They are incomplete or"
                                    + " of another model: download them again.",
                            path,
                            name));
        }
        return tensor;
    }

    /**
     * Reads a tensor into a new array: floating point as FLOAT, I64 as LONG, I32 as INT.
     *
     * @throws JepaException if the checkpoint lacks it or its dtype cannot be read
     */
    public INDArray read(String name) {
        TensorInfo tensor = tensor(name);
        INDArray array = Nd4j.createUninitialized(arrayType(tensor), tensor.dimensions());
        copy(tensor, array);
        return array;
    }

    /**
     * Reads a tensor into an array that is there already.
     *
     * @param array of the tensor's shape and of the type that {@link #read} gives it
     * @throws JepaException if the checkpoint lacks the tensor, its dtype cannot be read or its
     *     shape is not the array's
     */
    public void readInto(String name, INDArray array) {
        TensorInfo tensor = tensor(name);
        DataType type = arrayType(tensor);
        if (array.dataType() != type) {
            throw new IllegalArgumentException(
                    String.format(
                            Locale.ROOT,
                            "tensor %s (%s) is read into %s arrays, not %s",
                            name,
                            tensor.dtype(),
                            type,
                            array.dataType()));
        }
        if (!Arrays.equals(array.shape(), tensor.dimensions())) {
            throw new JepaException(
                    String.format(
                            Locale.ROOT,
                            "%s: tensor \"%s\" has shape %s, but the model's is %s. The weights are"
                                    + " of another model.",
                            tensor.file(),
                            name,
                            tensor.shape(),
                            Arrays.toString(array.shape())));
        }
        if (HostMemory.isDense(array)) {
            copy(tensor, array);
        } else {
            array.assign(read(name));
        }
    }

    private static DataType arrayType(TensorInfo tensor) {
        return tensor.dtype()
                .arrayType()
                .orElseThrow(
                        () ->
                                new JepaException(
                                        String.format(
                                                Locale.ROOT,
                                                "%s: tensor \"%s\" is %s, which is not read."
                                                        + " Convert the checkpoint to F32, BF16 or"
                                                        + " F16.",
                                                tensor.file(),
                                                tensor.name(),
                                                tensor.dtype())));
    }

    private static void copy(TensorInfo tensor, INDArray array) {
        int sourceSize = tensor.dtype().bits() / Byte.SIZE;
        int targetSize = array.dataType().width();
        try (FileChannel channel = FileChannel.open(tensor.file(), StandardOpenOption.READ)) {
            HostMemory.write(
                    array,
                    REGION_ELEMENTS,
                    (first, target) -> {
                        ByteBuffer source =
                                BUFFER.get()
                                        .clear()
                                        .limit(target.remaining() / targetSize * sourceSize);
                        readFully(channel, tensor.offset() + first * sourceSize, source);
                        widen(tensor.dtype(), source.flip(), target);
                    });
        } catch (IOException e) {
            throw new JepaException(
                    String.format(
                            Locale.ROOT,
                            "%s: tensor \"%s\" cannot be read: %s",
                            tensor.file(),
                            tensor.name(),
                            e),
                    e);
        }
    }

    private static void readFully(FileChannel channel, long offset, ByteBuffer buffer)
            throws IOException {
        while (buffer.hasRemaining()) {
            if (channel.read(buffer, offset + buffer.position()) < 0) {
                throw new EOFException("the file has become shorter while it was read");
            }
        }
    }

    private static void widen(Dtype dtype, ByteBuffer source, ByteBuffer target) {
        switch (dtype) {
            case F32, I32 -> target.asIntBuffer().put(source.asIntBuffer());
            case I64 -> target.asLongBuffer().put(source.asLongBuffer());
            case BF16 -> widen(source.asShortBuffer(), target, FloatFormats::fromBfloat16);
            case F16 -> widen(source.asShortBuffer(), target, FloatFormats::fromHalf);
            case F64 -> {
                DoubleBuffer from = source.asDoubleBuffer();
                FloatBuffer to = target.asFloatBuffer();
                while (from.hasRemaining()) {
                    to.put((float) from.get());
                }
            }
            default -> throw new IllegalArgumentException(dtype + " has no array type");
        }
    }

    private interface Widening {
        int widen(short bits);
    }

    /** By way of arrays, for the compiler makes better loops of them than of buffers. */
    private static void widen(ShortBuffer source, ByteBuffer target, Widening widening) {
        IntBuffer to = target.asIntBuffer();
        short[] narrow = new short[CHUNK_ELEMENTS];
        int[] wide = new int[CHUNK_ELEMENTS];
        while (source.hasRemaining()) {
            int count = Math.min(CHUNK_ELEMENTS, source.remaining());
            source.get(narrow, 0, count);
            for (int i = 0; i < count; i++) {
                wide[i] = widening.widen(narrow[i]);
            }
            to.put(wide, 0, count);
        }
    }

    /**
     * One tensor of a checkpoint, as the header of its file describes it.
     *
     * @param name the checkpoint's name for it
     * @param dtype type of its elements as stored
     * @param shape its dimensions; empty for a scalar
     * @param file the file that holds it
     * @param offset its first byte, counted from the start of the file
     * @param length its size in bytes
     */
    public record TensorInfo(
            String name, Dtype dtype, List<Long> shape, Path file, long offset, long length) {
        /** Copies the shape. */
        public TensorInfo {
            shape = List.copyOf(shape);
        }

        /** Number of elements. */
        public long elements() {
            return length * Byte.SIZE / dtype.bits();
        }

        /** The shape as ND4J takes it. */
        public long[] dimensions() {
            return shape.stream().mapToLong(Long::longValue).toArray();
        }
    }
}
