package io.github.dl4jjepa.core.objective;

import io.github.dl4jjepa.core.internal.IntArrays;
import io.github.dl4jjepa.core.internal.SeededRandom;
import io.github.dl4jjepa.core.iterator.MultiViewBatch;
import io.github.dl4jjepa.core.iterator.ShapeBuckets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** A batch as the inputs of a {@link LossGraph}. */
final class BatchFeed implements AutoCloseable {
    private final ModelUnderObjective model;
    private final @Nullable TargetEncoder targetEncoder;
    private final MultiViewBatch batch;
    private final MultiViewBatch filled;
    private final Map<String, INDArray> placeholders = new HashMap<>();
    private final List<INDArray> own = new ArrayList<>();

    /**
     * @param targetEncoder null where the model itself encodes targets
     * @param seed decides what dropout leaves out; {@link StepRequest.Seed#EVALUATION} for nothing
     */
    BatchFeed(
            ModelUnderObjective model,
            @Nullable TargetEncoder targetEncoder,
            MultiViewBatch batch,
            StepRequest.Seed seed) {
        this.model = model;
        this.targetEncoder = targetEncoder;
        this.batch = batch;
        filled = ShapeBuckets.fill(batch);
        placeholders.putAll(BatchInputs.of(filled));
        placeholders.put(BatchInputs.LABEL_INDICES, filled.labelIndices());
        placeholders.put(BatchInputs.LABEL_IDS, filled.labelIds());
        // Of the batch as well as of the step, so that the batches of a step differ, and do not
        // depend on which of them are computed together.
        @Nullable Random random =
                seed.equals(StepRequest.Seed.EVALUATION)
                        ? null
                        : SeededRandom.of(
                                seed.seed() + Arrays.hashCode(IntArrays.values(filled.inputIds())),
                                SeededRandom.Use.DROPOUT,
                                seed.step());
        model.decoder().dropoutMasks(filled.inputIds().length(), random).forEach(this::put);
    }

    MultiViewBatch batch() {
        return batch;
    }

    Map<String, INDArray> placeholders() {
        return placeholders;
    }

    /** Adds an input, which is closed with this. */
    void put(String name, INDArray array) {
        placeholders.put(name, array);
        own.add(array);
    }

    void weights(double lmWeight, double jepaWeight) {
        put(LossGraph.LM_WEIGHT, Nd4j.scalar(model.dataType(), lmWeight));
        put(LossGraph.JEPA_WEIGHT, Nd4j.scalar(model.dataType(), jepaWeight));
    }

    /** Adds what the JEPA term over this batch reads. */
    void jepaTerm(StepRequest.Seed seed) {
        embeddings(seed);
        put(LossGraph.ANSWER_IDS, model.term().answerIds(batch));
        model.term().directions(seed, model.hiddenSize(), model.dataType()).forEach(this::put);
    }

    /** Adds what embeddings are read by. */
    void embeddings(StepRequest.Seed seed) {
        if (model.objective().distance().readsViews()) {
            placeholders.put(
                    BatchInputs.PREDICTION_INDICES,
                    Objects.requireNonNull(filled.predictionIndices()));
            placeholders.put(
                    BatchInputs.TARGET_INDICES, Objects.requireNonNull(filled.targetIndices()));
        } else {
            put(
                    LossGraph.TUBE_INDICES,
                    TubeIndices.of(filled, seed.random(SeededRandom.Use.SEMANTIC_TUBE)));
        }
        if (targetEncoder != null) {
            put(LossGraph.TARGET, targetEncoder.read(placeholders));
        }
    }

    @Override
    public void close() {
        own.forEach(INDArray::close);
        filled.close();
    }
}
