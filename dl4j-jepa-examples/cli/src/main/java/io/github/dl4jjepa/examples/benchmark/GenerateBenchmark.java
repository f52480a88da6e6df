package io.github.dl4jjepa.examples.benchmark;

import io.github.dl4jjepa.models.decoder.TransformerDecoder;
import io.github.dl4jjepa.models.generation.GenerationOptions;
import io.github.dl4jjepa.models.generation.Generator;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Times greedy generation: reading the prompts, and then each step that adds a token a row. */
public final class GenerateBenchmark {
    /** The shape of SmolLM2-135M. */
    private static final TrainingShape SMOL_LM_2 =
            new TrainingShape(576, 30, 9, 3, 1536, 49152, 1, 60, 22);

    private final TransformerDecoder decoder;
    private final int promptTokens;
    private final int newTokens;
    private final int rounds;

    /**
     * @param decoder what generates
     * @param promptTokens length of each prompt
     * @param newTokens tokens to generate, 2 or more
     * @param rounds how often each number of rows takes its turn, after a first time to warm up
     */
    public GenerateBenchmark(
            TransformerDecoder decoder, int promptTokens, int newTokens, int rounds) {
        this.decoder = decoder;
        this.promptTokens = promptTokens;
        this.newTokens = newTokens;
        this.rounds = rounds;
    }

    /** A decoder of SmolLM2-135M's shape with random weights. */
    public static TransformerDecoder smolLm2Shape() {
        return SMOL_LM_2.decoder();
    }

    /**
     * Medians for a number of rows.
     *
     * @param rows prompts that are continued at once
     * @param prefillMs until the first token is chosen
     * @param stepMs of a step that adds a token to each row
     * @param prefillTokensPerSecond of all rows together
     * @param decodeTokensPerSecond of all rows together
     */
    public record Rows(
            int rows,
            double prefillMs,
            double stepMs,
            double prefillTokensPerSecond,
            double decodeTokensPerSecond) {}

    /** What the benchmark prints. */
    public record Result(
            long params, int promptTokens, int newTokens, int rounds, List<Rows> rows) {}

    private record Time(double prefillMs, double stepMs) {}

    /**
     * Measures.
     *
     * @param rows numbers of rows to measure
     * @param progress is told of each round
     */
    public Result run(List<Integer> rows, Runnable progress) {
        List<List<Time>> times = new ArrayList<>();
        rows.forEach(number -> times.add(new ArrayList<>()));
        try (Generator generator = new Generator(decoder)) {
            for (int round = 0; round <= rounds; round++) {
                for (int i = 0; i < rows.size(); i++) {
                    Time time = time(generator, rows.get(i));
                    if (round > 0) {
                        times.get(i).add(time);
                    }
                }
                progress.run();
            }
        }
        List<Rows> results = new ArrayList<>();
        for (int i = 0; i < rows.size(); i++) {
            int number = rows.get(i);
            double prefill = Median.of(times.get(i).stream().mapToDouble(Time::prefillMs));
            double step = Median.of(times.get(i).stream().mapToDouble(Time::stepMs));
            results.add(
                    new Rows(
                            number,
                            prefill,
                            step,
                            number * promptTokens / prefill * 1000,
                            number / step * 1000));
        }
        return new Result(decoder.parameterCount(), promptTokens, newTokens, rounds, results);
    }

    private Time time(Generator generator, int rows) {
        Random random = new Random(3);
        List<int[]> prompts = new ArrayList<>();
        for (int row = 0; row < rows; row++) {
            prompts.add(random.ints(promptTokens, 0, decoder.vocabularySize()).toArray());
        }
        GenerationOptions options =
                GenerationOptions.builder().optMaxNewTokens(newTokens).optBatchSize(rows).build();
        long[] first = new long[1];
        long begun = System.nanoTime();
        generator.generate(
                prompts,
                options,
                (prompt, ids) -> {
                    if (first[0] == 0) {
                        first[0] = System.nanoTime();
                    }
                });
        long ended = System.nanoTime();
        return new Time((first[0] - begun) / 1e6, (ended - first[0]) / 1e6 / (newTokens - 1));
    }
}
