package io.github.dl4jjepa.models.finetuning;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.objective.JepaObjective;
import io.github.dl4jjepa.core.objective.LinearPredictor;
import io.github.dl4jjepa.core.objective.TrainingGraph;
import io.github.dl4jjepa.models.decoder.TransformerDecoder;
import io.github.dl4jjepa.models.huggingface.CheckpointFolder;
import io.github.dl4jjepa.models.huggingface.CheckpointReplica;
import io.github.dl4jjepa.models.huggingface.DecoderLoader;
import io.github.dl4jjepa.models.huggingface.PretrainedModel;
import io.github.dl4jjepa.models.lora.LoraOptions;
import java.io.Serializable;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * What another process needs to compute gradients of a run: where the model is and how it is
 * trained. Weights and data are not in it.
 *
 * <p>Trainable parameters begin as the checkpoint, or a new adapter, has them; whoever runs a step
 * brings their present values.
 */
public final class RunReplica implements Serializable {
    private static final long serialVersionUID = 1L;

    private final CheckpointReplica checkpoint;
    private final boolean random;
    private final PretrainedModel.Vocabulary vocabulary;
    private final @Nullable LoraOptions lora;
    private final long seed;
    private final JepaObjective objective;
    private final boolean linearPredictor;
    private final boolean gradientCheckpointing;

    /**
     * @param source the checkpoint, which is hashed
     * @param lora a new adapter, or null
     */
    RunReplica(
            RunSettings settings,
            CheckpointFolder source,
            PretrainedModel.Vocabulary vocabulary,
            @Nullable LoraOptions lora,
            JepaObjective objective) {
        checkpoint = CheckpointReplica.ofDecoder(source, settings.config());
        random = settings.config() != null;
        this.vocabulary = vocabulary;
        this.lora = lora;
        seed = settings.seed();
        this.objective = objective;
        linearPredictor = settings.linearPredictor();
        gradientCheckpointing = settings.gradientCheckpointing();
    }

    /**
     * Loads the model and draws its graph.
     *
     * @return the caller's
     * @throws JepaException if the model is not here, its files or this library are not those of
     *     the run
     */
    public TrainingGraph load() {
        TransformerDecoder decoder = decoder(checkpoint.open());
        LinearPredictor predictor =
                linearPredictor && objective.comparesViews()
                        ? new LinearPredictor(decoder.hiddenSize(), DataType.FLOAT)
                        : null;
        return new TrainingGraph(decoder, objective, predictor, gradientCheckpointing);
    }

    private TransformerDecoder decoder(CheckpointFolder folder) {
        if (random) {
            return vocabulary.randomDecoder(DecoderLoader.config(folder), seed);
        }
        return lora == null
                ? vocabulary.loadDecoder(folder)
                : vocabulary.loadDecoder(folder, lora, seed);
    }
}
