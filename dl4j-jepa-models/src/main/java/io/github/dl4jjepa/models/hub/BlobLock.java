package io.github.dl4jjepa.models.hub;

import com.google.errorprone.annotations.MustBeClosed;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The right to download one blob, held by one thread of one Java process.
 *
 * <p>The lock's file is where {@code huggingface_hub} has it. On Windows the two libraries exclude
 * each other. Elsewhere they do not, as Python locks with {@code flock} and Java with {@code
 * fcntl}: both may then download a blob, each into a file of another name.
 */
final class BlobLock implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(BlobLock.class);
    private static final Duration POLL = Duration.ofMillis(100);
    private static final int POLLS_PER_REPORT = 100;

    /**
     * Closing any channel of a file may drop a process's lock on it: one thread at a time has one.
     */
    private static final Map<Path, ReentrantLock> THREADS = new ConcurrentHashMap<>();

    private final ReentrantLock thread;
    private final FileChannel channel;

    private BlobLock(ReentrantLock thread, FileChannel channel) {
        this.thread = thread;
        this.channel = channel;
    }

    /**
     * Waits for the lock.
     *
     * @param file the lock's file; it stays there
     * @param purpose for the log
     * @throws IOException if the file cannot be created, or the thread is interrupted
     */
    @MustBeClosed
    static BlobLock acquire(Path file, String purpose) throws IOException {
        Path path = file.toAbsolutePath().normalize();
        Files.createDirectories(path.getParent());
        ReentrantLock thread = THREADS.computeIfAbsent(path, any -> new ReentrantLock());
        try {
            while (!thread.tryLock()
                    && !thread.tryLock(POLL.toMillis() * POLLS_PER_REPORT, TimeUnit.MILLISECONDS)) {
                LOG.info("Waiting for another thread that downloads {}", purpose);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while another thread downloaded " + purpose, e);
        }
        try {
            FileChannel channel =
                    FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            try {
                lock(channel, path, purpose);
                return new BlobLock(thread, channel);
            } catch (IOException | RuntimeException e) {
                channel.close();
                throw e;
            }
        } catch (IOException | RuntimeException e) {
            thread.unlock();
            throw e;
        }
    }

    private static void lock(FileChannel channel, Path path, String purpose) throws IOException {
        for (int polls = 0; !tryLock(channel, path); polls++) {
            if (polls % POLLS_PER_REPORT == 0) {
                LOG.info("Waiting for another process that downloads {} (lock {})", purpose, path);
            }
            try {
                Thread.sleep(POLL.toMillis());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IOException("interrupted while another process downloads " + purpose, e);
            }
        }
    }

    private static boolean tryLock(FileChannel channel, Path path) {
        try {
            FileLock lock = channel.tryLock();
            return lock != null;
        } catch (OverlappingFileLockException e) {
            return false; // held by this class in another class loader
        } catch (IOException e) {
            LOG.warn(
                    "{}: this file system has no locks ({}); continuing without",
                    path,
                    e.getMessage());
            return true;
        }
    }

    /** Releases the lock. */
    @Override
    public void close() throws IOException {
        try {
            channel.close();
        } finally {
            thread.unlock();
        }
    }
}
