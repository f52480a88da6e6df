package io.github.dl4jjepa.examples.benchmark;

import io.github.dl4jjepa.core.iterator.BatchSource;
import io.github.dl4jjepa.core.iterator.MultiViewBatch;
import io.github.dl4jjepa.core.objective.JepaObjective;
import io.github.dl4jjepa.core.objective.TrainingGraph;
import io.github.dl4jjepa.core.training.JepaTrainer;
import io.github.dl4jjepa.core.training.StepMetrics;
import io.github.dl4jjepa.core.training.TrainerListener;
import io.github.dl4jjepa.core.training.TrainingOptions;
import io.github.dl4jjepa.core.view.LanguageModelLayout;
import io.github.dl4jjepa.core.view.SharedPrefixLayout;
import io.github.dl4jjepa.core.view.TokenizedExample;
import io.github.dl4jjepa.core.view.ViewLayout;
import io.github.dl4jjepa.models.internal.ProcessMemory;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.lang.management.MemoryUsage;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;

/**
 * Whether memory grows with the steps: a small decoder is trained with the JEPA term on rows whose
 * lengths and numbers of labels change from step to step, the same in every run.
 */
public final class MemoryBenchmark {
    private static final Set<Long> MEASURED_AT = Set.of(50L, 250L, 500L, 1000L);
    private static final int MOST_PROMPT_TOKENS = 40;
    private static final int MOST_CODE_TOKENS = 24;
    private static final TrainingShape SHAPE =
            new TrainingShape(64, 2, 4, 2, 172, 1000, 4, MOST_PROMPT_TOKENS, MOST_CODE_TOKENS);

    private final int steps;

    /**
     * @param steps optimizer steps
     */
    public MemoryBenchmark(int steps) {
        this.steps = steps;
    }

    /**
     * The figures, by the steps after which they were taken: 50, 250, 500 and 1,000, as far as the
     * run went.
     *
     * @param residentMb resident memory, in MB
     * @param javaMb Java's heap in use after the collection before, in MB
     */
    public record Result(Map<Long, Long> residentMb, Map<Long, Long> javaMb, int steps) {}

    /**
     * Runs the benchmark.
     *
     * @param progress is told after each step
     */
    public Result run(Runnable progress) {
        Measurements measurements = new Measurements(progress);
        JepaObjective objective = JepaObjective.cosine(1);
        try (TrainingGraph graph = new TrainingGraph(SHAPE.decoder(), objective)) {
            JepaTrainer.builder()
                    .setGradientSource(graph)
                    .setBatches(new RaggedBatches())
                    .optOptions(TrainingOptions.builder().optMaxSteps(steps).build())
                    .optListener(measurements)
                    .build()
                    .train();
        }
        return new Result(measurements.residentMb, measurements.javaMb, steps);
    }

    private static final class Measurements implements TrainerListener {
        private final Runnable progress;
        private final Map<Long, Long> residentMb = new TreeMap<>();
        private final Map<Long, Long> javaMb = new TreeMap<>();

        Measurements(Runnable progress) {
            this.progress = progress;
        }

        @Override
        public void onStep(StepMetrics metrics) {
            if (MEASURED_AT.contains(metrics.step())) {
                residentMb.put(metrics.step(), ProcessMemory.residentBytes() >> 20);
                javaMb.put(metrics.step(), afterLastCollection() >> 20);
            }
            progress.run();
        }

        /**
         * No collection is asked for: it would resize the heap, which is part of what is measured.
         */
        private static long afterLastCollection() {
            return ManagementFactory.getMemoryPoolMXBeans().stream()
                    .filter(pool -> pool.getType() == MemoryType.HEAP)
                    .map(MemoryPoolMXBean::getCollectionUsage)
                    .filter(Objects::nonNull)
                    .mapToLong(MemoryUsage::getUsed)
                    .sum();
        }
    }

    /** An endless epoch of batches, each with lengths of its own. */
    private static final class RaggedBatches implements BatchSource {
        @SuppressWarnings("NullAway.Init") // by seek
        private Random random;

        @Override
        public int batchesPerEpoch() {
            return Integer.MAX_VALUE;
        }

        @Override
        public void seek(int epoch, int batch) {
            random = new Random(3);
        }

        @Override
        public MultiViewBatch nextBatch() {
            return next(new SharedPrefixLayout(SHAPE.views()));
        }

        @Override
        public MultiViewBatch nextBatchWithoutViews() {
            return next(new LanguageModelLayout());
        }

        private MultiViewBatch next(ViewLayout layout) {
            List<TokenizedExample> examples = new ArrayList<>();
            for (int i = 0; i < SHAPE.batch(); i++) {
                int promptTokens = 1 + random.nextInt(MOST_PROMPT_TOKENS);
                int codeTokens = 1 + random.nextInt(MOST_CODE_TOKENS);
                examples.add(SHAPE.example(random, promptTokens, codeTokens));
            }
            return MultiViewBatch.of(examples, layout, 0);
        }
    }
}
