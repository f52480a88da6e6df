package io.github.dl4jjepa.examples.cli;

import de.siegmar.fastcsv.writer.CsvWriter;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.models.finetuning.SweepResult;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A sweep as a table: a row for each arm, best first, and one for each run. */
final class SweepTable {
    private final SweepResult sweep;
    private final List<String> settings;

    SweepTable(SweepResult sweep) {
        this.sweep = sweep;
        Set<String> names = new LinkedHashSet<>();
        sweep.arms().forEach(arm -> names.addAll(arm.settings().keySet()));
        settings = List.copyOf(names);
    }

    /** The table as it is shown on a terminal, with what must be known to read it. */
    String text() {
        List<List<String>> rows = new ArrayList<>();
        List<String> header = new ArrayList<>(settings);
        header.addAll(List.of(sweep.metric(), "+-", "vs. plain", "p", "p (Holm)", ""));
        rows.add(header);
        for (SweepResult.Arm arm : sweep.arms()) {
            List<String> row = new ArrayList<>();
            settings.forEach(name -> row.add(text(arm.settings().get(name))));
            SweepResult.Comparison plain = arm.versusPlain();
            row.add(number("%.4f", arm.mean(sweep.metric())));
            row.add(number("%.4f", arm.deviation(sweep.metric())));
            row.add(plain == null ? "" : format("%+.4f", plain.difference()));
            row.add(plain == null ? "" : format("%.3f", plain.p()));
            row.add(plain == null ? "" : format("%.3f", plain.adjustedP()));
            row.add(
                    arm.name().equals(sweep.winner().name())
                            ? "best"
                            : arm.succeeded() ? "" : "failed");
            rows.add(row);
        }
        StringBuilder text = new StringBuilder();
        for (List<String> row : rows) {
            StringBuilder line = new StringBuilder();
            for (int column = 0; column < row.size(); column++) {
                int at = column;
                int width = rows.stream().mapToInt(other -> other.get(at).length()).max().orElse(0);
                line.append(" ".repeat(width - row.get(column).length()))
                        .append(row.get(column))
                        .append("  ");
            }
            text.append(line.toString().stripTrailing()).append(System.lineSeparator());
        }
        int seeds = sweep.winner().runs().size();
        text.append(
                format(
                        "%s of the validation data after the last step, %s is better; the mean of %d"
                                + " %s%s.%n",
                        sweep.metric(),
                        sweep.largerIsBetter() ? "more" : "less",
                        seeds,
                        seeds == 1 ? "seed" : "seeds",
                        seeds == 1 ? "" : " and the standard deviation"));
        if (sweep.comparisons() > 0) {
            text.append(
                    format(
                            "p: paired t-test over the seeds, two-sided; Holm: for %d %s.%n",
                            sweep.comparisons(),
                            sweep.comparisons() == 1 ? "comparison" : "comparisons"));
        }
        for (SweepResult.Arm arm : sweep.arms()) {
            for (SweepResult.Run run : arm.runs()) {
                if (run.failure() != null) {
                    text.append(
                            format(
                                    "%s failed: %s%n  Delete %s to run it again.%n",
                                    run.name(), run.failure(), run.output()));
                }
            }
        }
        return text.toString();
    }

    /** Writes {@code sweep.csv} and {@code runs.csv}. */
    void write(Path folder) {
        List<List<String>> arms = new ArrayList<>();
        List<String> header = new ArrayList<>(settings);
        header.addAll(
                List.of("runs", "failed", sweep.metric(), "deviation", "plain", "difference"));
        header.addAll(List.of("p", "p_holm", "comparisons"));
        arms.add(header);
        Set<String> metrics = new LinkedHashSet<>();
        for (SweepResult.Arm arm : sweep.arms()) {
            List<String> row = new ArrayList<>();
            settings.forEach(name -> row.add(text(arm.settings().get(name))));
            row.add(text(arm.runs().size()));
            row.add(text(arm.runs().stream().filter(run -> run.failure() != null).count()));
            row.add(number("%s", arm.mean(sweep.metric())));
            row.add(number("%s", arm.deviation(sweep.metric())));
            SweepResult.Comparison plain = arm.versusPlain();
            row.add(plain == null ? "" : plain.plain());
            row.add(plain == null ? "" : text(plain.difference()));
            row.add(plain == null ? "" : text(plain.p()));
            row.add(plain == null ? "" : text(plain.adjustedP()));
            row.add(plain == null ? "" : text(sweep.comparisons()));
            arms.add(row);
            arm.runs().forEach(run -> metrics.addAll(run.metrics().keySet()));
        }
        List<List<String>> runs = new ArrayList<>();
        List<String> runHeader = new ArrayList<>(settings);
        runHeader.addAll(List.of("seed", "folder", "seconds", "failure"));
        runHeader.addAll(metrics);
        runs.add(runHeader);
        for (SweepResult.Arm arm : sweep.arms()) {
            for (SweepResult.Run run : arm.runs()) {
                List<String> row = new ArrayList<>();
                settings.forEach(name -> row.add(text(arm.settings().get(name))));
                row.add(text(run.seed()));
                row.add(run.output().toString());
                row.add(text(run.seconds()));
                row.add(text(run.failure()));
                metrics.forEach(name -> row.add(text(run.metrics().get(name))));
                runs.add(row);
            }
        }
        write(folder.resolve("sweep.csv"), arms);
        write(folder.resolve("runs.csv"), runs);
    }

    private static void write(Path file, List<List<String>> rows) {
        try (CsvWriter csv = CsvWriter.builder().build(file)) {
            rows.forEach(csv::writeRecord);
        } catch (IOException e) {
            throw new JepaException(file + ": cannot be written: " + e, e);
        }
    }

    private static String number(String format, OptionalDouble value) {
        return value.isPresent() ? format(format, value.getAsDouble()) : "";
    }

    private static String text(@Nullable Object value) {
        return value == null ? "" : value.toString();
    }

    private static String format(String format, Object... values) {
        return String.format(Locale.ROOT, format, values);
    }
}
