package io.github.dl4jjepa.examples.cli;

import io.github.dl4jjepa.models.generation.GenerationOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** How answers are generated: options over what the model's generation_config.json says. */
final class GenerationOptionsMixin {
    @Spec(Spec.Target.MIXEE)
    private CommandSpec spec;

    @Option(
            names = "--max-new-tokens",
            paramLabel = "N",
            description = "The most tokens of an answer; the model's own, or else 256.")
    private @Nullable Integer maxNewTokens;

    @Option(
            names = "--min-new-tokens",
            paramLabel = "N",
            description = "The fewest tokens of an answer.")
    private @Nullable Integer minNewTokens;

    @Option(
            names = "--sample",
            description =
                    "Draw tokens by their probability, with the temperature, top-k, top-p and min-p"
                            + " of the model's generation_config.json. Without it the most probable"
                            + " token is taken at each step.")
    private boolean sample;

    @Option(
            names = "--temperature",
            paramLabel = "X",
            description = "What logits are divided by before a token is drawn.")
    private @Nullable Double temperature;

    @Option(
            names = "--top-k",
            paramLabel = "N",
            description = "Draw from the N most probable tokens only; 0 for all.")
    private @Nullable Integer topK;

    @Option(
            names = "--top-p",
            paramLabel = "P",
            description = "Draw from the most probable tokens that together have probability P.")
    private @Nullable Double topP;

    @Option(
            names = "--min-p",
            paramLabel = "P",
            description = "Do not draw tokens less than P times as probable as the first.")
    private @Nullable Double minP;

    @Option(
            names = "--repetition-penalty",
            paramLabel = "X",
            description = "Divide the logits of tokens that occurred by X; 1 for no penalty.")
    private @Nullable Double repetitionPenalty;

    @Option(
            names = "--no-repeat-ngram-size",
            paramLabel = "N",
            description = "Let no N tokens occur twice in a row; 0 to allow it.")
    private @Nullable Integer noRepeatNgramSize;

    @Option(names = "--seed", paramLabel = "N", description = "Decides what --sample draws.")
    private @Nullable Long seed;

    @Option(
            names = "--stop",
            paramLabel = "TEXT",
            description = "End the answer before this text; may be given several times.")
    private List<String> stop = new ArrayList<>();

    /**
     * What to generate with.
     *
     * @param defaults what the model's generation_config.json says
     */
    GenerationOptions over(GenerationOptions defaults) {
        requireSampling("--temperature", temperature);
        requireSampling("--top-k", topK);
        requireSampling("--top-p", topP);
        requireSampling("--min-p", minP);
        requireSampling("--seed", seed);
        GenerationOptions.Builder options = defaults.toBuilder().optSampled(sample);
        if (maxNewTokens != null) {
            options.optMaxNewTokens(maxNewTokens);
        }
        if (minNewTokens != null) {
            options.optMinNewTokens(minNewTokens);
        }
        if (temperature != null) {
            options.optTemperature(temperature);
        }
        if (topK != null) {
            options.optTopK(topK);
        }
        if (topP != null) {
            options.optTopP(topP);
        }
        if (minP != null) {
            options.optMinP(minP);
        }
        if (repetitionPenalty != null) {
            options.optRepetitionPenalty(repetitionPenalty);
        }
        if (noRepeatNgramSize != null) {
            options.optNoRepeatNgramSize(noRepeatNgramSize);
        }
        if (seed != null) {
            options.optSeed(seed);
        }
        try {
            return options.optStopStrings(stop).build();
        } catch (IllegalArgumentException e) {
            throw new ParameterException(
                    spec.commandLine(),
                    JepaCommand.withOptions(String.valueOf(e.getMessage()), spec.commandLine()),
                    e);
        }
    }

    private void requireSampling(String option, @Nullable Object value) {
        if (value != null && !sample) {
            throw new ParameterException(
                    spec.commandLine(), option + " has no effect without --sample: add it");
        }
    }

    /** Says that a model which asks for sampling answers greedily. */
    void tellOfGreedyChoice(GenerationOptions defaults) {
        if (defaults.sampled() && !sample) {
            System.err.printf(
                    Locale.ROOT,
                    "Greedy answer. The model's generation_config.json asks for sampling"
                            + " (temperature %s, top-k %d, top-p %s): add --sample for that.%n",
                    defaults.temperature(),
                    defaults.topK(),
                    defaults.topP());
        }
    }
}
