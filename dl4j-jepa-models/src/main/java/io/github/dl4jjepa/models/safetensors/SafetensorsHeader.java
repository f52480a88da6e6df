package io.github.dl4jjepa.models.safetensors;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.dl4jjepa.core.JepaException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Map.Entry;

/** Reads and checks the header of one safetensors file. */
final class SafetensorsHeader {
    static final String METADATA = "__metadata__";
    private static final int LENGTH_BYTES = 8;
    private static final long MAX_HEADER_BYTES = 100_000_000;
    private static final JsonMapper JSON =
            JsonMapper.builder()
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                    .build();

    private final Path file;
    private final long dataStart;
    private final long dataBytes;
    private final Map<String, TensorInfo> tensors = new LinkedHashMap<>();

    private SafetensorsHeader(Path file, FileChannel channel) throws IOException {
        this.file = file;
        long fileBytes = channel.size();
        if (fileBytes < LENGTH_BYTES) {
            throw damaged(
                    "the file has "
                            + fileBytes
                            + " bytes, fewer than the 8 that say how long its header is");
        }
        long headerBytes = read(channel, 0, LENGTH_BYTES).getLong(0);
        if (headerBytes < 0 || headerBytes > MAX_HEADER_BYTES) {
            throw damaged(
                    "a header of "
                            + Long.toUnsignedString(headerBytes)
                            + " bytes is announced; the format allows "
                            + MAX_HEADER_BYTES);
        }
        if (headerBytes > fileBytes - LENGTH_BYTES) {
            throw damaged(
                    "a header of "
                            + headerBytes
                            + " bytes is announced, but the file has only "
                            + (fileBytes - LENGTH_BYTES)
                            + " more");
        }
        dataStart = LENGTH_BYTES + headerBytes;
        dataBytes = fileBytes - dataStart;
        readEntries(parse(read(channel, LENGTH_BYTES, (int) headerBytes)));
        checkCoverage();
    }

    /**
     * Reads the header of a file.
     *
     * @return where each tensor lies, in the header's order
     * @throws JepaException if the file is not what the format demands
     */
    static Map<String, TensorInfo> read(Path file, FileChannel channel) throws IOException {
        return new SafetensorsHeader(file, channel).tensors;
    }

    private static ByteBuffer read(FileChannel channel, long position, int bytes)
            throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
        while (buffer.hasRemaining() && channel.read(buffer, position + buffer.position()) >= 0) {
            // until the buffer is full
        }
        return buffer.flip();
    }

    private JsonNode parse(ByteBuffer header) {
        try {
            String text = StandardCharsets.UTF_8.newDecoder().decode(header).toString();
            if (!text.startsWith("{")) {
                throw damaged("the header does not begin with '{'");
            }
            return JSON.readTree(text);
        } catch (CharacterCodingException e) {
            throw damaged("the header is not UTF-8");
        } catch (JsonProcessingException e) {
            throw damaged("the header is not valid JSON: " + e.getOriginalMessage());
        }
    }

    private void readEntries(JsonNode header) {
        for (Entry<String, JsonNode> entry : header.properties()) {
            if (entry.getKey().equals(METADATA)) {
                checkMetadata(entry.getValue());
            } else {
                tensors.put(entry.getKey(), tensor(entry.getKey(), entry.getValue()));
            }
        }
    }

    private void checkMetadata(JsonNode metadata) {
        if (!metadata.isObject() || !metadata.valueStream().allMatch(JsonNode::isTextual)) {
            throw damaged(METADATA + " must map strings to strings");
        }
    }

    private TensorInfo tensor(String name, JsonNode entry) {
        JsonNode dtypeName = entry.path("dtype");
        if (!dtypeName.isTextual()) {
            throw damaged("tensor " + name + " has no dtype");
        }
        Dtype dtype =
                Dtype.named(dtypeName.textValue())
                        .orElseThrow(
                                () ->
                                        new JepaException(
                                                file
                                                        + ": tensor "
                                                        + name
                                                        + " has the dtype \""
                                                        + dtypeName.textValue()
                                                        + "\", which is not supported; convert the checkpoint to F32, BF16 or F16"));
        long[] shape = numbers(name, entry.path("shape"), "shape");
        long[] offsets = numbers(name, entry.path("data_offsets"), "data_offsets");
        if (offsets.length != 2 || offsets[0] > offsets[1] || offsets[1] > dataBytes) {
            throw damaged(
                    "tensor "
                            + name
                            + " lies at "
                            + entry.path("data_offsets")
                            + ", outside the file's "
                            + dataBytes
                            + " bytes of data");
        }
        long bytes = offsets[1] - offsets[0];
        if (bytes != bytes(dtype, shape)) {
            throw damaged(
                    "tensor "
                            + name
                            + " of shape "
                            + entry.path("shape")
                            + " and dtype "
                            + dtype
                            + " cannot have "
                            + bytes
                            + " bytes");
        }
        return new TensorInfo(name, dtype, shape, file, dataStart + offsets[0], bytes);
    }

    /** The bytes of a shape, or -1 where they exceed what a long holds. */
    private static long bytes(Dtype dtype, long[] shape) {
        try {
            long bytes = dtype.bytes();
            for (long size : shape) {
                bytes = Math.multiplyExact(bytes, size);
            }
            return bytes;
        } catch (ArithmeticException e) {
            return -1;
        }
    }

    private long[] numbers(String name, JsonNode array, String key) {
        boolean valid =
                array.isArray()
                        && array.valueStream()
                                .allMatch(
                                        node ->
                                                node.isIntegralNumber()
                                                        && node.canConvertToLong()
                                                        && node.longValue() >= 0);
        if (!valid) {
            throw damaged("tensor " + name + ": " + key + " must be a list of integers from 0 up");
        }
        return array.valueStream().mapToLong(JsonNode::longValue).toArray();
    }

    /** The tensors must lie one behind the other and fill the file. */
    private void checkCoverage() {
        List<TensorInfo> byOffset = new ArrayList<>(tensors.values());
        byOffset.sort(
                Comparator.comparingLong(TensorInfo::offset).thenComparingLong(TensorInfo::bytes));
        long end = dataStart;
        for (TensorInfo tensor : byOffset) {
            if (tensor.offset() < end) {
                throw damaged("tensor " + tensor.name() + " overlaps the one before it");
            }
            if (tensor.offset() > end) {
                throw damaged("there is a hole before tensor " + tensor.name());
            }
            end = tensor.offset() + tensor.bytes();
        }
        if (end != dataStart + dataBytes) {
            throw damaged(
                    (dataStart + dataBytes - end)
                            + " bytes at the end of the file belong to no tensor");
        }
    }

    private JepaException damaged(String fault) {
        return new JepaException(
                file + ": " + fault + "; the file is damaged or not complete: get it again");
    }
}
