package io.github.dl4jjepa.examples.cli;

import io.github.dl4jjepa.core.training.CsvMetricsFile;
import io.github.dl4jjepa.core.training.TensorBoardFile;
import io.github.dl4jjepa.core.training.TrainerListener;
import java.nio.file.Path;
import java.util.Locale;

/** What a run's metrics are written as, besides {@code metrics.jsonl}. */
enum LogFormat {
    /** {@code metrics.csv}. */
    CSV,

    /** Event files in the folder {@code tensorboard}. */
    TENSORBOARD;

    /** Writes into a run's folder. */
    TrainerListener into(Path output) {
        return switch (this) {
            case CSV -> new CsvMetricsFile(output.resolve("metrics.csv"));
            case TENSORBOARD -> new TensorBoardFile(output.resolve("tensorboard"));
        };
    }

    /** The name as the command line has it. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
