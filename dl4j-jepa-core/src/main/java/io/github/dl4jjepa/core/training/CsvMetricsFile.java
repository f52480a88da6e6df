package io.github.dl4jjepa.core.training;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.training.internal.StepLines;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Writes what {@link MetricsFile} writes as a table: a row per optimizer step, the first row with
 * the columns' names. A cell is empty where the step has no such number, or it is not finite.
 *
 * <p>A run that continues from a checkpoint first removes the rows of later steps. Not for use by
 * several threads at once.
 */
public final class CsvMetricsFile implements TrainerListener {
    private static final List<String> COLUMNS =
            Stream.of(
                            Stream.of("step"),
                            StepMetrics.STEP_NAMES.stream(),
                            StepMetrics.validationNames().stream())
                    .flatMap(names -> names)
                    .toList();

    private static final String HEADER = String.join(",", COLUMNS);

    private final Path file;
    private final StepLines lines;

    /**
     * @param file the file to write, {@code metrics.csv} in a run's output folder; the folder must
     *     be there
     */
    public CsvMetricsFile(Path file) {
        this.file = file;
        lines = new StepLines(file);
    }

    /**
     * Keeps the rows up to the state's step.
     *
     * @throws JepaException if the file is not such a table, or cannot be written
     */
    @Override
    public void onStart(long totalSteps, TrainerState state) {
        lines.keep(rows -> rowsUpTo(state.step(), rows));
        if (!Files.exists(file)) {
            lines.append(HEADER);
        }
    }

    private List<String> rowsUpTo(long step, List<String> rows) {
        if (!rows.isEmpty() && !rows.get(0).equals(HEADER)) {
            throw new JepaException(
                    file
                            + ", line 1 does not name the columns of a run's metrics: remove the file");
        }
        List<String> kept = new ArrayList<>(List.of(HEADER));
        for (int i = 1; i < rows.size(); i++) {
            String[] cells = rows.get(i).split(",", -1);
            boolean whole = cells.length == COLUMNS.size() && cells[0].matches("\\d{1,18}");
            if (!whole && i < rows.size() - 1) {
                throw new JepaException(
                        file
                                + ", line "
                                + (i + 1)
                                + " is not the metrics of a step: remove the file");
            }
            if (whole && Long.parseLong(cells[0]) <= step) {
                kept.add(rows.get(i));
            }
        }
        return kept;
    }

    @Override
    public void onStep(StepMetrics metrics) {
        Map<String, Number> values = metrics.values();
        values.put("step", metrics.step());
        lines.append(
                COLUMNS.stream()
                        .map(values::get)
                        .map(value -> isFinite(value) ? value.toString() : "")
                        .collect(Collectors.joining(",")));
    }

    private static boolean isFinite(@Nullable Number value) {
        return value != null && Double.isFinite(value.doubleValue());
    }
}
