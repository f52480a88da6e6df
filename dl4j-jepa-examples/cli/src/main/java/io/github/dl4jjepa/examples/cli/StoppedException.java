package io.github.dl4jjepa.examples.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import picocli.CommandLine;

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
     * The command that continues a run, for a POSIX shell.
     *
     * @param jepa the command line that began it, or continued it
     */
    static String resuming(CommandLine jepa) {
        List<String> words = new ArrayList<>(List.of("jepa"));
        words.addAll(jepa.getParseResult().originalArgs());
        if (words.stream().noneMatch(word -> word.matches("--resume(=true)?"))) {
            words.add("--resume");
        }
        return words.stream().map(StoppedException::quoted).collect(Collectors.joining(" "));
    }

    private static String quoted(String word) {
        return word.matches("[\\w@%+=:,./-]+") ? word : "'" + word.replace("'", "'\\''") + "'";
    }
}
