package io.github.dl4jjepa.examples.cli;

import io.github.dl4jjepa.core.iterator.ExampleFormat;
import io.github.dl4jjepa.models.finetuning.FineTuning;
import io.github.dl4jjepa.models.tokenizer.EncoderOptions;
import java.util.EnumMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How data files are read, and what of them is learned. */
final class DataOptionsMixin {
    @Option(
            names = "--format",
            paramLabel = "NAME",
            description =
                    "The format of all data files: ${COMPLETION-CANDIDATES}. Without this option the"
                            + " beginning of each file says it, or else the end of its name. Files"
                            + " may be compressed with gzip.")
    private @Nullable ExampleFormat format;

    private final Map<ExampleFormat.Field, String> fields =
            new EnumMap<>(ExampleFormat.Field.class);

    @Option(
            names = "--messages-field",
            paramLabel = "KEY",
            description = "The key of a conversation, if not messages.")
    void messages(String name) {
        put(ExampleFormat.Field.MESSAGES, name);
    }

    @Option(
            names = "--text-field",
            paramLabel = "KEY",
            description = "The key or column of Text, or of a document, if not text.")
    void text(String name) {
        put(ExampleFormat.Field.TEXT, name);
    }

    @Option(
            names = "--code-field",
            paramLabel = "KEY",
            description = "The key or column of Code, if not code.")
    void code(String name) {
        put(ExampleFormat.Field.CODE, name);
    }

    @Option(
            names = "--prompt-field",
            paramLabel = "KEY",
            description = "The key or column of the user's turn, if not prompt.")
    void prompt(String name) {
        put(ExampleFormat.Field.PROMPT, name);
    }

    @Option(
            names = "--completion-field",
            paramLabel = "KEY",
            description = "The key or column of the assistant's turn, if not completion.")
    void completion(String name) {
        put(ExampleFormat.Field.COMPLETION, name);
    }

    @Option(
            names = "--system-field",
            paramLabel = "KEY",
            description = "The key or column of the system message, if not system.")
    void system(String name) {
        put(ExampleFormat.Field.SYSTEM, name);
    }

    @Option(
            names = "--train-on",
            paramLabel = "TURNS",
            description =
                    "Which turns of a conversation the model learns: ${COMPLETION-CANDIDATES}. A"
                            + " message with \"train\": false is never learned.")
    private EncoderOptions.TrainedTurns trainOn = EncoderOptions.TrainedTurns.LAST_ASSISTANT;

    @Option(
            names = "--truncate",
            description =
                    "Cut rows that are longer than --max-length at their end, and report how many;"
                            + " otherwise such a row is refused.")
    private boolean truncate;

    /** Sets what these options say. */
    void applyTo(FineTuning.Builder tuning) {
        tuning.optFormat(format).optTrainOn(trainOn).optTruncate(truncate);
        fields.forEach(tuning::optField);
    }

    private void put(ExampleFormat.Field field, @Nullable String name) {
        if (name == null) { // picocli resets options before it parses
            fields.remove(field);
        } else {
            fields.put(field, name);
        }
    }
}
