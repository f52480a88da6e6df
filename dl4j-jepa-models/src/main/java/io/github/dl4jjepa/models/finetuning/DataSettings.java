package io.github.dl4jjepa.models.finetuning;

import io.github.dl4jjepa.core.iterator.ExampleFile;
import io.github.dl4jjepa.core.iterator.ExampleFormat;
import io.github.dl4jjepa.models.tokenizer.EncoderOptions;
import java.nio.file.Path;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How the data files are read, and what of them is learned.
 *
 * @param format the format of all files; null where each file's beginning says it
 * @param fields the keys or columns by what they hold
 * @param weights how often an epoch has each example, for each file to train on
 * @param trainOn which turns of a conversation are learned
 * @param truncate whether rows that are too long are cut
 */
record DataSettings(
        @Nullable ExampleFormat format,
        Map<ExampleFormat.Field, String> fields,
        List<Double> weights,
        EncoderOptions.TrainedTurns trainOn,
        boolean truncate) {
    /** The settings of one file, as runs of earlier versions had them. */
    static final DataSettings DEFAULT =
            new DataSettings(
                    null,
                    Map.of(),
                    List.of(1.0),
                    EncoderOptions.TrainedTurns.LAST_ASSISTANT,
                    false);

    DataSettings {
        // All of them, so that a run is not resumed without a name that it was begun with.
        Map<ExampleFormat.Field, String> all = new EnumMap<>(ExampleFormat.Field.class);
        for (ExampleFormat.Field field : ExampleFormat.Field.values()) {
            all.put(field, fields.getOrDefault(field, field.toString()));
        }
        fields = Collections.unmodifiableMap(all);
        weights = List.copyOf(weights);
    }

    DataSettings withFormat(@Nullable ExampleFormat other) {
        return new DataSettings(other, fields, weights, trainOn, truncate);
    }

    DataSettings withField(ExampleFormat.Field field, String name) {
        Map<ExampleFormat.Field, String> renamed = new EnumMap<>(ExampleFormat.Field.class);
        renamed.putAll(fields);
        renamed.put(field, name);
        return new DataSettings(format, renamed, weights, trainOn, truncate);
    }

    DataSettings withWeights(List<Double> others) {
        return new DataSettings(format, fields, others, trainOn, truncate);
    }

    DataSettings withTrainOn(EncoderOptions.TrainedTurns turns) {
        return new DataSettings(format, fields, weights, turns, truncate);
    }

    DataSettings withTruncate(boolean cut) {
        return new DataSettings(format, fields, weights, trainOn, cut);
    }

    ExampleFile open(Path file) {
        return new ExampleFile(file, format, fields);
    }

    EncoderOptions encoderOptions(int maxLength) {
        return new EncoderOptions(maxLength, trainOn, truncate);
    }
}
