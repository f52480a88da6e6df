package io.github.dl4jjepa.models.finetuning;

import com.fasterxml.jackson.annotation.JsonValue;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import com.fasterxml.jackson.databind.ser.std.ToStringSerializer;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.internal.IoFailures;
import io.github.dl4jjepa.core.training.StepMetrics;
import io.github.dl4jjepa.core.training.TrainerListener;
import io.github.dl4jjepa.core.training.TrainingOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Map.Entry;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The output folder of a run: {@code run.json}, {@code metrics.jsonl}, {@code checkpoints}, and the
 * trained model.
 */
final class RunFolder {
    private static final Logger LOG = LoggerFactory.getLogger(RunFolder.class);

    private static final String SETTINGS = "run.json";

    /** The key of the SHA-256 of each file. */
    private static final String HASHES = "sha256";

    /** The key of what a run of an earlier version did not note: it had one way to read data. */
    private static final String DATA = "data";

    /** The key of the version of the file's format. */
    private static final String FORMAT = "format";

    private static final String VERSIONS = "versions";
    private static final String TRAINING = "training";

    /** How long a run is and how often it is looked at: what a resumed run may have otherwise. */
    private static final List<String> OF_THE_COURSE =
            List.of(
                    "epochs",
                    "max_steps",
                    "compute_budget",
                    "evaluate_every",
                    "checkpoint_every",
                    "early_stopping_patience",
                    "skip_non_finite");

    /** Where files were; what they contained is what counts. */
    private static final List<String> PATHS = List.of("model", "config", "train", "validation");

    private static final JsonMapper JSON =
            JsonMapper.builder()
                    .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
                    .addModule(
                            new SimpleModule()
                                    .addSerializer(Path.class, new ToStringSerializer(Path.class)))
                    .addMixIn(TrainingOptions.class, BySettings.class)
                    .build();

    private final Path folder;
    private @Nullable RunLock lock;

    RunFolder(Path folder) {
        this.folder = folder;
    }

    /**
     * Whether there is a run in a folder; the files of one that was killed at its start are
     * removed.
     */
    static boolean hasBegun(Path folder) {
        if (Files.exists(folder.resolve(SETTINGS))) {
            return true;
        }
        if (Files.isDirectory(folder)) {
            try (Stream<Path> entries = Files.list(folder)) {
                for (Path entry : entries.toList()) {
                    Files.delete(entry);
                }
            } catch (IOException e) {
                throw new JepaException(folder + ": cannot be emptied: " + e, e);
            }
        }
        return false;
    }

    Path metrics() {
        return folder.resolve("metrics.jsonl");
    }

    Path generated() {
        return folder.resolve("generated.jsonl");
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
            // A run that was killed as soon as it had its folder leaves its lock there.
            if (entries.anyMatch(entry -> !entry.endsWith(RunLock.FILE))) {
                String resume =
                        Files.exists(folder.resolve(SETTINGS)) ? ", or resume the run in it" : "";
                throw new JepaException(
                        folder + ": the output folder is not empty; name a new one" + resume);
            }
        } catch (IOException e) {
            throw new JepaException(
                    folder + ": is no folder that can be written to: " + e.getMessage(), e);
        }
    }

    /**
     * Checks that the run in this folder was begun with files of the same content.
     *
     * @throws JepaException if there is no run, or a file has changed
     */
    void requireSameContent(RunInputs inputs) {
        JsonNode begun = begun();
        if (begun.has(HASHES)) {
            requireSameContent(folder.resolve(SETTINGS), begun.get(HASHES), inputs);
        } else {
            LOG.warn(
                    "{} has no \"{}\": an earlier version wrote it. Whether data and model are"
                            + " those of the run is not checked.",
                    folder.resolve(SETTINGS),
                    HASHES);
        }
    }

    /**
     * Checks that the run in this folder was begun with certain settings. Files may have moved,
     * where their content is known. The run may be longer or shorter than it was to be, and be
     * evaluated and kept at other steps.
     *
     * @throws JepaException if it was begun with others
     */
    void requireSameSettings(RunSettings settings, RunInputs inputs) {
        ObjectNode begun = (ObjectNode) begun();
        // By way of text, so that numbers compare as they are written.
        ObjectNode now = (ObjectNode) parsed(text(settings));
        if (inputs.files().containsKey(RunInputs.TEMPLATE)) {
            ((ObjectNode) now.get("template")).remove("chat_template");
        }
        if (begun.has(HASHES)) {
            now.remove(PATHS);
        } else if (begun.path("train").isTextual() && settings.train().size() == 1) {
            now.put("train", settings.train().get(0).toString());
        }
        if (!begun.has(DATA)) {
            begun.set(DATA, parsed(text(DataSettings.DEFAULT)));
        }
        ObjectNode training = (ObjectNode) now.get(TRAINING);
        for (String key : OF_THE_COURSE) {
            JsonNode other = training.remove(key);
            JsonNode before = begun.path(TRAINING).path(key);
            if (!before.isMissingNode() && !before.equals(other)) {
                LOG.info(
                        "The run is resumed with {} = {}; it was begun with {}",
                        key,
                        other,
                        before);
            }
        }
        requireSame(folder.resolve(SETTINGS), "", begun, now);
    }

    /**
     * Checks that the run in this folder is of a format that is read, and warns where what it runs
     * on has changed.
     *
     * @throws JepaException if a later version wrote it
     */
    void requireKnownFormat(RunOrigin now) {
        JsonNode begun = begun();
        int format = begun.path(FORMAT).asInt();
        if (format > RunOrigin.FORMAT) {
            throw new JepaException(
                    String.format(
                            Locale.ROOT,
                            "%s: has format %d, of a later version of dl4j-jepa (%s); this one reads"
                                    + " up to %d: resume the run with that version",
                            folder.resolve(SETTINGS),
                            format,
                            begun.path(VERSIONS).path("dl4j_jepa").asText("unknown"),
                            RunOrigin.FORMAT));
        }
        now.versions()
                .forEach(
                        (name, version) -> {
                            String before = begun.path(VERSIONS).path(name).asText(version);
                            if (!before.equals(version)) {
                                LOG.warn(
                                        "The run was begun with {} {}, and is resumed with {}: results"
                                                + " may differ in the last digits",
                                        name,
                                        before,
                                        version);
                            }
                        });
    }

    /** The views of the run in this folder; nothing where there is no run. */
    Optional<ViewSettings> views() {
        if (!Files.exists(folder.resolve(SETTINGS))) {
            return Optional.empty();
        }
        try {
            return Optional.of(JSON.treeToValue(begun().path("views"), ViewSettings.class));
        } catch (JsonProcessingException e) {
            throw new JepaException(
                    folder.resolve(SETTINGS) + ": \"views\": " + e.getOriginalMessage(), e);
        }
    }

    private JsonNode begun() {
        Path file = folder.resolve(SETTINGS);
        if (!Files.exists(file)) {
            throw new JepaException(file + ": missing; there is no run to resume: begin a new one");
        }
        try {
            return parsed(Files.readString(file));
        } catch (IOException e) {
            throw new JepaException(file + ": cannot be read: " + e.getMessage(), e);
        }
    }

    private JsonNode parsed(String text) {
        try {
            return JSON.readTree(text);
        } catch (JsonProcessingException e) {
            throw new JepaException(
                    folder.resolve(SETTINGS) + ": not valid JSON: " + e.getOriginalMessage(), e);
        }
    }

    private static String text(Record settings) {
        try {
            return JSON.writeValueAsString(settings);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void requireSameContent(Path file, JsonNode begun, RunInputs inputs) {
        for (Entry<String, JsonNode> entry : begun.properties()) {
            if (!inputs.files().containsKey(entry.getKey())) {
                throw new JepaException(
                        file
                                + ": the run was begun with "
                                + entry.getKey()
                                + ", which is missing now; resume it with the same files");
            }
        }
        inputs.files().keySet().stream()
                .filter(name -> !begun.has(name))
                .findFirst()
                .ifPresent(
                        name -> {
                            throw new JepaException(
                                    file
                                            + ": the run was begun without "
                                            + name
                                            + ", which is "
                                            + inputs.files().get(name)
                                            + " now; resume it with the same files");
                        });
        inputs.sha256()
                .forEach(
                        (name, hash) -> {
                            if (!hash.equals(begun.get(name).asText())) {
                                throw new JepaException(
                                        inputs.files().get(name)
                                                + ": has changed since the run was begun: its"
                                                + " SHA-256 is "
                                                + hash
                                                + ", but "
                                                + file
                                                + " has "
                                                + begun.get(name).asText()
                                                + " for "
                                                + name
                                                + "; resume with the file as it was, or begin a new"
                                                + " run in another folder");
                            }
                        });
    }

    /** Writes options as the map of their settings. */
    private interface BySettings {
        @JsonValue
        Map<String, Object> settings();
    }

    private static void requireSame(Path file, String path, JsonNode begun, JsonNode now) {
        for (Entry<String, JsonNode> entry : now.properties()) {
            JsonNode before = begun.path(entry.getKey());
            if (entry.getValue().isObject()) {
                requireSame(file, path + entry.getKey() + ".", before, entry.getValue());
            } else if (!entry.getValue().equals(spelledAsToday(before))
                    && !(entry.getValue().isNull() && before.isMissingNode())) {
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

    /** Release 0.1.0 wrote the names of two distances with {@code CENTRED}. */
    private static JsonNode spelledAsToday(JsonNode value) {
        return value.isTextual() && value.textValue().startsWith("CENTRED_")
                ? TextNode.valueOf(value.textValue().replace("CENTRED", "CENTERED"))
                : value;
    }

    /**
     * Takes the right to write into the folder of the run that is there.
     *
     * @throws JepaException if there is no run, or it is under way
     */
    void lock() {
        begun();
        lock = RunLock.acquire(folder);
    }

    /** Ends a run whose folder is removed: what it wrote from then on could not be resumed. */
    TrainerListener guard() {
        return new TrainerListener() {
            @Override
            public void onStep(StepMetrics metrics) {
                if (!Files.exists(folder.resolve(SETTINGS))) {
                    throw new JepaException(
                            folder.resolve(SETTINGS)
                                    + ": is missing since the run was begun; its folder was removed"
                                    + " or emptied. Begin a new run");
                }
            }
        };
    }

    /** Gives that right back, if the run had it. */
    void unlock() {
        if (lock != null) {
            lock.close();
            lock = null;
        }
    }

    /**
     * Makes the folder, takes the right to write into it and notes what the run is begun with.
     *
     * @throws JepaException if another run has begun there meanwhile
     */
    void begin(RunOrigin origin, RunSettings settings, RunInputs inputs) {
        ObjectNode run = JSON.valueToTree(origin);
        run.setAll((ObjectNode) JSON.valueToTree(settings));
        run.set(HASHES, JSON.valueToTree(inputs.sha256()));
        Path written = folder.resolve(SETTINGS + ".tmp");
        try {
            Files.createDirectories(folder);
            lock = RunLock.acquire(folder);
            requireVacant();
            Files.writeString(
                    written, JSON.writerWithDefaultPrettyPrinter().writeValueAsString(run) + "\n");
            Files.move(written, folder.resolve(SETTINGS), StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new JepaException(folder + ": cannot be written: " + IoFailures.describe(e), e);
        }
    }
}
