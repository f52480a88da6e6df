package io.github.dl4jjepa.models.finetuning;

import java.nio.file.Path;
import java.util.Objects;

/**
 * A file to train on.
 *
 * @param file examples in any {@link io.github.dl4jjepa.core.iterator.ExampleFormat}
 * @param weight how often an epoch has each of its examples; see {@link
 *     io.github.dl4jjepa.core.iterator.WeightedExamples#of}
 */
public record TrainingFile(Path file, double weight) {
    /** The largest weight. */
    public static final double MAX_WEIGHT = 1000;

    public TrainingFile {
        Objects.requireNonNull(file, "file");
        if (!(weight > 0 && weight <= MAX_WEIGHT)) {
            throw new IllegalArgumentException(
                    file + ": the weight must be above 0 and at most 1000, not " + weight);
        }
    }

    /** A file of which an epoch has each example once. */
    public static TrainingFile of(Path file) {
        return new TrainingFile(file, 1);
    }
}
