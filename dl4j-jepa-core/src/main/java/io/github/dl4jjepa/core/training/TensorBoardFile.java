package io.github.dl4jjepa.core.training;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.internal.IoFailures;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Writes event files for TensorBoard: scalars {@code train/…} after each optimizer step, {@code
 * validation/…} after an evaluation, {@code generated/…} and the texts {@code samples/…} where
 * answers are generated. The names are those of {@link MetricsFile}; {@code
 * train/tokens_per_second} comes on top. A number that is not finite is left out.
 *
 * <p>Each run, and each continuation of a run, writes a file of its own. That of a continuation
 * begins with a mark by which TensorBoard drops the steps that are taken again. Not for use by
 * several threads at once.
 */
public final class TensorBoardFile implements TrainerListener {
    private static final int DT_STRING = 7;
    private static final int SESSION_START = 1;

    private final Path folder;
    private final Clock clock;
    private @Nullable Path file;

    /**
     * @param folder the folder to write into, which is made if it is not there
     */
    public TensorBoardFile(Path folder) {
        this(folder, Clock.systemUTC());
    }

    TensorBoardFile(Path folder, Clock clock) {
        this.folder = folder;
        this.clock = clock;
    }

    @Override
    public void onStart(long totalSteps, TrainerState state) {
        try {
            Files.createDirectories(folder);
        } catch (IOException e) {
            throw failure(folder, e);
        }
        file =
                folder.resolve(
                        String.format(
                                Locale.ROOT,
                                "events.out.tfevents.%010d.%s.%d",
                                clock.millis() / 1000,
                                host(),
                                ProcessHandle.current().pid()));
        write(0, new Message().text(3, "brain.Event:2"));
        // Event.session_log: what is of this step and later ones is void.
        write(state.step() + 1, new Message().message(7, new Message().varint(1, SESSION_START)));
    }

    private static String host() {
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            return "localhost";
        }
    }

    @Override
    public void onStep(StepMetrics metrics) {
        Map<String, Double> scalars = new LinkedHashMap<>();
        metrics.values()
                .forEach(
                        (name, value) ->
                                scalars.put(
                                        name.startsWith("validation_")
                                                ? name.replaceFirst("_", "/")
                                                : "train/" + name,
                                        value.doubleValue()));
        scalars.put("train/tokens_per_second", metrics.cost().tokens() / metrics.cost().seconds());
        write(metrics.step(), new Message().message(5, summary(scalars)));
    }

    @Override
    public void onSamples(Samples samples) {
        Map<String, Double> scalars = new LinkedHashMap<>();
        samples.scores().forEach((name, value) -> scalars.put("generated/" + name, value));
        Message summary = summary(scalars);
        for (int i = 0; i < samples.answers().size(); i++) {
            Samples.Answer answer = samples.answers().get(i);
            summary.message(
                    1,
                    text(
                            "samples/" + (i + 1),
                            "Question:\n\n"
                                    + quoted(answer.question())
                                    + "\n\nAnswer:\n\n"
                                    + quoted(answer.answer())
                                    + "\n\nExpected:\n\n"
                                    + quoted(answer.expected())));
        }
        write(samples.step(), new Message().message(5, summary));
    }

    /** A text that Markdown leaves as it is. */
    private static String quoted(String text) {
        return "    " + text.replaceAll("\\R", "\n    ");
    }

    /** A Summary of scalars. */
    private static Message summary(Map<String, Double> scalars) {
        Message summary = new Message();
        scalars.forEach(
                (tag, value) -> {
                    if (Double.isFinite(value)) {
                        summary.message(
                                1, new Message().text(1, tag).fixed32(2, value.floatValue()));
                    }
                });
        return summary;
    }

    /** A Summary.Value for the plugin that shows texts. */
    private static Message text(String tag, String markdown) {
        Message shape = new Message().message(2, new Message().varint(1, 1));
        return new Message()
                .text(1, tag)
                .message(8, new Message().varint(1, DT_STRING).message(2, shape).text(8, markdown))
                .message(9, new Message().message(1, new Message().text(1, "text")));
    }

    /** Appends an Event as a record of TFRecord's format. */
    private void write(long step, Message content) {
        byte[] event =
                new Message()
                        .fixed64(1, clock.millis() / 1e3)
                        .varint(2, step)
                        .append(content)
                        .toBytes();
        ByteBuffer record =
                ByteBuffer.allocate(event.length + 16)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putLong(event.length);
        record.putInt(maskedCrc(record.array(), Long.BYTES)).put(event);
        record.putInt(maskedCrc(event, event.length));
        Path written = Objects.requireNonNull(file, "onStart was not called");
        try {
            Files.write(
                    written, record.array(), StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw failure(written, e);
        }
    }

    private static JepaException failure(Path file, IOException cause) {
        return new JepaException(
                file + ": cannot be written: " + IoFailures.describe(cause), cause);
    }

    private static int maskedCrc(byte[] bytes, int length) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, 0, length);
        return Integer.rotateRight((int) crc.getValue(), 15) + 0xa282ead8;
    }

    /** A message in the wire format of Protocol Buffers. */
    private static final class Message {
        private static final int VARINT = 0;
        private static final int FIXED64 = 1;
        private static final int BYTES = 2;
        private static final int FIXED32 = 5;

        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

        private void put(long varint) {
            long rest = varint;
            for (; (rest & ~0x7FL) != 0; rest >>>= 7) {
                bytes.write((int) (rest & 0x7F | 0x80));
            }
            bytes.write((int) rest);
        }

        private Message begin(int field, int type) {
            put((long) field << 3 | type);
            return this;
        }

        Message varint(int field, long value) {
            begin(field, VARINT).put(value);
            return this;
        }

        Message fixed64(int field, double value) {
            return begin(field, FIXED64)
                    .append(
                            ByteBuffer.allocate(Double.BYTES)
                                    .order(ByteOrder.LITTLE_ENDIAN)
                                    .putDouble(value)
                                    .array());
        }

        Message fixed32(int field, float value) {
            return begin(field, FIXED32)
                    .append(
                            ByteBuffer.allocate(Float.BYTES)
                                    .order(ByteOrder.LITTLE_ENDIAN)
                                    .putFloat(value)
                                    .array());
        }

        Message text(int field, String value) {
            return bytes(field, value.getBytes(StandardCharsets.UTF_8));
        }

        Message message(int field, Message value) {
            return bytes(field, value.toBytes());
        }

        private Message bytes(int field, byte[] value) {
            begin(field, BYTES).put(value.length);
            return append(value);
        }

        private Message append(byte[] value) {
            bytes.writeBytes(value);
            return this;
        }

        /** Adds the fields of another message. */
        Message append(Message fields) {
            return append(fields.toBytes());
        }

        byte[] toBytes() {
            return bytes.toByteArray();
        }
    }
}
