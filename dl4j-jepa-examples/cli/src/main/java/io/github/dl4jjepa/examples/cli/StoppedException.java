package io.github.dl4jjepa.examples.cli;

import java.nio.file.Path;

/** A signal has stopped a command, which can be continued. */
final class StoppedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int exitCode;

    /**
     * @param message what was stopped, and how to continue it
     * @param exitCode the exit code that tells the signal
     * @param cause what the command threw
     */
    StoppedException(String message, int exitCode, Exception cause) {
        super(message, cause);
        this.exitCode = exitCode;
    }

    int exitCode() {
        return exitCode;
    }

    /**
     * The command that continues a run, for a POSIX shell. Settings are those that the run saved.
     *
     * @param command the name of the command that began it
     * @param output the run's folder
     */
    static String resuming(String command, Path output) {
        return "jepa " + command + " --resume --output " + quoted(output.toString());
    }

    private static String quoted(String word) {
        return word.matches("[\\w@%+=:,./-]+") ? word : "'" + word.replace("'", "'\\''") + "'";
    }
}
