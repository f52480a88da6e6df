package io.github.dl4jjepa.examples.cli;

import io.github.dl4jjepa.core.internal.samediff.Backend;
import io.github.dl4jjepa.examples.benchmark.GenerateBenchmark;
import io.github.dl4jjepa.examples.benchmark.LayerBenchmark;
import io.github.dl4jjepa.examples.benchmark.LayoutBenchmark;
import io.github.dl4jjepa.examples.benchmark.LoadBenchmark;
import io.github.dl4jjepa.examples.benchmark.MemoryBenchmark;
import io.github.dl4jjepa.examples.benchmark.NativeThreads;
import io.github.dl4jjepa.examples.benchmark.StepBenchmark;
import io.github.dl4jjepa.examples.benchmark.TrainingShape;
import io.github.dl4jjepa.models.decoder.TransformerDecoder;
import io.github.dl4jjepa.models.huggingface.CheckpointFolder;
import io.github.dl4jjepa.models.huggingface.DecoderLoader;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Visibility;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code jepa benchmark}. */
@Command(
        name = "benchmark",
        description = "Measures speed and memory.",
        synopsisSubcommandLabel = "WHAT",
        subcommands = {
            BenchmarkCommand.Layouts.class,
            BenchmarkCommand.Step.class,
            BenchmarkCommand.Layer.class,
            BenchmarkCommand.Memory.class,
            BenchmarkCommand.Load.class,
            BenchmarkCommand.Generate.class
        },
        footerHeading = "%nExample:%n",
        footer = "  jepa benchmark layouts")
final class BenchmarkCommand implements Runnable {
    @Spec private CommandSpec spec;

    /** Without a subcommand there is nothing to measure. */
    @Override
    public void run() {
        throw new ParameterException(
                spec.commandLine(),
                "Missing what to measure: layouts, step, layer, memory, load or generate");
    }

    /** How the subcommands show their progress. */
    static final class ProgressMixin {
        @Option(names = "--json", description = "Print the JSON object only, no progress.")
        private boolean json;

        /**
         * Runs a benchmark.
         *
         * @param task what is being counted
         * @param count how often the benchmark will tell of progress
         */
        <R> R run(String task, long count, Function<Runnable, R> benchmark) {
            if (json) {
                return benchmark.apply(() -> {});
            }
            try (ConsoleProgress progress = ConsoleProgress.start(task, 0, count)) {
                return benchmark.apply(progress::step);
            }
        }
    }

    /** How often what is compared takes turns. */
    static final class RoundsMixin {
        @Spec(Spec.Target.MIXEE)
        private CommandSpec spec;

        @Option(
                names = "--rounds",
                defaultValue = "6",
                paramLabel = "N",
                description = "How often what is compared takes turns.")
        private int rounds;

        @Option(
                names = "--steps",
                defaultValue = "6",
                paramLabel = "N",
                description = "Timed steps of each in a round.")
        private int steps;

        void check() {
            if (rounds < 1 || steps < 1) {
                throw new ParameterException(
                        spec.commandLine(), "--rounds and --steps must be 1 or more");
            }
        }
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
        @Mixin private RoundsMixin turns;

        @Mixin private ProgressMixin progress;

        @Override
        public LayoutBenchmark.Result call() {
            turns.check();
            Backend.requireUsable();
            return progress.run(
                    "Rounds", turns.rounds, new LayoutBenchmark(turns.rounds, turns.steps)::run);
        }
    }

    /** {@code jepa benchmark step}. */
    @Command(
            name = "step",
            description =
                    "Times a training step (forward, backward, AdamW) of a Llama with random weights on random"
                            + " tokens: plain, with the JEPA term (shared prefix layout, one [PRED] token), and the"
                            + " forward pass alone. Labels are the code tokens.",
            footerHeading = "%nExample, the shape of SmolLM2-135M:%n",
            footer =
                    "  jepa benchmark step --hidden 576 --layers 30 --heads 9 --kv-heads 3 --ffn 1536 --vocab 49152"
                            + " --batch-size 4")
    static final class Step implements Callable<StepBenchmark.Result> {
        @Spec private CommandSpec spec;

        @Option(
                names = "--hidden",
                defaultValue = "256",
                paramLabel = "N",
                description = "Width of the hidden states, a multiple of twice --heads.")
        private int hidden;

        @Option(
                names = "--layers",
                defaultValue = "6",
                paramLabel = "N",
                description = "Transformer blocks.")
        private int layers;

        @Option(
                names = "--heads",
                defaultValue = "8",
                paramLabel = "N",
                description = "Query heads, a multiple of --kv-heads.")
        private int heads;

        @Option(
                names = "--kv-heads",
                defaultValue = "4",
                paramLabel = "N",
                description = "Key and value heads.")
        private int keyValueHeads;

        @Option(
                names = "--ffn",
                defaultValue = "688",
                paramLabel = "N",
                description = "Width of the feed-forward blocks.")
        private int feedForward;

        @Option(
                names = "--vocab",
                defaultValue = "8000",
                paramLabel = "N",
                description = "Token ids; the last is [PRED].")
        private int vocabulary;

        @Option(
                names = "--batch-size",
                defaultValue = "12",
                paramLabel = "N",
                description = "Examples a step.")
        private int batch;

        @Option(
                names = "--prompt-tokens",
                defaultValue = "38",
                paramLabel = "N",
                description = "Tokens of an example before its code.")
        private int promptTokens;

        @Option(
                names = "--code-tokens",
                defaultValue = "22",
                paramLabel = "N",
                description = "Tokens of an example's code.")
        private int codeTokens;

        @Mixin private LoraOptionsMixin lora;

        @Option(
                names = "--gradient-checkpointing",
                description = "Train as the option of finetune does.")
        private boolean gradientCheckpointing;

        @Option(
                names = "--threads",
                paramLabel = "N",
                showDefaultValue = Visibility.NEVER,
                description =
                        "Threads of native operations. Default: what OMP_NUM_THREADS says, or else as many as"
                                + " there are cores; it cannot be more.")
        private Integer threads;

        @Mixin private RoundsMixin turns;

        @Mixin private ProgressMixin progress;

        @Override
        public StepBenchmark.Result call() {
            turns.check();
            TrainingShape shape = shape();
            Backend.requireUsable();
            StepBenchmark benchmark =
                    new StepBenchmark(
                            shape,
                            lora.options(),
                            gradientCheckpointing,
                            usableThreads(),
                            turns.rounds,
                            turns.steps);
            return progress.run("Rounds", turns.rounds, benchmark::run);
        }

        private TrainingShape shape() {
            if (hidden < 1
                    || layers < 1
                    || heads < 1
                    || keyValueHeads < 1
                    || feedForward < 1
                    || batch < 1
                    || promptTokens < 1
                    || codeTokens < 1) {
                throw new ParameterException(
                        spec.commandLine(),
                        "--hidden, --layers, --heads, --kv-heads, --ffn, --batch-size, --prompt-tokens and"
                                + " --code-tokens must be 1 or more");
            }
            if (vocabulary < 2) {
                throw new ParameterException(
                        spec.commandLine(), "--vocab must be 2 or more, not " + vocabulary);
            }
            if (hidden % (2 * heads) != 0) {
                throw new ParameterException(
                        spec.commandLine(),
                        String.format(
                                Locale.ROOT,
                                "--hidden must be a multiple of twice --heads (%d), not %d",
                                2 * heads,
                                hidden));
            }
            if (heads % keyValueHeads != 0) {
                throw new ParameterException(
                        spec.commandLine(),
                        String.format(
                                Locale.ROOT,
                                "--heads must be a multiple of --kv-heads (%d), not %d",
                                keyValueHeads,
                                heads));
            }
            return new TrainingShape(
                    hidden,
                    layers,
                    heads,
                    keyValueHeads,
                    feedForward,
                    vocabulary,
                    batch,
                    promptTokens,
                    codeTokens);
        }

        private int usableThreads() {
            int available = NativeThreads.available();
            if (threads == null) {
                return available;
            }
            if (threads < 1 || threads > available) {
                throw new ParameterException(
                        spec.commandLine(),
                        String.format(
                                Locale.ROOT,
                                "--threads must be 1 to %d, not %d; set OMP_NUM_THREADS for more",
                                available,
                                threads));
            }
            return threads;
        }
    }

    /** {@code jepa benchmark layer}. */
    @Command(
            name = "layer",
            description = {
                "Times steps of Deeplearning4j networks with this library's layers in them: an LSTM under JepaLossLayer"
                        + " without the JEPA term and under RnnOutputLayer; with --model, a decoder as a vertex and"
                        + " by JepaTrainer. 12 rows of 60 random tokens, 22 of them labels.",
                "Takes one to two minutes."
            },
            footerHeading = "%nExample:%n",
            footer = "  jepa benchmark layer --model models/SmolLM2-135M")
    static final class Layer implements Callable<LayerBenchmark.Result> {
        @Option(
                names = "--arms",
                split = ",",
                paramLabel = "ARM",
                defaultValue = "RNN_OUTPUT_LAYER,JEPA_LOSS_LAYER,DECODER_VERTEX,JEPA_TRAINER",
                description =
                        "What to train: ${COMPLETION-CANDIDATES}. One alone tells its memory.")
        private Set<LayerBenchmark.Arm> arms;

        @Option(
                names = "--model",
                paramLabel = "DIR|NAME",
                description = "Folder of the decoder, or its name on the Hugging Face hub.")
        private @Nullable String model;

        @Mixin private RoundsMixin turns;

        @Mixin private ProgressMixin progress;

        @Override
        public LayerBenchmark.Result call() {
            turns.check();
            Backend.requireUsable();
            CheckpointFolder folder = model == null ? null : CheckpointFolder.of(model);
            return progress.run(
                    "Rounds",
                    turns.rounds,
                    new LayerBenchmark(arms, folder, turns.rounds, turns.steps)::run);
        }
    }

    /** {@code jepa benchmark memory}. */
    @Command(
            name = "memory",
            description =
                    "Trains a small decoder on rows whose lengths change from step to step, and tells the resident"
                            + " memory and Java's heap after 50, 250, 500 and 1000 steps.",
            footerHeading = "%nExample:%n",
            footer = "  jepa benchmark memory --steps 1000")
    static final class Memory implements Callable<MemoryBenchmark.Result> {
        private static final int FIRST = 50;

        @Spec private CommandSpec spec;

        @Option(
                names = "--steps",
                defaultValue = "1000",
                paramLabel = "N",
                description = "Optimizer steps, 50 or more.")
        private int steps;

        @Mixin private ProgressMixin progress;

        @Override
        public MemoryBenchmark.Result call() {
            if (steps < FIRST) {
                throw new ParameterException(
                        spec.commandLine(), "--steps must be " + FIRST + " or more, not " + steps);
            }
            Backend.requireUsable();
            return progress.run("Steps", steps, new MemoryBenchmark(steps)::run);
        }
    }

    /** {@code jepa benchmark load}. */
    @Command(
            name = "load",
            description =
                    "Times how long a model takes to load, and the first touch of as much memory, and tells the peak"
                            + " of resident memory while it loads.",
            footerHeading = "%nExample:%n",
            footer = "  jepa benchmark load --model SmolLM2-135M")
    static final class Load implements Callable<LoadBenchmark.Result> {
        @Option(
                names = "--model",
                required = true,
                paramLabel = "DIR|NAME",
                description = "Folder of the model, or its name on the Hugging Face hub.")
        private String model;

        @Mixin private ProgressMixin progress;

        @Override
        public LoadBenchmark.Result call() {
            CheckpointFolder folder = CheckpointFolder.of(model);
            Backend.requireUsable();
            return progress.run("Loads", LoadBenchmark.ROUNDS, new LoadBenchmark(folder)::run);
        }
    }

    /** {@code jepa benchmark generate}. */
    @Command(
            name = "generate",
            description =
                    "Times greedy generation with a key-value cache: reading prompts of random tokens, and each"
                            + " step that adds a token to every row.",
            footerHeading = "%nExample:%n",
            footer = "  jepa benchmark generate --rows 1,16")
    static final class Generate implements Callable<GenerateBenchmark.Result> {
        @Spec private CommandSpec spec;

        @Option(
                names = "--model",
                paramLabel = "DIR|NAME",
                description =
                        "Folder of the model, or its name on the Hugging Face hub; by default random weights in the"
                                + " shape of SmolLM2-135M.")
        private @Nullable String model;

        @Option(
                names = "--rows",
                split = ",",
                defaultValue = "1,16",
                paramLabel = "N",
                description = "Prompts that are continued at once.")
        private List<Integer> rows;

        @Option(
                names = "--prompt-tokens",
                defaultValue = "60",
                paramLabel = "N",
                description = "Tokens of a prompt.")
        private int promptTokens;

        @Option(
                names = "--new-tokens",
                defaultValue = "64",
                paramLabel = "N",
                description = "Tokens to generate, 2 or more.")
        private int newTokens;

        @Option(
                names = "--rounds",
                defaultValue = "3",
                paramLabel = "N",
                description = "How often each number of rows takes its turn.")
        private int rounds;

        @Mixin private ProgressMixin progress;

        @Override
        public GenerateBenchmark.Result call() {
            if (rows.stream().anyMatch(number -> number < 1)
                    || promptTokens < 1
                    || newTokens < 2
                    || rounds < 1) {
                throw new ParameterException(
                        spec.commandLine(),
                        "--rows, --prompt-tokens and --rounds must be 1 or more, --new-tokens 2 or"
                                + " more");
            }
            Backend.requireUsable();
            TransformerDecoder decoder =
                    model == null
                            ? GenerateBenchmark.smolLm2Shape()
                            : DecoderLoader.load(CheckpointFolder.of(model));
            GenerateBenchmark benchmark =
                    new GenerateBenchmark(decoder, promptTokens, newTokens, rounds);
            return progress.run("Rounds", rounds + 1L, step -> benchmark.run(rows, step));
        }
    }
}
