package io.github.dl4jjepa.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jjepa.core.JepaException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.IExitCodeGenerator;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;

class JepaCommandTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @Test
    void printsACommandsResultAsOneLineOfJson() {
        assertThat(run("score", "--examples", "7")).isZero();
        assertThat(out).hasToString(lines("{\"examples\":7,\"exact_match\":0.5}"));
        assertThat(err.toString()).isEmpty();
    }

    @Test
    void printsTheResultAlsoWhereTheCommandChoosesItsExitCode() {
        assertThat(run("check")).isEqualTo(1);
        assertThat(out).hasToString(lines("{\"failed\":3}"));
        assertThat(err.toString()).isEmpty();
    }

    @Test
    void tellsWhatAUserCanPutRightInOneLine() {
        assertThat(run("break", "user")).isEqualTo(1);
        assertThat(out.toString()).isEmpty();
        assertThat(err).hasToString(lines("jepa: train.jsonl:3: no assistant turn"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "lower maxLength | lower --max-length",
                "another template (chatTemplate). | another template (--chat-template).",
                "run.json: \"maxLength\": no number | run.json: \"maxLength\": no number",
                "/tmp/maxLength/config.json: missing | /tmp/maxLength/config.json: missing"
            })
    void namesItsOptionsWhereTheLibraryNamesSettings(String library, String commandLine) {
        CommandLine finetune = JepaCommand.commandLine().getSubcommands().get("finetune");
        assertThat(JepaCommand.withOptions(library, finetune)).isEqualTo(commandLine);
    }

    @ParameterizedTest
    @ValueSource(strings = {"bug", "library"})
    void ownsUpToABug(String failure) {
        assertThat(run("break", failure)).isEqualTo(1);
        assertThat(out.toString()).isEmpty();
        assertThat(err.toString().lines())
                .satisfiesExactly(
                        line -> assertThat(line).startsWith("jepa: this is a bug: java.lang."),
                        line -> assertThat(line).contains("--verbose"));
    }

    @Test
    void saysWhatToDoWhenMemoryRunsOut() {
        assertThat(run("break", "memory")).isEqualTo(1);
        assertThat(err.toString())
                .startsWith("jepa: out of memory (heap)")
                .contains("smaller batches")
                .doesNotContain("bug");
    }

    @ParameterizedTest
    @ValueSource(strings = {"user", "bug", "library", "memory"})
    void printsTheStackTraceIfAsked(String failure) {
        assertThat(run("break", "--verbose", failure)).isEqualTo(1);
        assertThat(err.toString()).contains("at " + BreakCommand.class.getName() + ".call");
    }

    @Test
    void takesVerboseBeforeTheCommandToo() {
        assertThat(run("--verbose", "break", "user")).isEqualTo(1);
        assertThat(err.toString()).contains("at " + BreakCommand.class.getName() + ".call");
    }

    @Test
    void refusesToRunWithoutACommand() {
        assertThat(run()).isEqualTo(2);
        assertThat(out.toString()).isEmpty();
        assertThat(err).hasToString(lines("jepa: Missing command", "Try 'jepa --help'."));
    }

    @ParameterizedTest
    @CsvSource({
        "finetun, finetune",
        "eval, evaluate",
        "finetune --lamda 1, --lambda",
        "sweep --metrics a, --metric",
        "evaluate --modell x, --model",
    })
    void suggestsWhatAMisspeltWordMayMean(String words, String meant) {
        CommandLine jepa =
                JepaCommand.commandLine()
                        .setOut(new PrintWriter(out, true))
                        .setErr(new PrintWriter(err, true));

        assertThat(JepaCommand.run(jepa, words.split(" "))).isEqualTo(2);

        assertThat(err.toString().lines().filter(line -> line.startsWith("Try ")).findFirst())
                .isPresent();
        assertThat(err.toString()).containsPattern("(Did you mean|Possible solutions).*" + meant);
    }

    @Test
    void printsAScriptThatCompletesCommandsAndOptions() {
        CommandLine jepa = JepaCommand.commandLine().setOut(new PrintWriter(out, true));

        assertThat(JepaCommand.run(jepa, "generate-completion")).isZero();

        assertThat(out.toString()).startsWith("#!").contains("finetune", "--find-learning-rate");
    }

    @Test
    void refusesAnUnknownOption() {
        assertThat(run("score", "--exmaples", "7")).isEqualTo(2);
        assertThat(out.toString()).isEmpty();
        assertThat(err.toString())
                .startsWith("jepa score: Unknown options: '--exmaples', '7'")
                .contains("--examples")
                .endsWith(lines("Try 'jepa score --help'."));
    }

    @Test
    void refusesAValueOfTheWrongType() {
        assertThat(run("score", "--examples", "many")).isEqualTo(2);
        assertThat(err.toString()).contains("'--examples'").contains("'many' is not an int");
    }

    @Test
    void refusesAnUnknownCommandAndNamesTheLikeliest() {
        assertThat(run("scor")).isEqualTo(2);
        assertThat(err.toString()).contains("'scor'").contains("jepa score");
    }

    @ParameterizedTest
    @ValueSource(strings = {"score --help", "help score"})
    void helpsOnStandardOutputWithDefaults(String args) {
        assertThat(run(args.split(" "))).isZero();
        assertThat(out.toString())
                .contains("Usage: jepa score")
                .contains("--examples")
                .contains("Default: 10")
                .contains("--verbose");
        assertThat(err.toString()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"--version", "score --version"})
    void namesItsVersionAndTheOnesBelow(String args) {
        assertThat(run(args.split(" "))).isZero();
        assertThat(out.toString().lines())
                .satisfiesExactly(
                        line -> assertThat(line).matches("jepa \\d+\\.\\d+\\.\\d+.*"),
                        line -> assertThat(line).isEqualTo("Deeplearning4j 1.0.0-M2.1"),
                        line -> assertThat(line).contains(System.getProperty("java.version")));
    }

    @ParameterizedTest
    @MethodSource("commands")
    void describesEachCommandAndEachOption(CommandSpec command) {
        assertThat(command.usageMessage().description()).isNotEmpty();
        assertThat(command.usageMessage().footer()).as("examples").isNotEmpty();
        assertThat(command.options())
                .allSatisfy(option -> assertThat(option.description()).isNotEmpty());
    }

    static List<CommandSpec> commands() {
        return withSubcommands(JepaCommand.commandLine());
    }

    private static List<CommandSpec> withSubcommands(CommandLine command) {
        List<CommandSpec> specs = new ArrayList<>(List.of(command.getCommandSpec()));
        Collection<CommandLine> subcommands = command.getSubcommands().values();
        subcommands.stream()
                .filter(subcommand -> !(subcommand.getCommand() instanceof HelpCommand))
                .forEach(subcommand -> specs.addAll(withSubcommands(subcommand)));
        return specs;
    }

    private int run(String... args) {
        CommandLine jepa =
                JepaCommand.configured(
                        new CommandLine(new JepaCommand())
                                .addSubcommand(new ScoreCommand())
                                .addSubcommand(new CheckCommand())
                                .addSubcommand(new BreakCommand()));
        jepa.setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
        return JepaCommand.run(jepa, args);
    }

    private static String lines(String... lines) {
        return String.join(System.lineSeparator(), lines) + System.lineSeparator();
    }

    record ScoreResult(int examples, double exactMatch) {}

    @Command(name = "score", description = "Counts.")
    static final class ScoreCommand implements Callable<ScoreResult> {
        @Option(names = "--examples", defaultValue = "10", description = "How many.")
        private int examples;

        @Override
        public ScoreResult call() {
            return new ScoreResult(examples, 0.5);
        }
    }

    record CheckResult(int failed) {}

    @Command(name = "check", description = "Finds three faults.")
    static final class CheckCommand implements Callable<CheckResult>, IExitCodeGenerator {
        @Override
        public CheckResult call() {
            return new CheckResult(3);
        }

        @Override
        public int getExitCode() {
            return 1;
        }
    }

    @Command(name = "break", description = "Fails.")
    static final class BreakCommand implements Callable<ScoreResult> {
        @CommandLine.Parameters private String failure;

        @Override
        public ScoreResult call() {
            switch (failure) {
                case "user" -> throw new JepaException("train.jsonl:3: no assistant turn");
                case "bug" -> throw new IllegalStateException("no such array");
                case "library" -> throw new UnsatisfiedLinkError("libnd4jcpu.so");
                default -> throw new OutOfMemoryError("heap");
            }
        }
    }
}
