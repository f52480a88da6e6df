package io.github.dl4jjepa.models.evaluation;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.models.chat.ChatModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The outcomes of an evaluation as JSON lines. While it runs, a file next to it says what the
 * outcomes belong to, so that only the same evaluation continues it.
 */
final class PredictionsFile {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Path file;
    private final Path settingsFile;

    PredictionsFile(Path file) {
        this.file = file;
        settingsFile = file.resolveSibling(file.getFileName() + ".unfinished.json");
    }

    /** Begins a new file. */
    void begin(JsonNode settings) {
        requireVacant();
        write(settingsFile, settings.toPrettyString() + "\n");
        write(file, "");
    }

    /** Refuses to overwrite outcomes. */
    void requireVacant() {
        if (Files.exists(file)) {
            throw new JepaException(
                    file
                            + ": exists already; name a new file"
                            + (Files.exists(settingsFile)
                                    ? ", or resume the evaluation that wrote it"
                                    : ""));
        }
    }

    /** Refuses to resume what was not begun. */
    void requireUnfinished() {
        if (!Files.exists(settingsFile)) {
            throw new JepaException(
                    file
                            + (Files.exists(file)
                                    ? ": is not an unfinished evaluation: it is complete, or another"
                                            + " program wrote it. Name a new file."
                                    : ": does not exist; there is no evaluation to resume"));
        }
    }

    /**
     * Reads the outcomes of an evaluation that broke off, and removes a line that it did not end.
     *
     * @return outcomes by the index of their example
     */
    SortedMap<Integer, Task.Outcome> resume(JsonNode settings, int examples) {
        requireUnfinished();
        JsonNode begun = parse(settingsFile, read(settingsFile));
        if (!begun.equals(settings)) {
            throw new JepaException(
                    file
                            + ": was begun with another "
                            + String.join(", ", differences(begun, settings))
                            + "; name a new file, or use what it was begun with");
        }
        SortedMap<Integer, Task.Outcome> outcomes = new TreeMap<>();
        StringBuilder kept = new StringBuilder();
        if (Files.exists(file)) {
            String text = read(file);
            // What follows the last line break was cut off while it was written.
            String whole = text.substring(0, text.lastIndexOf('\n') + 1);
            for (String line : whole.lines().toList()) {
                JsonNode row = parse(file, line);
                int index = row.path("index").asInt(-1);
                if (index < 0 || index >= examples) {
                    throw new JepaException(
                            file
                                    + ": has a line that no evaluation wrote; name a new file: "
                                    + line);
                }
                outcomes.put(index, outcome(row));
                kept.append(line).append('\n');
            }
        }
        replace(kept.toString());
        return outcomes;
    }

    private static List<String> differences(JsonNode begun, JsonNode settings) {
        List<String> names = new ArrayList<>();
        Iterator<String> all = settings.fieldNames();
        while (all.hasNext()) {
            String name = all.next();
            if (!settings.path(name).equals(begun.path(name))) {
                names.add(name.replace('_', ' '));
            }
        }
        return names;
    }

    /** Adds a line. */
    void append(int index, Example example, Task.Outcome outcome, Task.Judgment judgment) {
        try {
            Files.writeString(
                    file,
                    line(index, example, outcome, judgment) + "\n",
                    StandardOpenOption.CREATE,
                    StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new JepaException(file + ": cannot be written: " + e, e);
        }
    }

    private static ObjectNode line(
            int index, Example example, Task.Outcome outcome, Task.Judgment judgment) {
        ObjectNode line =
                JSON.createObjectNode()
                        .put("index", index)
                        .put("source", example.source())
                        .put("prompt", Answers.question(example))
                        .put("answer", Answers.gold(example))
                        .put("prediction", outcome.prediction())
                        .put("stopped", outcome.stopped());
        judgment.facts().forEach(line::put);
        judgment.measures().forEach((name, measure) -> line.put(name, measure.mean()));
        if (!outcome.likelihoods().isEmpty()) {
            ArrayNode likelihoods = line.putArray("likelihoods");
            for (ChatModel.Likelihood likelihood : outcome.likelihoods()) {
                likelihoods
                        .addObject()
                        .put("log_probability", likelihood.logProbability())
                        .put("tokens", likelihood.tokens())
                        .put("end_log_probability", likelihood.endLogProbability());
            }
        }
        return line;
    }

    private static Task.Outcome outcome(JsonNode row) {
        List<ChatModel.Likelihood> likelihoods = new ArrayList<>();
        row.path("likelihoods")
                .forEach(
                        likelihood ->
                                likelihoods.add(
                                        new ChatModel.Likelihood(
                                                likelihood.path("log_probability").asDouble(),
                                                likelihood.path("tokens").asInt(),
                                                likelihood
                                                        .path("end_log_probability")
                                                        .asDouble())));
        return new Task.Outcome(
                row.path("prediction").asText(), row.path("stopped").asBoolean(), likelihoods);
    }

    /** Puts the lines into the order of the examples. */
    void finish() {
        SortedMap<Integer, String> lines = new TreeMap<>();
        read(file)
                .lines()
                .forEach(line -> lines.put(parse(file, line).path("index").asInt(), line));
        StringBuilder text = new StringBuilder();
        lines.values().forEach(line -> text.append(line).append('\n'));
        replace(text.toString());
        try {
            Files.delete(settingsFile);
        } catch (IOException e) {
            throw new JepaException(settingsFile + ": cannot be removed: " + e, e);
        }
    }

    private static JsonNode parse(Path file, String text) {
        try {
            return JSON.readTree(text);
        } catch (JsonProcessingException e) {
            throw new JepaException(
                    file + ": is damaged; name a new file: " + e.getOriginalMessage(), e);
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new JepaException(file + ": cannot be read: " + e, e);
        }
    }

    private static void write(Path file, String text) {
        try {
            Files.writeString(file, text);
        } catch (IOException e) {
            throw new JepaException(file + ": cannot be written: " + e, e);
        }
    }

    private void replace(String text) {
        Path next = file.resolveSibling(file.getFileName() + ".tmp");
        write(next, text);
        try {
            Files.move(
                    next,
                    file,
                    StandardCopyOption.ATOMIC_MOVE,
                    StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new JepaException(file + ": cannot be written: " + e, e);
        }
    }
}
