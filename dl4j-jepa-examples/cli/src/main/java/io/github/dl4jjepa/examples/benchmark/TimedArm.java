package io.github.dl4jjepa.examples.benchmark;

import io.github.dl4jjepa.core.iterator.BatchSource;
import io.github.dl4jjepa.core.iterator.MultiViewBatch;
import io.github.dl4jjepa.core.objective.GradientSource;
import io.github.dl4jjepa.core.objective.JepaObjective;
import io.github.dl4jjepa.core.objective.TrainingGraph;
import io.github.dl4jjepa.core.training.JepaTrainer;
import io.github.dl4jjepa.core.training.StepMetrics;
import io.github.dl4jjepa.core.training.TrainerListener;
import io.github.dl4jjepa.core.training.TrainingOptions;
import io.github.dl4jjepa.core.view.LanguageModelLayout;
import io.github.dl4jjepa.core.view.TokenizedExample;
import io.github.dl4jjepa.core.view.ViewLayout;
import io.github.dl4jjepa.models.decoder.TransformerDecoder;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** One way to train on the same batch again and again, with the times of its steps. */
final class TimedArm implements BatchSource, TrainerListener, AutoCloseable {
    private final List<TokenizedExample> examples;
    private final ViewLayout layout;
    private final TrainingGraph graph;
    private final GradientSource source;
    private final int steps;
    private final List<StepMetrics> timed = new ArrayList<>();
    private final List<Double> forwardSeconds = new ArrayList<>();

    /**
     * @param lambda weight of the JEPA term; 0 to train without it
     * @param lossDropout share of the steps without the JEPA term
     * @param steps timed steps a round; one more before them is not timed
     */
    TimedArm(
            TransformerDecoder decoder,
            List<TokenizedExample> examples,
            ViewLayout layout,
            double lambda,
            double lossDropout,
            boolean gradientCheckpointing,
            int steps) {
        this.examples = examples;
        this.layout = layout;
        this.steps = steps;
        JepaObjective objective =
                JepaObjective.builder().optLambda(lambda).optLossDropout(lossDropout).build();
        graph = new TrainingGraph(decoder, objective, null, gradientCheckpointing);
        source = graph;
    }

    private TimedArm(TimedArm other) {
        examples = other.examples;
        layout = new LanguageModelLayout();
        steps = other.steps;
        graph = other.graph;
        source = new LanguageModelOnly(graph);
    }

    /** An arm without the JEPA term, in the memory of this one, which closes both. */
    TimedArm withoutJepaTerm() {
        return new TimedArm(this);
    }

    /** Trains for one round. */
    void train(int round) {
        JepaTrainer.builder()
                .setGradientSource(source)
                .setBatches(this)
                .optOptions(TrainingOptions.builder().optMaxSteps(steps + 1).optSeed(round).build())
                .optListener(this)
                .build()
                .train();
    }

    /** Runs only the forward pass, for as many batches as a round of training has steps. */
    void evaluate() {
        try (MultiViewBatch batch = nextBatch()) {
            for (int step = 0; step <= steps; step++) {
                long begun = System.nanoTime();
                graph.evaluate(batch);
                if (step > 0) {
                    forwardSeconds.add((System.nanoTime() - begun) / 1e9);
                }
            }
        }
    }

    /**
     * Milliseconds a step.
     *
     * @param withViews whether the steps asked for are those with the JEPA term
     */
    double milliseconds(boolean withViews) {
        return Median.of(timed(withViews).mapToDouble(step -> step.cost().seconds() * 1e3));
    }

    /** Milliseconds a forward pass. */
    double forwardMilliseconds() {
        return Median.of(forwardSeconds.stream().mapToDouble(seconds -> seconds * 1e3));
    }

    /** Floating-point operations of a step; see {@link #milliseconds} for the argument. */
    double flops(boolean withViews) {
        return Median.of(timed(withViews).mapToDouble(step -> step.cost().flops()));
    }

    /** Tokens of a batch, padding left out. */
    long tokens() {
        try (MultiViewBatch batch = nextBatch()) {
            return batch.tokens();
        }
    }

    private Stream<StepMetrics> timed(boolean withViews) {
        return timed.stream().filter(step -> Double.isNaN(step.losses().jepa()) != withViews);
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
