package io.github.dl4jjepa.examples.cli;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.IntConsumer;
import org.jline.utils.Signals;

/**
 * SIGINT and SIGTERM while a training runs: the first one asks it to stop after its step, a second
 * SIGINT ends the process at once.
 */
final class StopSignals implements AutoCloseable {
    static final int SIGINT = 2;
    static final int SIGTERM = 15;

    /** What a shell adds to a signal's number to make it an exit code. */
    private static final int EXIT_CODE = 128;

    private final IntConsumer halt;
    private final Map<String, Object> before = new LinkedHashMap<>();
    private volatile int first;

    /** Listens to signals until it is closed. */
    StopSignals() {
        this(Runtime.getRuntime()::halt);
    }

    /**
     * @param halt ends the process with an exit code
     */
    StopSignals(IntConsumer halt) {
        this.halt = halt;
        before.put("INT", Signals.register("INT", () -> arrived(SIGINT)));
        before.put("TERM", Signals.register("TERM", () -> arrived(SIGTERM)));
    }

    synchronized void arrived(int signal) {
        if (first == 0) {
            first = signal;
            System.err.println(
                    "\njepa: stopping after this step, with a checkpoint; Ctrl-C stops at once");
        } else if (signal == SIGINT) {
            halt.accept(EXIT_CODE + signal);
        }
    }

    /** Whether the training is asked to stop. */
    boolean haveArrived() {
        return first != 0;
    }

    /** The exit code that tells the signal, as shells have it. */
    int exitCode() {
        return EXIT_CODE + first;
    }

    @Override
    public void close() {
        before.forEach(Signals::unregister);
    }
}
