package io.github.dl4jjepa.examples.spark;

import io.github.dl4jjepa.core.objective.CrossBatchStep.PairEmbeddings;
import io.github.dl4jjepa.core.objective.Losses;
import io.github.dl4jjepa.core.objective.TrainingGraph;
import io.github.dl4jjepa.models.finetuning.RunReplica;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.apache.spark.broadcast.Broadcast;
import org.nd4j.linalg.api.ndarray.INDArray;
import scala.Tuple2;

/** The model under training in an executor's process, which computes parts of steps. */
final class ExecutorModel implements AutoCloseable {
    private final TrainingGraph graph;
    private final FlatArrays weights;
    private final FlatArrays trained;

    /** The broadcast that the weights are of, or -1. */
    private long present = -1;

    private ExecutorModel(TrainingGraph graph) {
        this.graph = graph;
        weights = weights(graph);
        trained = trained(graph);
    }

    /** What changes from step to step: trainable parameters, and averages of them. */
    static FlatArrays weights(TrainingGraph graph) {
        Map<String, INDArray> arrays = new LinkedHashMap<>(graph.parameters().trainable().arrays());
        arrays.putAll(graph.state());
        return new FlatArrays(arrays);
    }

    /** What has a gradient. */
    static FlatArrays trained(TrainingGraph graph) {
        return new FlatArrays(graph.parameters().trainable().arrays());
    }

    /**
     * What a task needs besides the part of the step.
     *
     * @param run tells runs of the same application apart
     * @param replica loads the model
     * @param weights the present values of {@link #weights(TrainingGraph)}
     */
    record Work(String run, RunReplica replica, Broadcast<float[][]> weights)
            implements Serializable {
        /**
         * Computes the gradient of a part.
         *
         * @return its blocks by their number
         */
        List<Tuple2<Integer, GradientBlock>> gradient(StepPart part) {
            return with(this, part, model -> model.gradient(part));
        }

        /** Embeds the pairs of a part. */
        PairEmbeddings embed(StepPart part) {
            return with(
                    this,
                    part,
                    model -> model.graph.crossBatchStep().orElseThrow().embed(part.request()));
        }
    }

    private static <T> T with(Work work, StepPart part, Function<ExecutorModel, T> computation) {
        try {
            return LoadedModel.with(
                    work.run(),
                    ExecutorModel.class,
                    () -> new ExecutorModel(work.replica().load()),
                    model -> {
                        model.update(work.weights());
                        return computation.apply(model);
                    });
        } finally {
            part.close();
        }
    }

    private void update(Broadcast<float[][]> broadcast) {
        if (present != broadcast.id()) {
            present = -1;
            weights.set(broadcast.value());
            present = broadcast.id();
        }
    }

    private List<Tuple2<Integer, GradientBlock>> gradient(StepPart part) {
        float[][] sums = trained.newBlocks();
        Losses losses =
                part.pairs() == null
                        ? graph.accumulate(
                                part.request(), (name, values) -> trained.add(sums, name, values))
                        : graph.crossBatchStep()
                                .orElseThrow()
                                .backward(
                                        part.request(),
                                        part.pairs(),
                                        (name, values) -> trained.add(sums, name, values));
        List<Tuple2<Integer, GradientBlock>> blocks = new ArrayList<>();
        for (int i = 0; i < sums.length; i++) {
            blocks.add(new Tuple2<>(i, new GradientBlock(part.index(), sums[i], losses)));
        }
        return blocks;
    }

    @Override
    public void close() {
        graph.close();
    }
}
