package io.github.dl4jjepa.examples.training;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.std.ToStringSerializer;
import io.github.dl4jjepa.core.JepaException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map.Entry;
import java.util.stream.Stream;

/**
 * The output folder of a run: {@code run.json}, {@code metrics.jsonl}, {@code checkpoints}, and the
 * trained model.
 */
final class RunFolder {
    private static final String SETTINGS = "run.json";
    private static final JsonMapper JSON =
            JsonMapper.builder()
                    .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
                    .addModule(
                            new SimpleModule()
                                    .addSerializer(Path.class, new ToStringSerializer(Path.class)))
                    .build();

    private final Path folder;

    RunFolder(Path folder) {
        this.folder = folder;
    }

    Path metrics() {
        return folder.resolve("metrics.jsonl");
    }

    Path checkpoints() {
        return folder.resolve("checkpoints");
    }

    /**
     * Checks that a new run may begin here.
     *
     * @throws JepaException if the folder holds something
     */
    void requireVacant() {
        if (!Files.exists(folder)) {
            return;
        }
        try (Stream<Path> entries = Files.list(folder)) {
            if (entries.findAny().isPresent()) {
                String resume =
                        Files.exists(folder.resolve(SETTINGS))
                                ? ", or go on with the run in it by --resume"
                                : "";
                throw new JepaException(
                        folder + ": the output folder is not empty; name a new one" + resume);
            }
        } catch (IOException e) {
            throw new JepaException(
                    folder + ": is no folder that can be written to: " + e.getMessage(), e);
        }
    }

    /**
     * Checks that the run in this folder was begun with certain settings.
     *
     * @throws JepaException if there is no run, or it was begun with others
     */
    void requireSame(TrainingSettings settings) {
        Path file = folder.resolve(SETTINGS);
        if (!Files.exists(file)) {
            throw new JepaException(
                    file + ": missing; there is no run to resume: leave --resume out");
        }
        try {
            JsonNode begun = JSON.readTree(file.toFile());
            // By way of text, so that numbers compare as they are written.
            JsonNode now = JSON.readTree(JSON.writeValueAsString(settings));
            requireSame(file, "", begun, now);
        } catch (JsonProcessingException e) {
            throw new JepaException(file + ": not valid JSON: " + e.getOriginalMessage(), e);
        } catch (IOException e) {
            throw new JepaException(file + ": cannot be read: " + e.getMessage(), e);
        }
    }

    private static void requireSame(Path file, String path, JsonNode begun, JsonNode now) {
        for (Entry<String, JsonNode> entry : now.properties()) {
            JsonNode before = begun.path(entry.getKey());
            if (entry.getValue().isObject()) {
                requireSame(file, path + entry.getKey() + ".", before, entry.getValue());
            } else if (!entry.getValue().equals(before)) {
                throw new JepaException(
                        file
                                + ": the run was begun with "
                                + path
                                + entry.getKey()
                                + " = "
                                + before
                                + ", not "
                                + entry.getValue()
                                + "; resume it with the same settings");
            }
        }
    }

    /** Makes the folder and notes what the run is begun with. */
    void begin(TrainingSettings settings) {
        try {
            Files.createDirectories(folder);
            Files.writeString(
                    folder.resolve(SETTINGS),
                    JSON.writerWithDefaultPrettyPrinter().writeValueAsString(settings) + "\n");
        } catch (IOException e) {
            throw new JepaException(folder + ": cannot be written: " + e.getMessage(), e);
        }
    }
}
