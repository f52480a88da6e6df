package io.github.dl4jjepa.models.hub;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

class BlobLockTest {
    @TempDir private Path folder;

    /** Another process: it takes a file's lock, says so, and holds it until its input ends. */
    static final class Holder {
        private Holder() {}

        public static void main(String[] arguments) throws IOException {
            try (FileChannel channel =
                    FileChannel.open(
                            Path.of(arguments[0]),
                            StandardOpenOption.CREATE,
                            StandardOpenOption.WRITE)) {
                channel.lock();
                System.out.println("locked");
                System.in.read();
            }
        }
    }

    private CompletableFuture<BlobLock> acquire(Path file) {
        return CompletableFuture.supplyAsync(
                () -> {
                    try (BlobLock lock = BlobLock.acquire(file, "a file")) {
                        return lock;
                    } catch (IOException e) {
                        throw new AssertionError(e);
                    }
                });
    }

    @Test
    void waitsForAnotherProcessAndSaysSo() throws Exception {
        Path file = folder.resolve("x.lock");
        Logger logger = (Logger) LoggerFactory.getLogger(BlobLock.class);
        Level level = logger.getLevel();
        var log = new ListAppender<ILoggingEvent>();
        log.start();
        logger.setLevel(Level.INFO);
        logger.addAppender(log);
        Process holder =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "-cp",
                                System.getProperty("java.class.path"),
                                Holder.class.getName(),
                                file.toString())
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start();
        try {
            assertThat(holder.inputReader().readLine()).isEqualTo("locked");
            CompletableFuture<BlobLock> lock = acquire(file);
            assertThat(lock.completeOnTimeout(null, 300, TimeUnit.MILLISECONDS).get()).isNull();
            CompletableFuture<BlobLock> second = acquire(file);
            holder.getOutputStream().close();
            assertThat(second.get(30, TimeUnit.SECONDS)).isNotNull();
            assertThat(log.list.get(0).getFormattedMessage())
                    .contains("Waiting for another process", file.toString());
        } finally {
            logger.detachAppender(log);
            logger.setLevel(level);
            holder.destroy();
        }
    }

    @Test
    void waitsForAnotherThread() throws Exception {
        Path file = folder.resolve("locks").resolve("x.lock");
        CompletableFuture<BlobLock> second;
        try (BlobLock first = BlobLock.acquire(file, "a file")) {
            assertThat(first).isNotNull();
            second = acquire(file);
            assertThat(second.isDone()).isFalse();
        }
        assertThat(second.get(30, TimeUnit.SECONDS)).isNotNull();
        assertThat(Files.exists(file)).isTrue();
    }
}
