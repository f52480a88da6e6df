package io.github.dl4jjepa.examples.benchmark;

import io.github.dl4jjepa.core.view.LanguageModelLayout;
import io.github.dl4jjepa.core.view.LayoutKind;
import io.github.dl4jjepa.core.view.TokenizedExample;
import io.github.dl4jjepa.core.view.ViewOptions;
import io.github.dl4jjepa.models.decoder.TransformerDecoder;
import java.util.List;

/**
 * What the JEPA term costs in each layout, as multiples of the plain step.
 *
 * <p>A Llama of 6.4 million parameters (hidden 256, 6 layers, 8 query and 4 key-value heads,
 * feed-forward 688, vocabulary 8,000) is trained on 12 rows of 38 prompt and 22 answer tokens, the
 * lengths of NL-RX. The layouts take turns in every round, so that what else the machine does slows
 * all of them alike; a figure is the median over its steps.
 */
public final class LayoutBenchmark {
    private static final TrainingShape SHAPE = TrainingShape.NL_RX;
    private static final double LOSS_DROPOUT = 0.75;

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
    public Result run(Runnable progress) {
        TransformerDecoder decoder = SHAPE.decoder();
        List<TokenizedExample> examples = SHAPE.examples();
        ViewOptions options = SHAPE.views();
        try (TimedArm plain =
                        new TimedArm(
                                decoder, examples, new LanguageModelLayout(), 0, 0, false, steps);
                TimedArm separate =
                        new TimedArm(
                                decoder,
                                examples,
                                LayoutKind.SEPARATE.of(options),
                                1,
                                0,
                                false,
                                steps);
                TimedArm block =
                        new TimedArm(
                                decoder,
                                examples,
                                LayoutKind.BLOCK.of(options),
                                1,
                                0,
                                false,
                                steps);
                TimedArm shared =
                        new TimedArm(
                                decoder,
                                examples,
                                LayoutKind.SHARED_PREFIX.of(options),
                                1,
                                LOSS_DROPOUT,
                                false,
                                steps)) {
            for (int round = 0; round < rounds; round++) {
                for (TimedArm arm : List.of(plain, separate, block, shared)) {
                    arm.train(round);
                }
                progress.run();
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
                    (double) shared.tokens() / plain.tokens(),
                    rounds,
                    steps);
        }
    }
}
