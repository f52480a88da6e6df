package io.github.dl4jjepa.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.github.dl4jjepa.examples.training.TinyModel;
import io.github.dl4jjepa.models.internal.FileHash;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/** What can happen to a process that trains. */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "it has other signals and no ulimit")
class SurvivalTest {
    /** How often the training is killed: 4, or {@code -Djepa.kills=50} for the whole test. */
    private static final int KILLS = Integer.getInteger("jepa.kills", 4);

    /** Steps of a run that is killed; each has a checkpoint. */
    private static final int STEPS = 12;

    private static final String[] KILLED = {
        "--max-steps", "" + STEPS, "--checkpoint-every", "1", "--loss-dropout", "0.3"
    };

    @TempDir private Path folder;

    @BeforeEach
    void writeModelAndPairs() throws IOException {
        TinyModel.write(folder.resolve("model"));
        TinyModel.writePairs(folder.resolve("train.jsonl"), 22);
    }

    private TrainingProcess start(Path output, String... options) throws IOException {
        return TrainingProcess.start(folder, output, List.of(), options);
    }

    private static JavaProcess jepa(List<String> arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine jepa =
                JepaCommand.commandLine().setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
        int exitCode = JepaCommand.run(jepa, arguments.toArray(String[]::new));
        return new JavaProcess(exitCode, out.toString(), err.toString());
    }

    private static List<String> metrics(Path output) throws IOException {
        return Files.readAllLines(output.resolve("metrics.jsonl")).stream()
                .map(line -> line.replaceAll("\"seconds\":[^,}]*", ""))
                .toList();
    }

    private static boolean holdsPartial(Path parent) throws IOException {
        if (!Files.isDirectory(parent)) {
            return false;
        }
        try (Stream<Path> entries = Files.list(parent)) {
            return entries.anyMatch(entry -> entry.toString().endsWith(".partial"));
        }
    }

    /** What a killed process was writing. */
    private static String place(Path output) throws IOException {
        if (holdsPartial(output)) {
            return "export";
        }
        return holdsPartial(output.resolve("checkpoints")) ? "checkpoint" : "other";
    }

    @Test
    void aRunThatIsKilledAgainAndAgainEndsWithTheWeightsOfOneThatIsNot()
            throws IOException, InterruptedException {
        Path whole = folder.resolve("whole");
        assertThat(start(whole, KILLED).exitCode()).isZero();
        String expected = FileHash.sha256(whole.resolve("model.safetensors"));
        long seed = System.nanoTime();
        Random random = new Random(seed);
        Map<String, Integer> places = new TreeMap<>();
        int kills = 0;
        int runs = 0;
        while (kills < KILLS) {
            Path output = folder.resolve("killed-" + runs++);
            boolean ended = false;
            while (!ended) {
                long step = TrainingProcess.lastStep(output);
                List<String> options = new ArrayList<>(List.of(KILLED));
                if (Files.exists(output.resolve("run.json"))) {
                    options.add("--resume");
                }
                TrainingProcess process = start(output, options.toArray(String[]::new));
                // A kill counts once the process has taken a step that was not taken before. One
                // in four waits for the last step, after which the model is exported.
                boolean late = random.nextInt(4) == 0;
                boolean strikes =
                        kills < KILLS
                                && process.awaitStepAfter(late ? Math.max(step, STEPS - 1) : step);
                if (strikes && !process.endsWithin(random.nextInt(late ? 150 : 400))) {
                    process.signal("KILL");
                    process.exitCode();
                    kills++;
                    places.merge(place(output), 1, Integer::sum);
                } else {
                    assertThat(process.exitCode()).as(process.messages()).isZero();
                    ended = true;
                }
            }
            assertThat(FileHash.sha256(output.resolve("model.safetensors")))
                    .as("after %d kills, seed %d", kills, seed)
                    .isEqualTo(expected);
            assertThat(metrics(output)).isEqualTo(metrics(whole));
        }
        System.out.printf(
                Locale.ROOT,
                "%d kills of %d runs %s, seed %d: model.safetensors is %s each time%n",
                kills,
                runs,
                places,
                seed,
                expected);
    }

    /** A shell without job control starts background processes so; the JVM then leaves it so. */
    private static boolean ignoresInterrupts() throws IOException {
        Path status = Path.of("/proc/self/status");
        return Files.exists(status)
                && Files.readAllLines(status).stream()
                        .filter(line -> line.startsWith("SigIgn:"))
                        .anyMatch(
                                line ->
                                        (Long.parseUnsignedLong(line.split("\\s+")[1], 16) & 0b10)
                                                != 0);
    }

    @ParameterizedTest
    @CsvSource({"INT, 130", "TERM, 143"})
    void aSignalLeavesACheckpointAndTheCommandThatContinues(String signal, int exitCode)
            throws IOException, InterruptedException {
        assumeFalse(
                signal.equals("INT") && ignoresInterrupts(),
                "this shell starts its processes with SIGINT ignored");
        Path output = folder.resolve("signaled run");
        String[] options = {"--max-steps", "1000000", "--checkpoint-every", "1000000"};
        TrainingProcess process = start(output, options);
        assertThat(process.awaitStepAfter(2)).as(process.messages()).isTrue();

        JavaProcess second = jepa(resuming(TrainingProcess.arguments(folder, output, options)));
        process.signal(signal);

        assertThat(process.exitCode()).as(process.messages()).isEqualTo(exitCode);
        long steps = TrainingProcess.lastStep(output);
        assertThat(output.resolve("checkpoints"))
                .isDirectoryContaining(
                        path -> path.endsWith(String.format(Locale.ROOT, "step-%06d", steps)));
        assertThat(process.messages())
                .contains(
                        "jepa: the training was stopped after step "
                                + steps
                                + " of 1000000; resume it to continue:\n"
                                + "  jepa finetune --resume --output '"
                                + output
                                + "'\n");
        assertThat(second.exitCode()).isEqualTo(1);
        assertThat(second.err())
                .contains(
                        output
                                + ": another run writes into this folder (process "
                                + process.pid()
                                + " on ");
        assertThat(output.resolve(".run.lock")).doesNotExist();
    }

    private static List<String> resuming(List<String> arguments) {
        List<String> words = new ArrayList<>(arguments);
        words.add("--resume");
        return words;
    }

    /** A limit of the size of files, below that of the optimizer's, stands for a full disk. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void aCheckpointThatFindsNoSpaceLeavesTheOneBeforeAndOneMessage()
            throws IOException, InterruptedException {
        Path output = folder.resolve("full");
        TrainingProcess process = start(output, "--max-steps", "100000", "--checkpoint-every", "1");
        assertThat(process.awaitStepAfter(2)).as(process.messages()).isTrue();
        new ProcessBuilder("prlimit", "--fsize=60000", "--pid", Long.toString(process.pid()))
                .start()
                .waitFor();

        assertThat(process.exitCode()).as(process.messages()).isEqualTo(1);
        assertThat(process.messages())
                .matches(
                        "jepa: \\Q"
                                + output
                                + "\\E/checkpoints: the checkpoint of step \\d+ cannot be written: File too"
                                + " large\\. step-\\d+ is whole: mend the cause and resume from"
                                + " it\\.\n");
        assertThat(holdsPartial(output.resolve("checkpoints"))).isFalse();
    }

    @Test
    void memoryAtItsLimitIsOneMessage() throws IOException, InterruptedException {
        Path output = folder.resolve("memory");
        TrainingProcess process =
                TrainingProcess.start(
                        folder,
                        output,
                        List.of("-Dorg.bytedeco.javacpp.maxbytes=1000"),
                        "--max-steps",
                        "2");

        assertThat(process.exitCode()).as(process.messages()).isEqualTo(1);
        assertThat(process.messages())
                .matches("jepa: out of memory \\(.*maxBytes.*\\); .*maxbytes.*\n");
    }
}
