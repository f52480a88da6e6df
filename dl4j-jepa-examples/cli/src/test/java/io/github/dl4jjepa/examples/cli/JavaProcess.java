package io.github.dl4jjepa.examples.cli;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * What a main class did in a Java virtual machine of its own.
 *
 * @param exitCode the process' exit code
 * @param out all of its standard output
 * @param err all of its standard error
 */
record JavaProcess(int exitCode, String out, String err) {
    /**
     * Runs a main class of this class path.
     *
     * @param folder where its output may be kept
     * @param environment variables to set; null to remove one
     */
    static JavaProcess run(
            Path folder, Map<String, String> environment, Class<?> main, String... args)
            throws IOException, InterruptedException {
        return run(folder, environment, command(main, args));
    }

    /** The words of the command that runs a main class of this class path. */
    static List<String> command(Class<?> main, String... args) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
        command.addAll(List.of(args));
        return command;
    }

    /** Runs a script of the POSIX shell. */
    static JavaProcess runScript(Path folder, Map<String, String> environment, Path script)
            throws IOException, InterruptedException {
        return run(folder, environment, List.of("sh", script.toString()));
    }

    private static JavaProcess run(
            Path folder, Map<String, String> environment, List<String> command)
            throws IOException, InterruptedException {
        File out = folder.resolve("out").toFile();
        File err = folder.resolve("err").toFile();
        ProcessBuilder builder = new ProcessBuilder(command).redirectOutput(out).redirectError(err);
        environment.forEach(
                (name, value) -> {
                    builder.environment().remove(name);
                    if (value != null) {
                        builder.environment().put(name, value);
                    }
                });
        Process process = builder.start();
        if (!process.waitFor(2, TimeUnit.MINUTES)) {
            process.destroyForcibly();
            throw new AssertionError(command + " did not end");
        }
        return new JavaProcess(
                process.exitValue(),
                Files.readString(out.toPath(), StandardCharsets.UTF_8),
                Files.readString(err.toPath(), StandardCharsets.UTF_8));
    }
}
