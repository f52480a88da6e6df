package io.github.dl4jjepa.core.training.internal;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.internal.IoFailures;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A text file that gets a line now and then during a training, and loses those of later steps when
 * the training is resumed from a checkpoint.
 */
public final class StepLines {
    private static final Logger LOG = LoggerFactory.getLogger(StepLines.class);

    private final Path file;

    /**
     * @param file the file; its folder must be there
     */
    public StepLines(Path file) {
        this.file = file;
    }

    /**
     * Appends a line, whole or not at all. It reaches the operating system before this returns.
     *
     * @throws JepaException if it cannot be written
     */
    public void append(String line) {
        try (FileChannel channel =
                FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            long end = channel.size();
            channel.position(end);
            try {
                ByteBuffer bytes = StandardCharsets.UTF_8.encode(line + "\n");
                while (bytes.hasRemaining()) {
                    channel.write(bytes);
                }
            } catch (IOException e) {
                removeFrom(end, channel);
                throw e;
            }
        } catch (IOException e) {
            throw failure(e);
        }
    }

    /** What cannot be removed is removed when the run is resumed. */
    private static void removeFrom(long end, FileChannel channel) {
        try {
            channel.truncate(end);
        } catch (IOException e) {
            LOG.debug("The beginning of a line stays", e);
        }
    }

    /** Which lines stay. */
    @FunctionalInterface
    public interface Kept {
        /**
         * Selects lines.
         *
         * @param lines all lines, the last of which may be cut off
         * @throws JepaException if one is no line of this file
         */
        List<String> of(List<String> lines);
    }

    /**
     * Removes lines; does nothing where there is no file.
     *
     * @throws JepaException if the file cannot be read or written
     */
    public void keep(Kept kept) {
        try {
            if (Files.exists(file)) {
                StringBuilder text = new StringBuilder();
                kept.of(Files.readAllLines(file)).forEach(line -> text.append(line).append('\n'));
                Path next = file.resolveSibling(file.getFileName() + ".tmp");
                Files.writeString(next, text);
                Files.move(
                        next,
                        file,
                        StandardCopyOption.ATOMIC_MOVE,
                        StandardCopyOption.REPLACE_EXISTING);
            }
        } catch (IOException e) {
            throw failure(e);
        }
    }

    private JepaException failure(IOException cause) {
        return new JepaException(
                file
                        + ": cannot be written: "
                        + IoFailures.describe(cause)
                        + ". The last checkpoint is whole: mend the cause and resume the run.",
                cause);
    }
}
