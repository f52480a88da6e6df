package io.github.dl4jjepa.models.finetuning;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.objective.JepaObjective;
import io.github.dl4jjepa.core.objective.LinearPredictor;
import io.github.dl4jjepa.core.objective.TrainingGraph;
import io.github.dl4jjepa.models.decoder.TransformerDecoder;
import io.github.dl4jjepa.models.huggingface.CheckpointFolder;
import io.github.dl4jjepa.models.huggingface.DecoderLoader;
import io.github.dl4jjepa.models.huggingface.PretrainedModel;
import io.github.dl4jjepa.models.internal.FileHash;
import io.github.dl4jjepa.models.internal.Versions;
import io.github.dl4jjepa.models.lora.LoraOptions;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
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

    private final String versions = versions();
    private final String model;
    private final @Nullable String base;
    private final @Nullable String config;

    @SuppressWarnings("serial") // a TreeMap
    private final Map<String, String> sha256;

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
        boolean isAdapter = source.adapter().isPresent();
        model = isAdapter ? source.openedPath().toAbsolutePath().toString() : source.baseName();
        base = isAdapter ? source.baseName() : null;
        config = settings.config() == null ? null : settings.config().toAbsolutePath().toString();
        sha256 = sha256(source);
        this.vocabulary = vocabulary;
        this.lora = lora;
        seed = settings.seed();
        this.objective = objective;
        linearPredictor = settings.linearPredictor();
        gradientCheckpointing = settings.gradientCheckpointing();
    }

    private static String versions() {
        return "dl4j-jepa " + Versions.jepa() + " for Deeplearning4j " + Versions.deeplearning4j();
    }

    /** The files that decide which frozen weights there are, and how they are used. */
    private Map<String, String> sha256(CheckpointFolder folder) {
        Map<String, String> hashes = new TreeMap<>();
        hashes.put("config.json", FileHash.sha256(folder.configFile()));
        if (config == null) {
            folder.weightFiles().forEach((name, file) -> hashes.put(name, FileHash.sha256(file)));
        }
        return hashes;
    }

    /**
     * Loads the model and draws its graph.
     *
     * @return the caller's
     * @throws JepaException if the model is not here, its files or this library are not those of
     *     the run
     */
    public TrainingGraph load() {
        if (!versions.equals(versions())) {
            throw new JepaException(
                    "this is "
                            + versions()
                            + ", and the run was begun with "
                            + versions
                            + "; give both the same jar");
        }
        CheckpointFolder found = CheckpointFolder.of(model, base);
        CheckpointFolder folder = config == null ? found : found.withConfig(Path.of(config));
        Map<String, String> here = sha256(folder);
        sha256.forEach(
                (name, hash) -> {
                    if (!hash.equals(here.get(name))) {
                        throw new JepaException(
                                folder.openedPath()
                                        + ": "
                                        + name
                                        + (here.containsKey(name) ? " differs" : " is missing")
                                        + " here from the one that the run was begun with; copy"
                                        + " the model's folder anew");
                    }
                });
        TransformerDecoder decoder = decoder(folder);
        LinearPredictor predictor =
                linearPredictor && objective.comparesViews()
                        ? new LinearPredictor(decoder.hiddenSize(), DataType.FLOAT)
                        : null;
        return new TrainingGraph(decoder, objective, predictor, gradientCheckpointing);
    }

    private TransformerDecoder decoder(CheckpointFolder folder) {
        if (config != null) {
            return vocabulary.randomDecoder(DecoderLoader.config(folder), seed);
        }
        return lora == null
                ? vocabulary.loadDecoder(folder)
                : vocabulary.loadDecoder(folder, lora, seed);
    }
}
