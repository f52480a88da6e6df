package io.github.dl4jjepa.models.finetuning;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.objective.LinearPredictor;
import io.github.dl4jjepa.core.view.ViewOptions;
import io.github.dl4jjepa.models.safetensors.Dtype;
import io.github.dl4jjepa.models.safetensors.SafetensorsCheckpoint;
import io.github.dl4jjepa.models.safetensors.SafetensorsWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.Optional;

/**
 * The views that a model was trained with, as its folder's {@code run.json} has them.
 *
 * @param predictors how many [PRED] tokens followed Text
 * @param tiedPredictors whether they share one id
 * @param options placement, direction, Text's context and pooling, without the ids of [PRED] tokens
 */
public record TrainedViews(int predictors, boolean tiedPredictors, ViewOptions options) {
    private static final String LINEAR_PREDICTOR = "linear_predictor.safetensors";

    /** Writes a linear predictor into a trained folder, in place of one that is there. */
    static void write(LinearPredictor predictor, Path folder) {
        Path partial = folder.resolve("." + LINEAR_PREDICTOR);
        try {
            Files.deleteIfExists(partial);
            SafetensorsWriter.writeFile(partial, predictor.parameters().arrays(), Dtype.F32);
            Files.move(
                    partial,
                    folder.resolve(LINEAR_PREDICTOR),
                    StandardCopyOption.REPLACE_EXISTING,
                    StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new JepaException(folder + ": cannot be written: " + e, e);
        }
    }

    /**
     * Reads the linear predictor of a trained folder.
     *
     * @param folder the output folder of a fine-tuning
     * @return nothing where the training had none
     * @throws JepaException if its file is damaged
     */
    public static Optional<LinearPredictor> linearPredictor(Path folder) {
        Path file = folder.resolve(LINEAR_PREDICTOR);
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        SafetensorsCheckpoint stored = SafetensorsCheckpoint.open(file);
        String name = stored.tensors().keySet().iterator().next();
        return Optional.of(new LinearPredictor(stored.read(name)));
    }

    /**
     * Reads the views of a trained folder.
     *
     * @param folder the output folder of a fine-tuning
     * @return nothing where the folder is not one
     * @throws JepaException if its run.json is damaged
     */
    public static Optional<TrainedViews> read(Path folder) {
        return new RunFolder(folder)
                .views()
                .map(
                        views ->
                                new TrainedViews(
                                        views.predictors(),
                                        views.tiedPredictors(),
                                        ViewOptions.builder()
                                                .optPlacement(views.placement())
                                                .optDirection(views.direction())
                                                .optTextView(views.textView())
                                                .optPooling(views.pooling())
                                                .build()));
    }

    /**
     * The ids of the [PRED] tokens.
     *
     * @param known the ids that the tokenizer has, in order
     */
    public int[] predictorIds(int[] known) {
        int[] ids = Arrays.copyOf(known, Math.min(predictors, known.length));
        if (tiedPredictors && known.length > 0) {
            ids = new int[predictors];
            Arrays.fill(ids, known[0]);
        }
        return ids;
    }
}
