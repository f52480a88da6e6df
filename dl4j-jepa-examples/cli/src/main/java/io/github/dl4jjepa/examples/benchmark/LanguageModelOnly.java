package io.github.dl4jjepa.examples.benchmark;

import io.github.dl4jjepa.core.iterator.MultiViewBatch;
import io.github.dl4jjepa.core.objective.GradientSource;
import io.github.dl4jjepa.core.objective.JepaObjective;
import io.github.dl4jjepa.core.objective.Losses;
import io.github.dl4jjepa.core.objective.StepRequest;
import io.github.dl4jjepa.core.objective.TrainingGraph;
import io.github.dl4jjepa.core.parameters.ParameterSet;
import java.util.List;
import java.util.function.BiConsumer;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A training graph without its JEPA term, in the same memory. */
final class LanguageModelOnly implements GradientSource {
    private final TrainingGraph graph;
    private final JepaObjective objective = JepaObjective.builder().optLambda(0).build();

    LanguageModelOnly(TrainingGraph graph) {
        this.graph = graph;
    }

    @Override
    public JepaObjective objective() {
        return objective;
    }

    @Override
    public ParameterSet parameters() {
        return graph.parameters();
    }

    @Override
    public double flops(List<MultiViewBatch> batches, boolean hasJepaTerm) {
        return graph.flops(batches, hasJepaTerm);
    }

    @Override
    public Losses accumulate(StepRequest step, BiConsumer<String, INDArray> gradients) {
        return graph.accumulate(step, gradients);
    }

    @Override
    public Losses evaluate(MultiViewBatch batch) {
        return graph.evaluate(batch);
    }
}
