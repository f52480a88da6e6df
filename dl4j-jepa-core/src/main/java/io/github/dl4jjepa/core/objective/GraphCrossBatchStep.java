package io.github.dl4jjepa.core.objective;

import io.github.dl4jjepa.core.iterator.MultiViewBatch;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** The phases of a step, by a {@link LossGraph} and a {@link PairGraph}. */
final class GraphCrossBatchStep implements CrossBatchStep, AutoCloseable {
    private final ModelUnderObjective model;
    private final @Nullable TargetEncoder targetEncoder;
    private final LossGraph graph;
    private final PairGraph pairGraph;

    /**
     * @param targetEncoder null where the model itself encodes targets
     */
    GraphCrossBatchStep(ModelUnderObjective model, @Nullable TargetEncoder targetEncoder) {
        this.model = model;
        this.targetEncoder = targetEncoder;
        graph = new LossGraph(model, LossGraph.Part.EMBEDDING_GRADIENTS);
        pairGraph =
                new PairGraph(
                        model.objective(), model.dataType(), model.hiddenSize(), model.arena());
    }

    private BatchFeed feed(MultiViewBatch batch, StepRequest.Seed seed) {
        return new BatchFeed(model, targetEncoder, batch, seed);
    }

    @Override
    public CrossBatchStep.PairEmbeddings embed(StepRequest part) {
        List<CrossBatchStep.PairEmbeddings> batches = new ArrayList<>();
        try {
            for (MultiViewBatch batch : part.batches()) {
                try (BatchFeed feed = feed(batch, part.seed())) {
                    feed.embeddings(part.seed());
                    batches.add(graph.embed(feed));
                }
            }
            return CrossBatchStep.PairEmbeddings.concat(batches);
        } finally {
            batches.forEach(CrossBatchStep.PairEmbeddings::close);
        }
    }

    @Override
    public CrossBatchStep.PairGradients compare(
            List<CrossBatchStep.PairEmbeddings> parts, StepRequest.Seed seed) {
        Map<String, INDArray> directions =
                model.term().directions(seed, model.hiddenSize(), model.dataType());
        try (CrossBatchStep.PairEmbeddings all = CrossBatchStep.PairEmbeddings.concat(parts);
                PairGraph.Result result = pairGraph.run(all, directions)) {
            List<CrossBatchStep.PairGradients.Part> gradients = new ArrayList<>();
            long first = 0;
            for (CrossBatchStep.PairEmbeddings part : parts) {
                long end = first + part.pairs();
                gradients.add(
                        new CrossBatchStep.PairGradients.Part(
                                rows(result.predictionGradient(), first, end),
                                result.targetGradient() == null
                                        ? null
                                        : rows(result.targetGradient(), first, end)));
                first = end;
            }
            return new CrossBatchStep.PairGradients(result.sum(), gradients);
        } finally {
            directions.values().forEach(INDArray::close);
        }
    }

    @Override
    public Losses backward(
            StepRequest part,
            CrossBatchStep.PairGradients.Part pairs,
            BiConsumer<String, INDArray> gradients) {
        double lmWeight = part.weights().gamma() / part.totals().labels();
        double jepaWeight = part.weights().lambda() / part.totals().pairs();
        Losses sum = Losses.NONE;
        long first = 0;
        for (MultiViewBatch batch : part.batches()) {
            long end = first + model.term().pairs(batch);
            try (BatchFeed feed = feed(batch, part.seed())) {
                feed.weights(lmWeight, jepaWeight);
                feed.embeddings(part.seed());
                INDArray prediction = rows(pairs.prediction(), first, end);
                feed.put(LossGraph.PREDICTION_GRADIENT, prediction);
                feed.put(
                        LossGraph.TARGET_GRADIENT,
                        pairs.target() == null
                                ? Nd4j.zerosLike(prediction)
                                : rows(pairs.target(), first, end));
                Losses losses = graph.run(feed, gradients);
                sum =
                        sum.plus(
                                new Losses(
                                        losses.languageModelSum(),
                                        losses.labels(),
                                        0,
                                        losses.pairs()));
            }
            first = end;
        }
        return sum;
    }

    private static INDArray rows(INDArray matrix, long first, long end) {
        return matrix.get(NDArrayIndex.interval(first, end), NDArrayIndex.all()).dup();
    }

    @Override
    public void close() {
        graph.close();
        pairGraph.close();
    }
}
