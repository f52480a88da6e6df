package io.github.dl4jjepa.examples.cli;

import io.github.dl4jjepa.core.samediff.Backend;
import io.github.dl4jjepa.examples.benchmark.LayoutBenchmark;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code jepa benchmark}. */
@Command(
        name = "benchmark",
        description = "Measures speed, as ratios of what is timed in turns.",
        synopsisSubcommandLabel = "WHAT",
        subcommands = BenchmarkCommand.Layouts.class,
        footerHeading = "%nExample:%n",
        footer = "  jepa benchmark layouts")
final class BenchmarkCommand implements Runnable {
    @Spec private CommandSpec spec;

    /** Without a subcommand there is nothing to measure. */
    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "Missing what to measure: layouts");
    }

    /** {@code jepa benchmark layouts}. */
    @Command(
            name = "layouts",
            description = {
                "Times a training step without the JEPA term and with it in each layout: a Llama of 6.4 million"
                        + " parameters, 12 rows of 38 prompt and 22 answer tokens, one [PRED] token.",
                "Takes one to two minutes."
            },
            footerHeading = "%nExample:%n",
            footer = "  jepa benchmark layouts --rounds 10")
    static final class Layouts implements Callable<LayoutBenchmark.Result> {
        @Spec private CommandSpec spec;

        @Option(
                names = "--rounds",
                defaultValue = "6",
                paramLabel = "N",
                description = "How often the layouts take turns.")
        private int rounds;

        @Option(
                names = "--steps",
                defaultValue = "6",
                paramLabel = "N",
                description = "Timed steps of each layout in a round.")
        private int steps;

        @Option(names = "--json", description = "Print the JSON object only, no progress.")
        private boolean json;

        @Override
        public LayoutBenchmark.Result call() {
            if (rounds < 1 || steps < 1) {
                throw new ParameterException(
                        spec.commandLine(), "--rounds and --steps must be 1 or more");
            }
            Backend.requireUsable();
            LayoutBenchmark benchmark = new LayoutBenchmark(rounds, steps);
            if (json) {
                return benchmark.run(round -> {});
            }
            try (ConsoleProgress progress = ConsoleProgress.start("Rounds", 0, rounds)) {
                return benchmark.run(round -> progress.step());
            }
        }
    }
}
