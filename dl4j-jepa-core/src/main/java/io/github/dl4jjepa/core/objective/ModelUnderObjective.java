package io.github.dl4jjepa.core.objective;

import io.github.dl4jjepa.core.decoder.Decoder;
import io.github.dl4jjepa.core.internal.samediff.Arena;
import io.github.dl4jjepa.core.parameters.ParameterSet;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * What the graphs of a {@link TrainingGraph} are drawn from.
 *
 * @param decoder the model
 * @param objective what is minimized
 * @param predictor what the prediction's readout goes through, or null
 * @param gradientCheckpointing whether results within layers are computed again
 * @param arena where intermediate results are kept
 */
record ModelUnderObjective(
        Decoder decoder,
        JepaObjective objective,
        @Nullable LinearPredictor predictor,
        boolean gradientCheckpointing,
        Arena arena) {
    DataType dataType() {
        return decoder.parameters().dataType();
    }

    int hiddenSize() {
        return decoder.hiddenSize();
    }

    /** Parameters that are trained with the model and not part of it. */
    ParameterSet auxiliaries() {
        return predictor == null ? ParameterSet.empty() : predictor.parameters();
    }

    /** Whether targets come from a {@link TargetEncoder}. */
    boolean encodesTargets() {
        return objective.hasJepaTerm() && objective.target() == TargetMode.EMA;
    }

    JepaTerm term() {
        return new JepaTerm(objective);
    }
}
