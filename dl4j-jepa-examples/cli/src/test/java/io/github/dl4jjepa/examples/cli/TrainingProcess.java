package io.github.dl4jjepa.examples.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A {@code jepa finetune} of a tiny model in a Java virtual machine of its own. */
final class TrainingProcess {
    private final Process process;
    private final Path output;
    private final Path err;

    private TrainingProcess(Process process, Path output, Path err) {
        this.process = process;
        this.output = output;
        this.err = err;
    }

    /**
     * Starts a training.
     *
     * @param folder has the model in {@code model} and pairs in {@code train.jsonl}
     * @param output the run's folder
     * @param jvm options of the virtual machine
     * @param options further options of the command
     */
    static TrainingProcess start(Path folder, Path output, List<String> jvm, String... options)
            throws IOException {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "-XX:TieredStopAtLevel=1",
                                "-XX:+UseSerialGC"));
        command.addAll(jvm);
        command.addAll(List.of("-cp", System.getProperty("java.class.path")));
        command.add(JepaCommand.class.getName());
        command.addAll(arguments(folder, output, options));
        Path err = Files.createTempFile(folder, "err", null);
        Process process =
                new ProcessBuilder(command)
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .redirectError(err.toFile())
                        .start();
        return new TrainingProcess(process, output, err);
    }

    /** The arguments of the command. */
    static List<String> arguments(Path folder, Path output, String... options) {
        return Stream.concat(
                        Stream.of(
                                "finetune",
                                "--model",
                                folder.resolve("model").toString(),
                                "--train",
                                folder.resolve("train.jsonl").toString(),
                                "--output",
                                output.toString(),
                                "--max-length",
                                "96",
                                "--learning-rate",
                                "1e-2"),
                        Arrays.stream(options))
                .toList();
    }

    /** The last step in a run's metrics; 0 where there is none. */
    static long lastStep(Path output) throws IOException {
        Path metrics = output.resolve("metrics.jsonl");
        if (!Files.exists(metrics)) {
            return 0;
        }
        // The last line may be half written.
        String text = Files.readString(metrics);
        return text.lines().limit(text.chars().filter(c -> c == '\n').count()).count();
    }

    /**
     * Waits until a step after a certain one is taken.
     *
     * @return whether one is; false if the process has ended before
     */
    boolean awaitStepAfter(long step) throws IOException, InterruptedException {
        while (lastStep(output) <= step) {
            if (process.waitFor(1, TimeUnit.MILLISECONDS)) {
                return lastStep(output) > step;
            }
        }
        return true;
    }

    /** Whether it ends within a time. */
    boolean endsWithin(long millis) throws InterruptedException {
        return process.waitFor(millis, TimeUnit.MILLISECONDS);
    }

    /** Sends a signal. */
    void signal(String name) throws IOException, InterruptedException {
        new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start().waitFor();
    }

    /** Waits for its end; returns the exit code. */
    int exitCode() throws InterruptedException {
        if (!process.waitFor(2, TimeUnit.MINUTES)) {
            process.destroyForcibly();
            throw new AssertionError("the process did not end");
        }
        return process.exitValue();
    }

    long pid() {
        return process.pid();
    }

    /** Standard error without the lines of the progress bar. */
    String messages() throws IOException {
        return Files.readString(err, StandardCharsets.UTF_8)
                .lines()
                .filter(line -> !line.startsWith("Training ") && !line.isBlank())
                .reduce("", (text, line) -> text + line + "\n");
    }
}
