package io.github.dl4jjepa.examples.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.internal.IoFailures;
import io.github.dl4jjepa.models.finetuning.FineTuningResult;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Map.Entry;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A run on one page: results, curves, diagnostics, answers and settings. The page needs no other
 * file and loads nothing, so that it can be sent by mail.
 */
public final class RunReport {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** The file in the run's folder. */
    private static final String FILE = "report.html";

    private static final String VALIDATION = "validation_";

    /** What is drawn: a title, and the metrics by the names of the curves. */
    private static final Map<String, Map<String, String>> CHARTS = new LinkedHashMap<>();

    static {
        CHARTS.put(
                "Language-model loss",
                curves("training", "lm_loss", "validation", VALIDATION + "lm_loss"));
        CHARTS.put(
                "JEPA loss",
                curves("training", "jepa_loss", "validation", VALIDATION + "jepa_loss"));
        CHARTS.put("Loss", curves("training", "loss", "validation", VALIDATION + "loss"));
        CHARTS.put(
                "Cosine of text and code",
                curves(
                        "paired",
                        VALIDATION + "paired_cosine",
                        "unpaired",
                        VALIDATION + "unpaired_cosine"));
        CHARTS.put(
                "Retrieval at 1",
                curves(
                        "text",
                        VALIDATION + "text_retrieval_at_1",
                        "code",
                        VALIDATION + "code_retrieval_at_1"));
        CHARTS.put(
                "Norm of the embeddings",
                curves("text", VALIDATION + "text_norm", "code", VALIDATION + "code_norm"));
        CHARTS.put("Learning rate", curves("learning rate", "learning_rate"));
        CHARTS.put("Lambda", curves("lambda", "lambda"));
        CHARTS.put("Gradient norm", curves("before clipping", "grad_norm"));
    }

    private final FineTuningResult result;
    private final List<JsonNode> metrics;
    private final List<JsonNode> generated;
    private final JsonNode settings;
    private final StringBuilder html = new StringBuilder();

    private RunReport(FineTuningResult result) throws IOException {
        this.result = result;
        metrics = lines("metrics.jsonl");
        generated = lines("generated.jsonl");
        settings = JSON.readTree(Files.readString(result.output().resolve("run.json")));
    }

    /**
     * Writes {@code report.html} into the folder of a run that has ended.
     *
     * @param result what the run has returned
     * @return the file
     * @throws JepaException if it cannot be written; the trained model is whole all the same
     */
    public static Path write(FineTuningResult result) {
        Path file = result.output().resolve(FILE);
        try {
            Path written = result.output().resolve(FILE + ".tmp");
            try {
                Files.writeString(written, new RunReport(result).page());
                Files.move(written, file, StandardCopyOption.REPLACE_EXISTING);
            } finally {
                Files.deleteIfExists(written);
            }
            return file;
        } catch (JsonProcessingException e) {
            throw new JepaException(
                    file + ": cannot be written, a file of the run is damaged: " + e.getMessage(),
                    e);
        } catch (IOException e) {
            throw new JepaException(
                    file
                            + ": cannot be written: "
                            + IoFailures.describe(e)
                            + ". The trained model is whole.",
                    e);
        }
    }

    private List<JsonNode> lines(String name) throws IOException {
        Path file = result.output().resolve(name);
        List<JsonNode> nodes = new ArrayList<>();
        if (Files.exists(file)) {
            for (String line : Files.readAllLines(file)) {
                nodes.add(JSON.readTree(line));
            }
        }
        return nodes;
    }

    private static Map<String, String> curves(String... namesAndMetrics) {
        Map<String, String> curves = new LinkedHashMap<>();
        for (int i = 0; i < namesAndMetrics.length; i += 2) {
            curves.put(namesAndMetrics[i], namesAndMetrics[i + 1]);
        }
        return curves;
    }

    private String page() throws IOException {
        String name = Objects.toString(result.output().toAbsolutePath().normalize().getFileName());
        html.append("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
        html.append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
        html.append(
                "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src"
                        + " 'unsafe-inline'\">");
        html.append("<title>").append(Html.escape(name)).append("</title>");
        html.append("<style>\n").append(style()).append("</style></head>\n<body>\n");
        html.append("<h1>").append(Html.escape(name)).append("</h1>\n");
        html.append("<p class=\"soft\">")
                .append(Html.escape(settings.path("model").asText() + ", trained on " + trained()))
                .append("</p>\n");
        if (result.collapse() != null) {
            html.append("<p class=\"warning\">")
                    .append(Html.escape(result.collapse()))
                    .append("</p>\n");
        }
        results();
        charts();
        answers();
        if (result.validationViews() != null) {
            Map<String, String> views = new LinkedHashMap<>();
            result.validationViews().forEach((key, value) -> views.put(words(key), number(value)));
            table("Validation embeddings after the last step", views);
        }
        Map<String, String> flat = new LinkedHashMap<>();
        flatten("", settings, flat);
        table("Settings (run.json)", flat);
        return html.append("</body></html>\n").toString();
    }

    private static String style() throws IOException {
        try (InputStream css = RunReport.class.getResourceAsStream("/report/report.css")) {
            return new String(
                    Objects.requireNonNull(css, "report.css").readAllBytes(),
                    StandardCharsets.UTF_8);
        }
    }

    private String trained() {
        List<String> files = new ArrayList<>();
        settings.path("train")
                .forEach(file -> files.add(file.asText().replaceFirst(".*[/\\\\]", "")));
        return String.join(", ", files);
    }

    private void results() {
        Map<String, String> cards = new LinkedHashMap<>();
        cards.put("steps" + (result.stoppedEarly() ? ", stopped early" : ""), "" + result.steps());
        cards.put("language-model loss", number(result.lmLoss()));
        cards.put("JEPA loss", number(result.jepaLoss()));
        cards.put("validation loss", number(result.validationLoss()));
        cards.put("best step", result.bestStep() == 0 ? "" : "" + result.bestStep());
        cards.put("skipped steps", result.skippedSteps() == 0 ? "" : "" + result.skippedSteps());
        cards.put("tokens", String.format(Locale.ROOT, "%,d", result.tokens()));
        cards.put("operations", String.format(Locale.ROOT, "%.2e", result.flops()));
        cards.put("tokens per second", number(tokensPerSecond()));
        cards.put("peak memory, MB", "" + result.peakMemoryMb());
        html.append("<div class=\"cards\">");
        cards.forEach(
                (name, value) -> {
                    if (!value.isEmpty()) {
                        html.append("<div><b>")
                                .append(Html.escape(value))
                                .append("</b><span class=\"soft\">")
                                .append(Html.escape(name))
                                .append("</span></div>");
                    }
                });
        html.append("</div>\n");
    }

    private @Nullable Double tokensPerSecond() {
        double seconds =
                metrics.stream().mapToDouble(line -> line.path("seconds").asDouble()).sum();
        double tokens = metrics.stream().mapToDouble(line -> line.path("tokens").asDouble()).sum();
        return seconds == 0 ? null : tokens / seconds;
    }

    private void charts() {
        html.append("<h2>Curves</h2>\n<div class=\"charts\">\n");
        CHARTS.forEach((title, curves) -> chart(title, curves, metrics));
        Map<String, String> scores = new LinkedHashMap<>();
        if (!generated.isEmpty()) {
            Iterator<String> names = generated.get(0).fieldNames();
            while (names.hasNext() && scores.size() < 4) {
                String name = names.next();
                if (!List.of("step", "examples", "answers").contains(name)) {
                    scores.put(words(name), name);
                }
            }
        }
        chart("Scores of generated answers", scores, generated);
        html.append("</div>\n");
    }

    /** Draws what of the curves there is. */
    private void chart(String title, Map<String, String> curves, List<JsonNode> lines) {
        List<LineChart.Series> series = new ArrayList<>();
        curves.forEach(
                (name, metric) -> {
                    List<LineChart.Point> points =
                            lines.stream()
                                    .filter(line -> line.path(metric).isNumber())
                                    .map(
                                            line ->
                                                    new LineChart.Point(
                                                            line.path("step").asDouble(),
                                                            line.path(metric).asDouble()))
                                    .toList();
                    if (!points.isEmpty()) {
                        series.add(new LineChart.Series(name, points));
                    }
                });
        if (!series.isEmpty()) {
            html.append(new LineChart(title, series, result.steps()).html()).append('\n');
        }
    }

    private void answers() {
        if (generated.isEmpty()) {
            return;
        }
        JsonNode last = generated.get(generated.size() - 1);
        html.append("<h2>Answers after step ").append(last.path("step").asLong()).append("</h2>\n");
        html.append("<table><tr><th>question</th><th>answer</th><th>expected</th></tr>\n");
        for (JsonNode answer : last.path("answers")) {
            html.append("<tr>");
            Stream.of("question", "answer", "expected")
                    .forEach(
                            key ->
                                    html.append("<td class=\"text\">")
                                            .append(Html.escape(answer.path(key).asText()))
                                            .append("</td>"));
            html.append("</tr>\n");
        }
        html.append("</table>\n");
    }

    private void table(String title, Map<String, String> rows) {
        html.append("<h2>")
                .append(Html.escape(title))
                .append("</h2>\n<div class=\"two\"><table>\n");
        rows.forEach(
                (name, value) ->
                        html.append("<tr><th>")
                                .append(Html.escape(name))
                                .append("</th><td>")
                                .append(Html.escape(value))
                                .append("</td></tr>\n"));
        html.append("</table></div>\n");
    }

    private static void flatten(String path, JsonNode node, Map<String, String> flat) {
        for (Entry<String, JsonNode> entry : node.properties()) {
            JsonNode value = entry.getValue();
            if (value.isObject()) {
                flatten(path + entry.getKey() + ".", value, flat);
            } else if (!value.isNull()) {
                flat.put(
                        path + entry.getKey(),
                        value.isTextual() ? value.asText() : value.toString());
            }
        }
    }

    private static String words(String metric) {
        return metric.replace('_', ' ');
    }

    private static String number(@Nullable Double value) {
        if (value == null || value.isNaN()) {
            return "";
        }
        return String.format(Locale.ROOT, Math.abs(value) < 1000 ? "%.4g" : "%,.0f", value);
    }
}
