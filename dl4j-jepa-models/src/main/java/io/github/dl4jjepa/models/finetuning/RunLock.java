package io.github.dl4jjepa.models.finetuning;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.internal.IoFailures;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The right to write into a run's folder, held by one process. The operating system takes it back
 * when the process ends, however that happens.
 */
final class RunLock implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RunLock.class);

    /** The lock's file in the run's folder; its content says who holds the lock. */
    static final String FILE = ".run.lock";

    /** Beyond the content: Windows lets nobody read what is locked. */
    private static final long LOCKED_BYTE = Long.MAX_VALUE - 1;

    private final Path file;
    private final FileChannel channel;

    private RunLock(Path file, FileChannel channel) {
        this.file = file;
        this.channel = channel;
    }

    /**
     * Takes the lock.
     *
     * @param folder a run's folder, which must be there
     * @throws JepaException if another run has it, or the folder cannot be written
     */
    static RunLock acquire(Path folder) {
        Path file = folder.resolve(FILE);
        try {
            while (true) {
                FileChannel channel =
                        FileChannel.open(
                                file,
                                StandardOpenOption.CREATE,
                                StandardOpenOption.READ,
                                StandardOpenOption.WRITE);
                RunLock lock = locked(folder, file, channel);
                if (lock != null) {
                    return lock;
                }
            }
        } catch (IOException e) {
            throw new JepaException(folder + ": cannot be written: " + IoFailures.describe(e), e);
        }
    }

    /** The lock of an open file; null where the file was removed by the run before. */
    private static @Nullable RunLock locked(Path folder, Path file, FileChannel channel)
            throws IOException {
        try {
            if (!tryLock(file, channel)) {
                throw new JepaException(
                        folder
                                + ": another run writes into this folder ("
                                + content(channel).strip()
                                + "); wait for its end or stop it, or name another folder");
            }
            if (Files.exists(file)) {
                channel.truncate(0);
                channel.write(StandardCharsets.UTF_8.encode(holder() + "\n"), 0);
                return new RunLock(file, channel);
            }
            channel.close();
            return null;
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    private static boolean tryLock(Path file, FileChannel channel) {
        try {
            FileLock lock = channel.tryLock(LOCKED_BYTE, 1, false);
            return lock != null;
        } catch (OverlappingFileLockException e) {
            return false; // held by this process
        } catch (IOException e) {
            LOG.warn(
                    "{}: this file system has no locks ({}); continuing without",
                    file,
                    IoFailures.describe(e));
            return true;
        }
    }

    private static String content(FileChannel channel) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(256);
        channel.read(bytes, 0);
        return StandardCharsets.UTF_8.decode(bytes.flip()).toString();
    }

    private static String holder() {
        String host;
        try {
            host = InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            host = "an unknown host";
        }
        return "process " + ProcessHandle.current().pid() + " on " + host;
    }

    /** Gives the lock back. */
    @Override
    public void close() {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            // A lock's file that stays harms nobody.
            LOG.debug("{} stays", file, e);
        }
        try {
            channel.close();
        } catch (IOException e) {
            LOG.debug("{} was not closed", file, e);
        }
    }
}
