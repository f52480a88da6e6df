package io.github.dl4jjepa.models.safetensors;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.dl4jjepa.core.JepaException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Map.Entry;
import java.util.Set;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * The tensors of a checkpoint: {@code model.safetensors}, or the shards that {@code
 * model.safetensors.index.json} lists.
 *
 * <p>Opening checks every header; the numbers are read when they are asked for, through a memory
 * map and in pieces, so that no second copy of a tensor is made.
 */
public final class SafetensorsCheckpoint {
    /** Name of a checkpoint in one file. */
    public static final String SINGLE_FILE = "model.safetensors";

    /** Name of the index of a checkpoint in shards. */
    public static final String INDEX_FILE = "model.safetensors.index.json";

    private static final int PIECE = 1 << 20;

    private final Path source;
    private final Map<String, TensorInfo> tensors;

    private SafetensorsCheckpoint(Path source, Map<String, TensorInfo> tensors) {
        this.source = source;
        this.tensors = Collections.unmodifiableMap(tensors);
    }

    /**
     * Opens the checkpoint in a folder.
     *
     * @throws JepaException if there is none, or a file of it is damaged or missing
     */
    public static SafetensorsCheckpoint open(Path folder) {
        Path single = folder.resolve(SINGLE_FILE);
        Path index = folder.resolve(INDEX_FILE);
        if (Files.exists(single)) {
            return openFile(single);
        }
        if (Files.exists(index)) {
            return openShards(index);
        }
        String pickle =
                Files.exists(folder.resolve("pytorch_model.bin"))
                        ? "; the pickle pytorch_model.bin is not read: save the model with safe_serialization=True"
                        : "";
        throw new JepaException(
                folder + ": neither " + SINGLE_FILE + " nor " + INDEX_FILE + " is there" + pickle);
    }

    /**
     * Opens one file.
     *
     * @throws JepaException if it is damaged
     */
    public static SafetensorsCheckpoint openFile(Path file) {
        return new SafetensorsCheckpoint(file, header(file));
    }

    private static SafetensorsCheckpoint openShards(Path index) {
        Map<String, TensorInfo> tensors = new LinkedHashMap<>();
        Map<String, String> shardOfTensor = weightMap(index);
        Set<String> shards = new LinkedHashSet<>(shardOfTensor.values());
        for (String shard : shards) {
            Path file = index.resolveSibling(shard);
            if (!Path.of(shard).getFileName().toString().equals(shard)) {
                throw new JepaException(
                        index
                                + ": weight_map: \""
                                + shard
                                + "\" is not the name of a file beside it");
            }
            if (!Files.exists(file)) {
                throw new JepaException(
                        file
                                + ": the shard is missing that "
                                + index.getFileName()
                                + " lists; get it again");
            }
            header(file)
                    .forEach(
                            (name, tensor) -> {
                                if (!shard.equals(shardOfTensor.get(name))) {
                                    throw new JepaException(
                                            file
                                                    + ": holds tensor "
                                                    + name
                                                    + ", which "
                                                    + index.getFileName()
                                                    + (shardOfTensor.containsKey(name)
                                                            ? " has in another shard"
                                                            : " does not list")
                                                    + "; shards and index belong to different checkpoints");
                                }
                                tensors.put(name, tensor);
                            });
        }
        shardOfTensor.forEach(
                (name, shard) -> {
                    if (!tensors.containsKey(name)) {
                        throw new JepaException(
                                index.resolveSibling(shard)
                                        + ": tensor "
                                        + name
                                        + " is missing, which "
                                        + index.getFileName()
                                        + " lists; shards and index belong to different checkpoints");
                    }
                });
        return new SafetensorsCheckpoint(index, tensors);
    }

    private static Map<String, String> weightMap(Path index) {
        try {
            JsonNode weightMap =
                    new ObjectMapper().readTree(Files.readAllBytes(index)).path("weight_map");
            if (!weightMap.isObject() || !weightMap.valueStream().allMatch(JsonNode::isTextual)) {
                throw new JepaException(index + ": weight_map must map tensor names to file names");
            }
            Map<String, String> shards = new LinkedHashMap<>();
            for (Entry<String, JsonNode> entry : weightMap.properties()) {
                shards.put(entry.getKey(), entry.getValue().textValue());
            }
            return shards;
        } catch (JsonProcessingException e) {
            throw new JepaException(index + ": not valid JSON: " + e.getOriginalMessage(), e);
        } catch (IOException e) {
            throw unreadable(index, e);
        }
    }

    private static Map<String, TensorInfo> header(Path file) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            return SafetensorsHeader.read(file, channel);
        } catch (IOException e) {
            throw unreadable(file, e);
        }
    }

    /** The file, or the index of the shards. */
    public Path source() {
        return source;
    }

    /** The tensors by name, in the files' order. */
    public Map<String, TensorInfo> tensors() {
        return tensors;
    }

    /**
     * A tensor's description.
     *
     * @throws JepaException if there is no such tensor
     */
    public TensorInfo tensor(String name) {
        TensorInfo tensor = tensors.get(name);
        if (tensor == null) {
            throw new JepaException(source + ": tensor " + name + " is missing");
        }
        return tensor;
    }

    /**
     * Reads a tensor of floating numbers.
     *
     * @return a FLOAT array
     * @throws JepaException if there is no such tensor, or it holds other numbers
     */
    public INDArray read(String name) {
        TensorInfo tensor = tensor(name);
        INDArray array = Nd4j.createUninitialized(DataType.FLOAT, tensor.shape());
        readInto(name, array);
        return array;
    }

    /**
     * Reads a tensor of floating numbers into an array.
     *
     * @param target a FLOAT array, in C order without gaps, of the tensor's shape
     * @throws JepaException if there is no such tensor, or it holds other numbers or has another
     *     shape
     */
    public void readInto(String name, INDArray target) {
        TensorInfo tensor = tensor(name);
        if (!tensor.dtype().isFloating()) {
            throw new JepaException(
                    tensor.file()
                            + ": tensor "
                            + name
                            + " holds "
                            + tensor.dtype()
                            + " numbers; F32, BF16, F16 or F64 are needed");
        }
        if (!Arrays.equals(tensor.shape(), target.shape())) {
            throw new JepaException(
                    tensor.file()
                            + ": tensor "
                            + name
                            + " has the shape "
                            + Arrays.toString(tensor.shape())
                            + ", but the model needs "
                            + Arrays.toString(target.shape())
                            + "; config.json and the weights belong to different models");
        }
        INDArray flat = target.reshape('c', tensor.length());
        forEachPiece(
                tensor,
                (bytes, start, count) -> {
                    float[] numbers = new float[count];
                    tensor.dtype().read(bytes, numbers);
                    try (INDArray piece = Nd4j.createFromArray(numbers)) {
                        flat.get(NDArrayIndex.interval(start, start + count)).assign(piece);
                    }
                });
    }

    /**
     * Reads a tensor of I64 or I32 numbers.
     *
     * @return the numbers in C order
     * @throws JepaException if there is no such tensor, or it holds other numbers
     */
    public int[] readIntegers(String name) {
        TensorInfo tensor = tensor(name);
        int[] numbers = new int[Math.toIntExact(tensor.length())];
        forEachPiece(
                tensor,
                (bytes, start, count) -> {
                    for (int i = 0; i < count; i++) {
                        numbers[(int) start + i] =
                                switch (tensor.dtype()) {
                                    case I64 -> Math.toIntExact(bytes.getLong());
                                    case I32 -> bytes.getInt();
                                    default ->
                                            throw new JepaException(
                                                    tensor.file()
                                                            + ": tensor "
                                                            + name
                                                            + " holds "
                                                            + tensor.dtype()
                                                            + " numbers; I64 or I32 are needed");
                                };
                    }
                });
        return numbers;
    }

    /** Is given a piece's bytes, the index of its first number, and how many numbers it has. */
    private interface PieceReader {
        void read(ByteBuffer bytes, long start, int count);
    }

    private static void forEachPiece(TensorInfo tensor, PieceReader reader) {
        int width = tensor.dtype().bytes();
        try (FileChannel channel = FileChannel.open(tensor.file(), StandardOpenOption.READ)) {
            for (long start = 0; start < tensor.length(); start += PIECE) {
                int count = (int) Math.min(PIECE, tensor.length() - start);
                ByteBuffer bytes =
                        channel.map(
                                        FileChannel.MapMode.READ_ONLY,
                                        tensor.offset() + start * width,
                                        (long) count * width)
                                .order(ByteOrder.LITTLE_ENDIAN);
                reader.read(bytes, start, count);
            }
        } catch (IOException e) {
            throw unreadable(tensor.file(), e);
        }
    }

    private static JepaException unreadable(Path file, IOException cause) {
        return new JepaException(file + ": cannot be read: " + cause.getMessage(), cause);
    }
}
