package io.github.dl4jjepa.examples.benchmark;

import io.github.dl4jjepa.core.iterator.BatchSource;
import io.github.dl4jjepa.core.iterator.MultiViewBatch;
import io.github.dl4jjepa.core.objective.CosineDistance;
import io.github.dl4jjepa.core.objective.JepaObjective;
import io.github.dl4jjepa.core.objective.TrainingGraph;
import io.github.dl4jjepa.core.training.JepaTrainer;
import io.github.dl4jjepa.core.training.StepMetrics;
import io.github.dl4jjepa.core.training.TrainingListener;
import io.github.dl4jjepa.core.training.TrainingOptions;
import io.github.dl4jjepa.core.view.LanguageModelLayout;
import io.github.dl4jjepa.core.view.LayoutKind;
import io.github.dl4jjepa.core.view.TokenSpan;
import io.github.dl4jjepa.core.view.TokenizedExample;
import io.github.dl4jjepa.core.view.TokenizedView;
import io.github.dl4jjepa.core.view.ViewLayout;
import io.github.dl4jjepa.core.view.ViewOptions;
import io.github.dl4jjepa.models.decoder.Activation;
import io.github.dl4jjepa.models.decoder.DecoderConfig;
import io.github.dl4jjepa.models.decoder.RotaryEmbedding;
import io.github.dl4jjepa.models.decoder.TransformerDecoder;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;

/**
 * What the JEPA term costs in each layout, as multiples of the plain step.
 *
 * <p>A Llama of 6.4 million parameters (hidden 256, 6 layers, 8 query and 4 key-value heads,
 * feed-forward 688, vocabulary 8,000) is trained on 12 rows of 38 prompt and 22 answer tokens, the
 * lengths of NL-RX. The layouts take turns in every round, so that what else the machine does slows
 * all of them alike; a figure is the median over its steps.
 */
public final class LayoutBenchmark {
    private static final int VOCABULARY = 8000;
    private static final int PREDICTOR = VOCABULARY - 1;
    private static final int ROWS = 12;
    private static final int PROMPT_TOKENS = 38;
    private static final int ANSWER_TOKENS = 22;
    private static final double LOSS_DROPOUT = 0.75;
    private static final DecoderConfig CONFIG =
            new DecoderConfig(
                    VOCABULARY,
                    256,
                    6,
                    8,
                    4,
                    32,
                    688,
                    Activation.SILU,
                    1e-5,
                    false,
                    false,
                    true,
                    new RotaryEmbedding(10000, new RotaryEmbedding.Plain()),
                    0,
                    512,
                    0.02);

    private final int rounds;
    private final int steps;

    /**
     * @param rounds how often the layouts take turns
     * @param steps steps of each layout in a round; one more before them is not timed
     */
    public LayoutBenchmark(int rounds, int steps) {
        this.rounds = rounds;
        this.steps = steps;
    }

    /**
     * The figures, in milliseconds a step; "over plain" is the ratio of two of them.
     *
     * @param plainMs fine-tuning without the JEPA term
     * @param separateMs three rows an example
     * @param blockMs two rows an example
     * @param sharedPrefixMs one row an example
     * @param sharedPrefixDropoutMs the mean step in one row an example at a loss dropout of 0.75
     * @param sharedPrefixTokensOverPlain the ratio of tokens, which the ratio of times cannot be
     *     much below
     */
    public record Result(
            double plainMs,
            double separateMs,
            double blockMs,
            double sharedPrefixMs,
            double sharedPrefixDropoutMs,
            double separateOverPlain,
            double blockOverPlain,
            double sharedPrefixOverPlain,
            double sharedPrefixDropoutOverPlain,
            double sharedPrefixTokensOverPlain,
            int rounds,
            int steps) {}

    /**
     * Runs the benchmark.
     *
     * @param progress is told after each round
     */
    public Result run(Consumer<Integer> progress) {
        TransformerDecoder decoder = TransformerDecoder.random(CONFIG, 1);
        List<TokenizedExample> examples = examples();
        ViewOptions options = ViewOptions.predictors(PREDICTOR);
        try (Arm plain = new Arm(decoder, examples, new LanguageModelLayout(), 0, 0);
                Arm separate = new Arm(decoder, examples, LayoutKind.SEPARATE.of(options), 1, 0);
                Arm block = new Arm(decoder, examples, LayoutKind.BLOCK.of(options), 1, 0);
                Arm shared =
                        new Arm(
                                decoder,
                                examples,
                                LayoutKind.SHARED_PREFIX.of(options),
                                1,
                                LOSS_DROPOUT)) {
            for (int round = 0; round < rounds; round++) {
                for (Arm arm : List.of(plain, separate, block, shared)) {
                    arm.run(round);
                }
                progress.accept(round + 1);
            }
            double plainMs = plain.milliseconds(false);
            double separateMs = separate.milliseconds(true);
            double blockMs = block.milliseconds(true);
            double sharedMs = shared.milliseconds(true);
            double dropoutMs =
                    (1 - LOSS_DROPOUT) * sharedMs + LOSS_DROPOUT * shared.milliseconds(false);
            return new Result(
                    plainMs,
                    separateMs,
                    blockMs,
                    sharedMs,
                    dropoutMs,
                    separateMs / plainMs,
                    blockMs / plainMs,
                    sharedMs / plainMs,
                    dropoutMs / plainMs,
                    (double) shared.batch.tokens() / plain.batch.tokens(),
                    rounds,
                    steps);
        }
    }

    private static List<TokenizedExample> examples() {
        Random random = new Random(2);
        List<TokenizedExample> examples = new ArrayList<>();
        for (int i = 0; i < ROWS; i++) {
            int[] ids = random.ints(PROMPT_TOKENS + ANSWER_TOKENS, 0, PREDICTOR).toArray();
            TokenSpan prompt = new TokenSpan(0, PROMPT_TOKENS);
            TokenSpan answer = new TokenSpan(PROMPT_TOKENS, ids.length);
            examples.add(
                    new TokenizedExample(
                            "benchmark:" + i,
                            ids,
                            answer,
                            List.of(
                                    TokenizedView.inRow(ids, prompt),
                                    TokenizedView.inRow(ids, answer))));
        }
        return examples;
    }

    /** One way to train, with the times of its steps. */
    private final class Arm implements BatchSource, TrainingListener, AutoCloseable {
        private final JepaObjective objective;
        private final TrainingGraph graph;
        private final List<TokenizedExample> examples;
        private final ViewLayout layout;
        private final MultiViewBatch batch;
        private final List<StepMetrics> timed = new ArrayList<>();

        Arm(
                TransformerDecoder decoder,
                List<TokenizedExample> examples,
                ViewLayout layout,
                double lambda,
                double lossDropout) {
            this.examples = examples;
            this.layout = layout;
            objective = new JepaObjective(1, lambda, new CosineDistance(), lossDropout);
            graph = new TrainingGraph(decoder, objective);
            batch = nextBatch();
        }

        void run(int round) {
            JepaTrainer.builder()
                    .setGradientSource(graph)
                    .setObjective(objective)
                    .setBatches(this)
                    .optOptions(
                            TrainingOptions.builder().optMaxSteps(steps + 1).optSeed(round).build())
                    .optListener(this)
                    .build()
                    .train();
        }

        /**
         * @param withViews whether the steps asked for are those with the JEPA term
         */
        double milliseconds(boolean withViews) {
            double[] sorted =
                    timed.stream()
                            .filter(step -> Double.isNaN(step.losses().jepa()) != withViews)
                            .mapToDouble(step -> step.cost().seconds() * 1e3)
                            .sorted()
                            .toArray();
            return sorted.length == 0 ? Double.NaN : sorted[sorted.length / 2];
        }

        @Override
        public void onStep(StepMetrics metrics) {
            if (metrics.step() > 1) {
                timed.add(metrics);
            }
        }

        @Override
        public int batchesPerEpoch() {
            return 1;
        }

        @Override
        public void seek(int epoch, int batch) {
            // Every batch is the same.
        }

        @Override
        public MultiViewBatch nextBatch() {
            return MultiViewBatch.of(examples, layout, 0);
        }

        @Override
        public MultiViewBatch nextBatchWithoutViews() {
            return MultiViewBatch.of(examples, new LanguageModelLayout(), 0);
        }

        @Override
        public void close() {
            graph.close();
        }
    }
}
