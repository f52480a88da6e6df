package io.github.dl4jjepa.models.safetensors;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Writes tensors to one safetensors file, or to shards with an index where they exceed a limit. */
public final class SafetensorsWriter {
    /** The largest shard transformers writes: 5 GB. */
    public static final long DEFAULT_SHARD_BYTES = 5_000_000_000L;

    private static final int ALIGNMENT = 8;
    private static final int PIECE = 1 << 20;
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Dtype dtype;
    private final long shardBytes;

    /**
     * @param dtype {@link Dtype#F32} or {@link Dtype#BF16}
     * @param shardBytes the largest shard; a single tensor may exceed it
     */
    public SafetensorsWriter(Dtype dtype, long shardBytes) {
        if (dtype != Dtype.F32 && dtype != Dtype.BF16) {
            throw new IllegalArgumentException(
                    "tensors can be written as F32 or BF16, not " + dtype);
        }
        this.dtype = dtype;
        this.shardBytes = shardBytes;
    }

    /**
     * Writes a checkpoint as transformers names it, and forces it to the disk.
     *
     * @param folder where to write; it must exist
     * @param tensors FLOAT arrays by name
     */
    public void writeCheckpoint(Path folder, Map<String, INDArray> tensors) throws IOException {
        List<Map<String, INDArray>> shards = split(tensors);
        if (shards.size() == 1) {
            writeFile(folder.resolve(SafetensorsCheckpoint.SINGLE_FILE), tensors);
            return;
        }
        ObjectNode index = JSON.createObjectNode();
        index.putObject("metadata")
                .put("total_size", tensors.values().stream().mapToLong(this::bytes).sum());
        ObjectNode weightMap = index.putObject("weight_map");
        for (int i = 0; i < shards.size(); i++) {
            String name = "model-%05d-of-%05d.safetensors".formatted(i + 1, shards.size());
            writeFile(folder.resolve(name), shards.get(i));
            shards.get(i).keySet().forEach(tensor -> weightMap.put(tensor, name));
        }
        Files.writeString(
                folder.resolve(SafetensorsCheckpoint.INDEX_FILE),
                JSON.writerWithDefaultPrettyPrinter().writeValueAsString(index) + "\n");
    }

    /**
     * Writes one file and forces it to the disk.
     *
     * @param file where to write; replaced if it exists
     * @param tensors FLOAT arrays by name
     */
    public void writeFile(Path file, Map<String, INDArray> tensors) throws IOException {
        try (FileChannel channel =
                FileChannel.open(
                        file,
                        StandardOpenOption.CREATE,
                        StandardOpenOption.WRITE,
                        StandardOpenOption.TRUNCATE_EXISTING)) {
            writeAll(channel, header(tensors));
            for (INDArray tensor : tensors.values()) {
                write(channel, tensor);
            }
            channel.force(true);
        }
    }

    private List<Map<String, INDArray>> split(Map<String, INDArray> tensors) {
        List<Map<String, INDArray>> shards = new ArrayList<>();
        long room = 0;
        for (Map.Entry<String, INDArray> tensor : tensors.entrySet()) {
            if (shards.isEmpty() || bytes(tensor.getValue()) > room) {
                shards.add(new LinkedHashMap<>());
                room = shardBytes;
            }
            shards.get(shards.size() - 1).put(tensor.getKey(), tensor.getValue());
            room -= bytes(tensor.getValue());
        }
        return shards;
    }

    private long bytes(INDArray tensor) {
        return tensor.length() * dtype.bytes();
    }

    private ByteBuffer header(Map<String, INDArray> tensors) throws IOException {
        ObjectNode header = JSON.createObjectNode();
        header.putObject(SafetensorsHeader.METADATA).put("format", "pt");
        long offset = 0;
        for (Map.Entry<String, INDArray> tensor : tensors.entrySet()) {
            ObjectNode entry = header.putObject(tensor.getKey()).put("dtype", dtype.name());
            entry.set("shape", JSON.valueToTree(tensor.getValue().shape()));
            long end = offset + bytes(tensor.getValue());
            entry.putArray("data_offsets").add(offset).add(end);
            offset = end;
        }
        byte[] json = JSON.writeValueAsBytes(header);
        int padded = (json.length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        ByteBuffer buffer = ByteBuffer.allocate(Long.BYTES + padded).order(ByteOrder.LITTLE_ENDIAN);
        buffer.putLong(padded).put(json);
        while (buffer.hasRemaining()) {
            buffer.put((byte) ' ');
        }
        return buffer.flip();
    }

    private void write(FileChannel channel, INDArray tensor) throws IOException {
        INDArray flat = tensor.reshape('c', tensor.length());
        ByteBuffer buffer =
                ByteBuffer.allocateDirect(PIECE * dtype.bytes()).order(ByteOrder.LITTLE_ENDIAN);
        for (long start = 0; start < tensor.length(); start += PIECE) {
            long end = Math.min(start + PIECE, tensor.length());
            float[] numbers = flat.get(NDArrayIndex.interval(start, end)).toFloatVector();
            dtype.write(numbers, numbers.length, buffer.clear());
            writeAll(channel, buffer.flip());
        }
    }

    private static void writeAll(FileChannel channel, ByteBuffer buffer) throws IOException {
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
    }
}
