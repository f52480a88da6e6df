package io.github.dl4jjepa.core.training;

import java.util.Map;
import java.util.Optional;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Keeps a run's checkpoints: the last ones, and the best by {@link TrainingOptions#bestMetric}. */
public interface CheckpointStore {
    /**
     * Writes a checkpoint, whole or not at all: whatever interrupts it, the one before stays
     * usable. Checkpoints that are neither among the last nor the best are removed afterwards.
     *
     * @param state where the run stands; {@code state.step() == state.bestStep()} marks the best
     * @param parameters the model's arrays by name
     * @param optimizerState the optimizer's arrays by name
     */
    void save(
            TrainerState state,
            Map<String, INDArray> parameters,
            Map<String, INDArray> optimizerState);

    /**
     * Reads the last whole checkpoint into arrays that are there already.
     *
     * @return where that run stood; empty where there is no checkpoint yet
     * @throws io.github.dl4jjepa.core.JepaException if the checkpoint is damaged or of another
     *     model
     */
    Optional<TrainerState> restoreLast(
            Map<String, INDArray> parameters, Map<String, INDArray> optimizerState);
}
