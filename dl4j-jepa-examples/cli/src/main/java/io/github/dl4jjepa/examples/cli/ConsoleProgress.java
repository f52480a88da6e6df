package io.github.dl4jjepa.examples.cli;

import com.sun.jna.Platform;
import java.io.PrintStream;
import java.time.Duration;
import java.util.function.Consumer;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.DelegatingProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarConsumer;
import me.tongfei.progressbar.ProgressBarStyle;

/**
 * How far a long task is, on standard error: steps taken, time passed, time left, and a message of
 * the task's own.
 *
 * <p>On a terminal it is a bar that moves. Elsewhere (a file, a build server) it is a plain line
 * every {@value #LINE_INTERVAL_MILLIS} milliseconds and one at the end.
 */
public final class ConsoleProgress implements AutoCloseable {
    private static final int BAR_INTERVAL_MILLIS = 250;
    private static final int LINE_INTERVAL_MILLIS = 20_000;
    private static final int LINE_WIDTH = 120;

    private final ProgressBar bar;
    private final ProgressBarConsumer display;

    private ConsoleProgress(ProgressBarBuilder builder, ProgressBarConsumer display) {
        this.display = display;
        this.bar = builder.setConsumer(display).build();
    }

    /**
     * Begins to show the progress of a task.
     *
     * @param task what is being done
     * @param done steps that were taken earlier, more than 0 where a task is resumed
     * @param steps all steps of the task
     */
    public static ConsoleProgress start(String task, long done, long steps) {
        return standardErrorIsATerminal()
                ? onTerminal(task, done, steps, new Terminal(System.err))
                : inLines(task, done, steps, System.err, LINE_INTERVAL_MILLIS);
    }

    static ConsoleProgress onTerminal(String task, long done, long steps, Terminal terminal) {
        ProgressBarBuilder builder =
                builder(task, done, steps)
                        .setUpdateIntervalMillis(BAR_INTERVAL_MILLIS)
                        .continuousUpdate();
        return new ConsoleProgress(builder, terminal);
    }

    static ConsoleProgress inLines(
            String task, long done, long steps, PrintStream out, int intervalMillis) {
        ProgressBarBuilder builder =
                builder(task, done, steps).setUpdateIntervalMillis(intervalMillis);
        return new ConsoleProgress(
                builder, new DelegatingProgressBarConsumer(new Lines(out), LINE_WIDTH));
    }

    private static ProgressBarBuilder builder(String task, long done, long steps) {
        return new ProgressBarBuilder()
                .setTaskName(task)
                .setStyle(ProgressBarStyle.ASCII)
                .setInitialMax(steps)
                .startsFrom(done, Duration.ZERO);
    }

    static boolean standardErrorIsATerminal() {
        try {
            return !Platform.isWindows() && CLibrary.load().isatty(CLibrary.STANDARD_ERROR) == 1;
        } catch (LinkageError e) {
            // Without its native library, JNA fails another way each time after the first.
            return false;
        }
    }

    /** Counts one step. */
    public void step() {
        bar.step();
    }

    /**
     * Says more about the task.
     *
     * @param message replaces the message before; shown after the time
     */
    public void message(String message) {
        bar.setExtraMessage(message);
    }

    /** Shows how far the task came, and ends the line. */
    @Override
    public void close() {
        bar.close();
        // A bar that is closed before it was first drawn leaves its display open.
        display.close();
    }

    /** Draws over one line, and ends it once. */
    static final class Terminal extends ConsoleProgressBarConsumer {
        private boolean closed;

        Terminal(PrintStream out) {
            super(out);
        }

        Terminal(PrintStream out, int width) {
            super(out, width);
        }

        @Override
        public void close() {
            if (!closed) {
                closed = true;
                super.close();
            }
        }
    }

    /** Prints what is new: the bar draws its last state twice. */
    private static final class Lines implements Consumer<String> {
        private final PrintStream out;
        private String last = "";

        Lines(PrintStream out) {
            this.out = out;
        }

        @Override
        public void accept(String line) {
            String stripped = line.stripTrailing();
            if (!stripped.equals(last)) {
                out.println(stripped);
                last = stripped;
            }
        }
    }
}
