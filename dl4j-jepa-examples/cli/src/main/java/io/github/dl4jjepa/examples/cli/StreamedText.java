package io.github.dl4jjepa.examples.cli;

import java.util.function.Consumer;

/** Shows a text on the terminal while it is written; nothing where there is no terminal. */
final class StreamedText implements Consumer<String>, AutoCloseable {
    private final boolean shown = ConsoleProgress.standardErrorIsATerminal();
    private boolean begun;

    @Override
    public void accept(String piece) {
        if (shown) {
            System.err.print(piece);
            System.err.flush();
            begun = true;
        }
    }

    /** Ends the line. */
    @Override
    public void close() {
        if (begun) {
            System.err.println();
        }
    }
}
