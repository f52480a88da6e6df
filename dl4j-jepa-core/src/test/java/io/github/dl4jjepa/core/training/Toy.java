package io.github.dl4jjepa.core.training;

import io.github.dl4jjepa.core.decoder.Decoder;
import io.github.dl4jjepa.core.iterator.BatchSource;
import io.github.dl4jjepa.core.iterator.MultiViewBatch;
import io.github.dl4jjepa.core.objective.GradientSource;
import io.github.dl4jjepa.core.objective.JepaObjective;
import io.github.dl4jjepa.core.objective.Losses;
import io.github.dl4jjepa.core.objective.StepRequest;
import io.github.dl4jjepa.core.parameters.Parameter;
import io.github.dl4jjepa.core.parameters.ParameterSet;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Random;
import java.util.function.BiConsumer;
import java.util.stream.IntStream;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A training whose mathematics fit on a page: a label's loss is half the squared distance of {@code
 * weight} to a point of the label's own, a pair's that of {@code bias}.
 */
final class Toy {
    private Toy() {}

    /** Two parameters, of which the first decays. */
    static final class ToyDecoder implements Decoder {
        private final ParameterSet parameters =
                new ParameterSet(
                        List.of(
                                new Parameter(
                                        "weight",
                                        Nd4j.linspace(DataType.FLOAT, -1, 0.25, 6).reshape(2, 3),
                                        true,
                                        true,
                                        Parameter.Group.LAYER),
                                new Parameter(
                                        "bias",
                                        Nd4j.createFromArray(1f, -1f),
                                        true,
                                        false,
                                        Parameter.Group.LAYER)));

        @Override
        public int hiddenSize() {
            return 3;
        }

        @Override
        public int vocabularySize() {
            return 100;
        }

        @Override
        public ParameterSet parameters() {
            return parameters;
        }

        @Override
        public Decoder withParameters(Map<String, INDArray> others) {
            throw new UnsupportedOperationException();
        }

        @Override
        public double forwardFlops(int[] positions, long labels) {
            throw new UnsupportedOperationException();
        }

        @Override
        public SDVariable hiddenStates(SameDiff graph, Decoder.TokenInputs tokens) {
            throw new UnsupportedOperationException();
        }

        @Override
        public SDVariable logits(SDVariable hiddenStates) {
            throw new UnsupportedOperationException();
        }
    }

    /**
     * Adds label by label, so that however labels are split into batches, the sums are the same.
     */
    static class ToyGradients implements GradientSource {
        private final JepaObjective objective;
        private final ParameterSet parameters;

        ToyGradients(Decoder decoder, JepaObjective objective) {
            this.objective = objective;
            parameters = decoder.parameters();
        }

        @Override
        public JepaObjective objective() {
            return objective;
        }

        @Override
        public ParameterSet parameters() {
            return parameters;
        }

        /** Ten for each token, and one for each label. */
        @Override
        public double flops(List<MultiViewBatch> batches, boolean hasJepaTerm) {
            return batches.stream()
                    .mapToDouble(batch -> 10 * batch.tokens() + batch.labels())
                    .sum();
        }

        @Override
        public Losses accumulate(StepRequest step, BiConsumer<String, INDArray> gradients) {
            StepRequest.Weights weights = step.weights();
            double lmWeight = weights.gamma() / step.totals().labels();
            double jepaWeight = weights.lambda() / step.totals().pairs();
            Losses sum = Losses.NONE;
            for (MultiViewBatch batch : step.batches()) {
                for (int label : batch.labelIds().toIntVector()) {
                    gradients.accept("weight", parameters.array("weight").sub(label).mul(lmWeight));
                }
                if (weights.lambda() > 0) {
                    for (int target : batch.targetIndices().toIntVector()) {
                        gradients.accept(
                                "bias", parameters.array("bias").sub(target).mul(jepaWeight));
                    }
                }
                sum = sum.plus(evaluate(batch));
            }
            return sum;
        }

        @Override
        public Losses evaluate(MultiViewBatch batch) {
            return new Losses(
                    distances("weight", batch.labelIds()),
                    batch.labels(),
                    batch.pairs() == 0 ? 0 : distances("bias", batch.targetIndices()),
                    batch.pairs());
        }

        private double distances(String parameter, INDArray points) {
            return IntStream.of(points.toIntVector())
                    .mapToDouble(
                            point -> {
                                double norm =
                                        parameters
                                                .array(parameter)
                                                .sub(point)
                                                .norm2Number()
                                                .doubleValue();
                                return norm * norm / 2;
                            })
                    .sum();
        }
    }

    /**
     * Examples {@code toy:0}, {@code toy:1}…; the nth has n % 3 + 1 labels and one pair. Each has a
     * row of four, of which three are tokens, or two without views.
     */
    static class ToyBatches implements BatchSource {
        /** Every batch handed out. */
        final List<MultiViewBatch> batches = new ArrayList<>();

        private final int examples;
        private final int batchSize;
        private final boolean views;
        private List<Integer> order = List.of();
        private int next;

        ToyBatches(int examples, int batchSize, boolean views) {
            this.examples = examples;
            this.batchSize = batchSize;
            this.views = views;
        }

        ToyBatches(int examples, int batchSize) {
            this(examples, batchSize, true);
        }

        @Override
        public int batchesPerEpoch() {
            return (examples + batchSize - 1) / batchSize;
        }

        @Override
        public void seek(int epoch, int batch) {
            order = new ArrayList<>(IntStream.range(0, examples).boxed().toList());
            Collections.shuffle(order, new Random(17 + epoch));
            next = batch * batchSize;
        }

        @Override
        public MultiViewBatch nextBatch() {
            return next(views);
        }

        @Override
        public MultiViewBatch nextBatchWithoutViews() {
            return next(false);
        }

        private MultiViewBatch next(boolean withViews) {
            if (next >= order.size()) {
                throw new NoSuchElementException("the epoch is over");
            }
            List<Integer> chosen = order.subList(next, Math.min(next + batchSize, order.size()));
            next += batchSize;
            int[] labels =
                    chosen.stream()
                            .flatMapToInt(n -> IntStream.rangeClosed(0, n % 3).map(i -> n + i))
                            .toArray();
            int[][] pairs = chosen.stream().map(n -> new int[] {n % 4}).toArray(int[][]::new);
            MultiViewBatch batch =
                    new MultiViewBatch(
                            Nd4j.zeros(DataType.INT32, chosen.size(), 4),
                            Nd4j.zeros(DataType.INT32, chosen.size(), 4),
                            Nd4j.zeros(DataType.INT32, chosen.size(), 4),
                            Nd4j.zeros(DataType.INT32, chosen.size(), 4),
                            Nd4j.zeros(DataType.INT32, labels.length),
                            Nd4j.createFromArray(labels),
                            withViews ? Nd4j.zeros(DataType.INT32, pairs.length, 1) : null,
                            withViews ? Nd4j.createFromArray(pairs) : null,
                            withViews ? Nd4j.zeros(DataType.INT32, pairs.length) : null,
                            (withViews ? 3L : 2L) * chosen.size(),
                            chosen.stream().map(n -> "toy:" + n).toList());
            batches.add(batch);
            return batch;
        }
    }

    /** Keeps checkpoints in memory. */
    static final class ToyCheckpoints implements CheckpointStore {
        /** The states saved, in order. */
        final List<TrainerState> states = new ArrayList<>();

        /** The arrays saved last: parameters and optimizer state. */
        final Map<String, INDArray> arrays = new LinkedHashMap<>();

        @Override
        public void save(
                TrainerState state,
                Map<String, INDArray> parameters,
                Map<String, INDArray> optimizerState) {
            states.add(state);
            parameters.forEach((name, array) -> arrays.put(name, array.dup()));
            optimizerState.forEach((name, array) -> arrays.put(name, array.dup()));
        }

        @Override
        public Optional<TrainerState> restoreLast(
                Map<String, INDArray> parameters, Map<String, INDArray> optimizerState) {
            if (states.isEmpty()) {
                return Optional.empty();
            }
            parameters.forEach((name, array) -> array.assign(arrays.get(name)));
            optimizerState.forEach((name, array) -> array.assign(arrays.get(name)));
            return Optional.of(states.get(states.size() - 1));
        }
    }
}
