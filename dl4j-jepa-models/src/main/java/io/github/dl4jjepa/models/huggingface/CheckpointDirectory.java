package io.github.dl4jjepa.models.huggingface;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.training.CheckpointStore;
import io.github.dl4jjepa.core.training.TrainerState;
import io.github.dl4jjepa.models.safetensors.Dtype;
import io.github.dl4jjepa.models.safetensors.SafetensorsCheckpoint;
import io.github.dl4jjepa.models.safetensors.SafetensorsWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A run's checkpoints in a folder.
 *
 * <p>Each is a folder {@code step-000040} that is a Hugging Face folder of its own, with {@code
 * optimizer.safetensors} and {@code trainer_state.json} beside the model; {@code checkpoints.json}
 * names the last and the best. A checkpoint is written beside its place and moved, then the names
 * are replaced: whatever interrupts a run, what {@code checkpoints.json} names is whole.
 */
public final class CheckpointDirectory implements CheckpointStore {
    private static final String NAMES = "checkpoints.json";
    private static final String STATE = "trainer_state.json";
    private static final String OPTIMIZER = "optimizer.safetensors";
    private static final String LAST = "last";
    private static final String BEST = "best";
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Path folder;
    private final CheckpointWriter writer;

    /**
     * @param folder where the checkpoints are kept; made when the first is saved
     * @param writer writes the model
     */
    public CheckpointDirectory(Path folder, CheckpointWriter writer) {
        this.folder = folder;
        this.writer = writer;
    }

    @Override
    public void save(
            TrainerState state,
            Map<String, INDArray> parameters,
            Map<String, INDArray> optimizerState) {
        String name = "step-%06d".formatted(state.step());
        try {
            Files.createDirectories(folder);
            CheckpointWriter.delete(folder.resolve(name));
            CheckpointWriter.writeWhole(
                    folder.resolve(name),
                    partial -> {
                        writer.writeModel(partial, parameters);
                        SafetensorsWriter.writeFile(
                                partial.resolve(OPTIMIZER), optimizerState, Dtype.F32);
                        JsonFile.write(partial.resolve(STATE), toJson(state));
                    });
            ObjectNode names = JSON.createObjectNode().put(LAST, name);
            if (state.step() == state.bestStep()) {
                names.put(BEST, name);
            } else {
                named(BEST).ifPresent(best -> names.put(BEST, best));
            }
            CheckpointWriter.replace(folder.resolve(NAMES), names);
            removeAllBut(names);
        } catch (IOException e) {
            throw new JepaException(
                    folder + ": the checkpoint cannot be written: " + e.getMessage(), e);
        }
    }

    @Override
    public Optional<TrainerState> restoreLast(
            Map<String, INDArray> parameters, Map<String, INDArray> optimizerState) {
        return last().map(
                        checkpoint -> {
                            SafetensorsCheckpoint weights = SafetensorsCheckpoint.open(checkpoint);
                            SafetensorsCheckpoint optimizer =
                                    SafetensorsCheckpoint.open(checkpoint.resolve(OPTIMIZER));
                            parameters.forEach(weights::readInto);
                            optimizerState.forEach(optimizer::readInto);
                            return fromJson(checkpoint.resolve(STATE));
                        });
    }

    /** The folder of the last checkpoint; empty before the first. */
    public Optional<Path> last() {
        return named(LAST).map(folder::resolve);
    }

    /**
     * The folder of the checkpoint with the lowest validation loss; empty before the first
     * validation.
     */
    public Optional<Path> best() {
        return named(BEST).map(folder::resolve);
    }

    private Optional<String> named(String key) {
        Path names = folder.resolve(NAMES);
        if (!Files.exists(names)) {
            return Optional.empty();
        }
        return Optional.ofNullable(JsonFile.read(names).path(key).textValue());
    }

    private void removeAllBut(ObjectNode names) throws IOException {
        List<String> kept = names.valueStream().map(node -> node.textValue()).toList();
        try (Stream<Path> entries = Files.list(folder)) {
            for (Path entry : entries.filter(Files::isDirectory).toList()) {
                if (!kept.contains(entry.getFileName().toString())) {
                    CheckpointWriter.delete(entry);
                }
            }
        }
    }

    private static ObjectNode toJson(TrainerState state) {
        ObjectNode json =
                JSON.createObjectNode()
                        .put("step", state.step())
                        .put("epoch", state.epoch())
                        .put("batch", state.batch())
                        .put("best_step", state.bestStep());
        return state.bestStep() == 0 ? json : json.put("best_loss", state.bestLoss());
    }

    private static TrainerState fromJson(Path file) {
        ObjectNode json = JsonFile.read(file);
        for (String key : List.of("step", "epoch", "batch", "best_step")) {
            if (!json.path(key).isIntegralNumber()) {
                throw new JepaException(
                        file + ": " + key + " is missing; the checkpoint is damaged");
            }
        }
        return new TrainerState(
                json.get("step").longValue(),
                json.get("epoch").intValue(),
                json.get("batch").intValue(),
                json.get("best_step").longValue(),
                json.path("best_loss").asDouble(Double.POSITIVE_INFINITY));
    }
}
