package io.github.dl4jjepa.core.internal.samediff;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Splits the blocks of a kernel over threads: as many as ND4J's matrix products use.
 *
 * <p>A kernel's blocks are the same whatever the number of threads, and so are its results.
 */
final class KernelThreads {
    /** Below so many values a second thread takes longer to wake than to help. */
    private static final long VALUES_PER_THREAD = 1 << 16;

    private static final ExecutorService POOL =
            new ThreadPoolExecutor(
                    0,
                    Integer.MAX_VALUE,
                    10,
                    TimeUnit.SECONDS,
                    new SynchronousQueue<>(),
                    task -> {
                        Thread thread = new Thread(task, "dl4j-jepa-kernel");
                        thread.setDaemon(true);
                        return thread;
                    });

    private KernelThreads() {}

    /** Works on some blocks of a kernel. */
    @FunctionalInterface
    interface Task {
        /**
         * Works on the blocks from one on, up to another.
         *
         * @param from the first
         * @param to the one after the last
         */
        void run(int from, int to);
    }

    /**
     * Runs a kernel and waits for it.
     *
     * @param blocks how many blocks it has
     * @param values how many values it goes through
     */
    static void run(int blocks, long values, Task task) {
        int threads =
                (int)
                        Math.min(
                                Math.min(blocks, Nd4j.factory().blas().getMaxThreads()),
                                values / VALUES_PER_THREAD);
        if (threads <= 1) {
            task.run(0, blocks);
            return;
        }
        CountDownLatch others = new CountDownLatch(threads - 1);
        AtomicReference<Throwable> failure = new AtomicReference<>();
        for (int thread = 1; thread < threads; thread++) {
            int from = (int) ((long) blocks * thread / threads);
            int to = (int) ((long) blocks * (thread + 1) / threads);
            POOL.execute(
                    () -> {
                        try {
                            task.run(from, to);
                        } catch (RuntimeException | Error e) {
                            failure.compareAndSet(null, e);
                        } finally {
                            others.countDown();
                        }
                    });
        }
        try {
            task.run(0, (int) ((long) blocks / threads));
        } finally {
            awaitUninterruptibly(others);
        }
        if (failure.get() != null) {
            throw new IllegalStateException("a kernel failed", failure.get());
        }
    }

    /** The kernel's arrays must not be freed while a thread works on them. */
    private static void awaitUninterruptibly(CountDownLatch latch) {
        boolean interrupted = false;
        while (true) {
            try {
                latch.await();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
