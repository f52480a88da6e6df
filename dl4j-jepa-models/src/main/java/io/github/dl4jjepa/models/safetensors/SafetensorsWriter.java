package io.github.dl4jjepa.models.safetensors;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.internal.IoFailures;
import io.github.dl4jjepa.models.internal.HostMemory;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.IntBuffer;
import java.nio.ShortBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Writes arrays as safetensors files that transformers loads.
 *
 * <p>Arrays are streamed one by one, in the order of the map; files are on the disk, not merely in
 * the system's cache, when a method returns. No file is ever overwritten.
 */
public final class SafetensorsWriter {
    /** Bytes of tensors in one file above which transformers begins the next shard: 5 GB. */
    public static final long DEFAULT_SHARD_BYTES = 5_000_000_000L;

    /** Alignment of the data, for readers that map files. */
    private static final int ALIGNMENT = 8;

    private static final int CHUNK_ELEMENTS = 1 << 20;
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Dtype dtype;

    private SafetensorsWriter(Dtype dtype) {
        if (dtype != Dtype.F32 && dtype != Dtype.BF16 && dtype != Dtype.F16) {
            throw new IllegalArgumentException("arrays are written as F32, BF16 or F16: " + dtype);
        }
        this.dtype = dtype;
    }

    /**
     * Writes one file.
     *
     * @param file must not exist
     * @param tensors FLOAT arrays by name
     * @param dtype F32, or BF16 or F16 for values rounded to the nearest
     * @throws JepaException if the file cannot be written
     */
    public static void writeFile(Path file, Map<String, INDArray> tensors, Dtype dtype) {
        new SafetensorsWriter(dtype).write(file, tensors);
    }

    /**
     * Writes a checkpoint into a folder: {@code model.safetensors}, or shards and their index if
     * one file would be too large.
     *
     * @param folder must exist, and hold no checkpoint
     * @param tensors FLOAT arrays by name
     * @param dtype F32, or BF16 or F16 for values rounded to the nearest
     * @param shardBytes most bytes of tensors in one file; a larger tensor gets a file of its own
     * @throws JepaException if a file cannot be written
     */
    public static void writeCheckpoint(
            Path folder, Map<String, INDArray> tensors, Dtype dtype, long shardBytes) {
        SafetensorsWriter writer = new SafetensorsWriter(dtype);
        List<Map<String, INDArray>> shards = writer.split(tensors, shardBytes);
        if (shards.size() == 1) {
            writer.write(folder.resolve(SafetensorsCheckpoint.SINGLE_FILE), tensors);
            return;
        }
        Map<String, String> shardOf = new LinkedHashMap<>();
        for (int i = 0; i < shards.size(); i++) {
            String name =
                    String.format(
                            Locale.ROOT, "model-%05d-of-%05d.safetensors", i + 1, shards.size());
            writer.write(folder.resolve(name), shards.get(i));
            shards.get(i).keySet().forEach(tensor -> shardOf.put(tensor, name));
        }
        long totalSize = tensors.values().stream().mapToLong(writer::byteLength).sum();
        Path index = folder.resolve(SafetensorsCheckpoint.INDEX_FILE);
        create(
                index,
                channel ->
                        writeFully(
                                channel, ByteBuffer.wrap(ShardIndex.toBytes(shardOf, totalSize))));
    }

    private List<Map<String, INDArray>> split(Map<String, INDArray> tensors, long shardBytes) {
        List<Map<String, INDArray>> shards = new ArrayList<>();
        Map<String, INDArray> shard = new LinkedHashMap<>();
        shards.add(shard);
        long size = 0;
        for (Map.Entry<String, INDArray> tensor : tensors.entrySet()) {
            long length = byteLength(tensor.getValue());
            if (!shard.isEmpty() && size + length > shardBytes) {
                shard = new LinkedHashMap<>();
                shards.add(shard);
                size = 0;
            }
            shard.put(tensor.getKey(), tensor.getValue());
            size += length;
        }
        return shards;
    }

    private long byteLength(INDArray array) {
        return array.length() * dtype.bits() / Byte.SIZE;
    }

    private void write(Path file, Map<String, INDArray> tensors) {
        ByteBuffer header = header(tensors);
        create(
                file,
                channel -> {
                    writeFully(channel, header);
                    ByteBuffer chunk =
                            ByteBuffer.allocateDirect(CHUNK_ELEMENTS * dtype.bits() / Byte.SIZE)
                                    .order(ByteOrder.LITTLE_ENDIAN);
                    for (INDArray array : tensors.values()) {
                        HostMemory.read(
                                HostMemory.isDense(array) ? array : array.dup('c'),
                                CHUNK_ELEMENTS,
                                (first, elements) -> {
                                    chunk.clear();
                                    narrow(elements.asIntBuffer(), chunk);
                                    writeFully(channel, chunk);
                                });
                    }
                });
    }

    private ByteBuffer header(Map<String, INDArray> tensors) {
        ObjectNode root = JSON.createObjectNode();
        root.putObject(SafetensorsHeader.METADATA).put("format", "pt");
        long offset = 0;
        for (Map.Entry<String, INDArray> tensor : tensors.entrySet()) {
            INDArray array = tensor.getValue();
            if (array.dataType() != DataType.FLOAT) {
                throw new IllegalArgumentException(
                        "only FLOAT arrays are written: "
                                + tensor.getKey()
                                + " is "
                                + array.dataType());
            }
            ObjectNode entry = root.putObject(tensor.getKey()).put("dtype", dtype.name());
            ArrayNode shape = entry.putArray("shape");
            Arrays.stream(array.shape()).forEach(shape::add);
            ArrayNode offsets = entry.putArray("data_offsets").add(offset);
            offset += byteLength(array);
            offsets.add(offset);
        }
        byte[] json;
        try {
            json = JSON.writeValueAsBytes(root);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
        int length = (json.length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        ByteBuffer header =
                ByteBuffer.allocate(SafetensorsHeader.PREFIX + length)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putLong(length)
                        .put(json);
        while (header.hasRemaining()) {
            header.put((byte) ' ');
        }
        return header.flip();
    }

    private void narrow(IntBuffer source, ByteBuffer target) {
        target.limit(source.remaining() * dtype.bits() / Byte.SIZE);
        ShortBuffer shorts = target.asShortBuffer();
        switch (dtype) {
            case F32 -> target.asIntBuffer().put(source);
            case BF16 -> {
                while (source.hasRemaining()) {
                    shorts.put(FloatFormats.toBfloat16(source.get()));
                }
            }
            case F16 -> {
                while (source.hasRemaining()) {
                    shorts.put(FloatFormats.toHalf(source.get()));
                }
            }
            default -> throw new IllegalStateException(dtype.name());
        }
    }

    private static void writeFully(FileChannel channel, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    @FunctionalInterface
    private interface Content {
        void writeTo(FileChannel channel) throws IOException;
    }

    private static void create(Path file, Content content) {
        try (FileChannel channel =
                FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            content.writeTo(channel);
            channel.force(true);
        } catch (FileAlreadyExistsException e) {
            throw new JepaException(file + ": exists already. Choose another folder.", e);
        } catch (IOException e) {
            throw new JepaException(file + ": cannot be written: " + IoFailures.describe(e), e);
        }
    }
}
