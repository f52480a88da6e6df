package io.github.dl4jjepa.models.safetensors;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.models.internal.GitLfs;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The header of one safetensors file, held to every rule of the format's specification and of its
 * reference implementation.
 *
 * @param tensors what the file holds, in the order of the data
 * @param metadata the free-form {@code __metadata__}
 */
record SafetensorsHeader(
        List<SafetensorsCheckpoint.TensorInfo> tensors, Map<String, String> metadata) {
    static final String METADATA = "__metadata__";

    /** Bytes before the header: its length, little endian. */
    static final int PREFIX = Long.BYTES;

    private static final long MAX_LENGTH = 100_000_000;

    private static final JsonMapper JSON =
            JsonMapper.builder()
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                    .build();

    /**
     * Reads and checks a file's header.
     *
     * @throws JepaException if the file cannot be read or breaks a rule
     */
    static SafetensorsHeader read(Path file) {
        GitLfs.refusePointer(file);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            return new Parser(file, channel.size()).parse(channel);
        } catch (NoSuchFileException e) {
            throw new JepaException(file + ": no such file.", e);
        } catch (IOException e) {
            throw new JepaException(file + ": cannot be read: " + e, e);
        }
    }

    private static final class Parser {
        private final Path file;
        private final long fileSize;
        private long dataStart;

        Parser(Path file, long fileSize) {
            this.file = file;
            this.fileSize = fileSize;
        }

        SafetensorsHeader parse(FileChannel channel) throws IOException {
            Map<String, String> metadata = new LinkedHashMap<>();
            List<SafetensorsCheckpoint.TensorInfo> tensors = new ArrayList<>();
            for (Map.Entry<String, JsonNode> entry : json(channel).properties()) {
                if (entry.getKey().equals(METADATA)) {
                    metadata.putAll(metadata(entry.getValue()));
                } else {
                    tensors.add(tensor(entry.getKey(), entry.getValue()));
                }
            }
            tensors.sort(
                    Comparator.comparingLong(SafetensorsCheckpoint.TensorInfo::offset)
                            .thenComparingLong(SafetensorsCheckpoint.TensorInfo::length));
            checkCoverage(tensors);
            return new SafetensorsHeader(List.copyOf(tensors), Map.copyOf(metadata));
        }

        private JsonNode json(FileChannel channel) throws IOException {
            if (fileSize < PREFIX) {
                throw damaged("holds " + fileSize + " bytes, too few for a safetensors file");
            }
            long length = read(channel, PREFIX, 0).order(ByteOrder.LITTLE_ENDIAN).getLong();
            if (length < 0 || length > MAX_LENGTH) {
                throw damaged(
                        String.format(
                                Locale.ROOT,
                                "states a header of %s bytes; the format allows %d",
                                Long.toUnsignedString(length),
                                MAX_LENGTH));
            }
            dataStart = PREFIX + length;
            if (dataStart > fileSize) {
                throw damaged(
                        String.format(
                                Locale.ROOT,
                                "states a header of %d bytes, but only %d follow",
                                length,
                                fileSize - PREFIX));
            }
            String header;
            try {
                header =
                        StandardCharsets.UTF_8
                                .newDecoder()
                                .decode(read(channel, (int) length, PREFIX))
                                .toString();
            } catch (CharacterCodingException e) {
                throw damaged("has a header that is not UTF-8", e);
            }
            if (!header.startsWith("{")) {
                throw damaged("has a header that does not begin with '{'");
            }
            try {
                return JSON.readTree(header);
            } catch (JsonProcessingException e) {
                throw damaged("has a header that is not valid JSON: " + whatAndWhere(e), e);
            }
        }

        /** What exceeds a limit of the parser, such as its depth, comes without a place. */
        private static String whatAndWhere(JsonProcessingException e) {
            return e.getLocation() == null
                    ? e.getOriginalMessage()
                    : e.getOriginalMessage()
                            + " (character "
                            + e.getLocation().getCharOffset()
                            + " of the header)";
        }

        private static ByteBuffer read(FileChannel channel, int length, long position)
                throws IOException {
            ByteBuffer bytes = ByteBuffer.allocate(length);
            while (bytes.hasRemaining()) {
                if (channel.read(bytes, position + bytes.position()) < 0) {
                    throw new EOFException("it became shorter while it was read");
                }
            }
            return bytes.flip();
        }

        private Map<String, String> metadata(JsonNode node) {
            if (!node.isObject()) {
                throw damaged(METADATA + " is not an object");
            }
            Map<String, String> metadata = new LinkedHashMap<>();
            for (Map.Entry<String, JsonNode> entry : node.properties()) {
                if (!entry.getValue().isTextual()) {
                    throw damaged(METADATA + " key \"" + entry.getKey() + "\" is not a string");
                }
                metadata.put(entry.getKey(), entry.getValue().textValue());
            }
            return metadata;
        }

        private SafetensorsCheckpoint.TensorInfo tensor(String name, JsonNode entry) {
            if (!entry.isObject()) {
                throw damagedTensor(name, "has an entry that is not an object");
            }
            Dtype dtype = dtype(name, entry.path("dtype"));
            List<Long> shape = sizes(name, "shape", entry.path("shape"));
            List<Long> offsets = sizes(name, "data_offsets", entry.path("data_offsets"));
            if (offsets.size() != 2) {
                throw damagedTensor(name, "has data_offsets " + offsets + ", not [begin, end]");
            }
            long begin = offsets.get(0);
            long end = offsets.get(1);
            if (begin > end || end > fileSize - dataStart) {
                throw damagedTensor(
                        name,
                        String.format(
                                Locale.ROOT,
                                "has data_offsets %s; the file holds %d bytes of data",
                                offsets,
                                fileSize - dataStart));
            }
            if (byteLength(name, shape, dtype) != end - begin) {
                throw damagedTensor(
                        name,
                        String.format(
                                Locale.ROOT,
                                "is %s of shape %s, but its data_offsets %s span %d bytes",
                                dtype,
                                shape,
                                offsets,
                                end - begin));
            }
            return new SafetensorsCheckpoint.TensorInfo(
                    name, dtype, shape, file, dataStart + begin, end - begin);
        }

        private Dtype dtype(String name, JsonNode node) {
            if (!node.isTextual()) {
                throw damagedTensor(name, "has no dtype");
            }
            try {
                return Dtype.valueOf(node.textValue());
            } catch (IllegalArgumentException e) {
                throw new JepaException(
                        String.format(
                                Locale.ROOT,
                                "%s: tensor \"%s\" has the unknown dtype \"%s\"; known are %s."
                                        + " Convert the checkpoint to one of them, or download it"
                                        + " again if it is damaged.",
                                file,
                                name,
                                node.textValue(),
                                List.of(Dtype.values())),
                        e);
            }
        }

        private List<Long> sizes(String name, String key, JsonNode node) {
            if (!node.isArray()) {
                throw damagedTensor(name, "has no " + key);
            }
            List<Long> sizes = new ArrayList<>(node.size());
            for (JsonNode size : node) {
                if (!size.isIntegralNumber() || !size.canConvertToLong() || size.longValue() < 0) {
                    throw damagedTensor(name, "has " + size + " in its " + key);
                }
                sizes.add(size.longValue());
            }
            return sizes;
        }

        private long byteLength(String name, List<Long> shape, Dtype dtype) {
            try {
                long bits = dtype.bits();
                for (long size : shape) {
                    bits = Math.multiplyExact(bits, size);
                }
                return bits % Byte.SIZE == 0 ? bits / Byte.SIZE : -1;
            } catch (ArithmeticException e) {
                throw damagedTensor(name, "has shape " + shape + ", larger than any file", e);
            }
        }

        private void checkCoverage(List<SafetensorsCheckpoint.TensorInfo> tensors) {
            long covered = dataStart;
            for (SafetensorsCheckpoint.TensorInfo tensor : tensors) {
                if (tensor.offset() != covered) {
                    throw damagedTensor(
                            tensor.name(),
                            String.format(
                                    Locale.ROOT,
                                    "begins at byte %d of the data, where %d was due: tensors %s",
                                    tensor.offset() - dataStart,
                                    covered - dataStart,
                                    tensor.offset() < covered ? "overlap" : "leave a hole"));
                }
                covered += tensor.length();
            }
            if (covered != fileSize) {
                throw damaged(
                        String.format(
                                Locale.ROOT,
                                "holds %d bytes of data, but its tensors cover only %d",
                                fileSize - dataStart,
                                covered - dataStart));
            }
        }

        private JepaException damaged(String what) {
            return damaged(what, null);
        }

        private JepaException damaged(String what, @Nullable Exception cause) {
            return new JepaException(
                    file
                            + ": "
                            + what
                            + ". The file is damaged or incomplete: download or write it again.",
                    cause);
        }

        private JepaException damagedTensor(String tensor, String what) {
            return damagedTensor(tensor, what, null);
        }

        private JepaException damagedTensor(String tensor, String what, @Nullable Exception cause) {
            return damaged("tensor \"" + tensor + "\" " + what, cause);
        }
    }
}
