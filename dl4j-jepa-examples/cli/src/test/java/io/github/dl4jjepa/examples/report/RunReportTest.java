package io.github.dl4jjepa.examples.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.models.finetuning.FineTuningResult;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunReportTest {
    private static final String MARKUP = "<script>alert(\"x\")</script> & 'y'";
    private static final String ESCAPED =
            "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; &#39;y&#39;";

    @TempDir private Path temporary;
    private Path folder;

    @BeforeEach
    void writeRun() throws IOException {
        folder = Files.createDirectory(temporary.resolve("run <b> & co"));
        Files.writeString(
                folder.resolve("run.json"),
                """
                {"model": "small", "train": ["data/pairs.jsonl"], "note": MARKUP,
                 "training": {"epochs": 4, "early_stopping_patience": null}}
                """
                        .replace("MARKUP", json(MARKUP)));
        Files.writeString(
                folder.resolve("metrics.jsonl"),
                """
                {"step":1,"lm_loss":3.0,"jepa_loss":null,"learning_rate":2.0E-5,"tokens":50,"seconds":1}
                {"step":2,"lm_loss":null,"jepa_loss":null,"learning_rate":1.0E-5,"tokens":50,"seconds":1,\
                "skipped":true}
                {"step":3,"lm_loss":2.0,"jepa_loss":null,"learning_rate":0.0,"tokens":50,"seconds":3,\
                "validation_lm_loss":2.5}
                """);
        Files.writeString(
                folder.resolve("generated.jsonl"),
                """
                {"step":3,"examples":1,"exact_match":0.5,"answers":[\
                {"question":MARKUP,"answer":"a\\u0000\\nb","expected":"c"}]}
                """
                        .replace("MARKUP", json(MARKUP)));
    }

    private static String json(String text) {
        return '"' + text.replace("\"", "\\\"") + '"';
    }

    private FineTuningResult result() {
        return new FineTuningResult(
                folder,
                3,
                2.0,
                null,
                2.0,
                2.5,
                null,
                2.5,
                Map.of("paired_cosine", 0.25),
                MARKUP,
                3,
                false,
                1,
                1_234_567,
                0.1,
                1.5e9,
                5,
                400);
    }

    private String report() throws IOException {
        return Files.readString(RunReport.write(result()));
    }

    @Test
    void showsWhatItFindsInTheFolder() throws IOException {
        assertThat(report())
                .contains(
                        "<title>run &lt;b&gt; &amp; co</title>",
                        "small, trained on pairs.jsonl",
                        "<b>1,234,567</b><span class=\"soft\">tokens</span>",
                        "<b>1</b><span class=\"soft\">skipped steps</span>",
                        "<b>30.00</b><span class=\"soft\">tokens per second</span>",
                        "<th>paired cosine</th><td>0.2500</td>",
                        "<th>training.epochs</th><td>4</td>",
                        "Answers after step 3")
                .doesNotContain("early_stopping_patience");
    }

    @Test
    void drawsACurveOfEachMetricThatTheRunHas() throws IOException {
        assertThat(report())
                .contains(
                        "<title>Language-model loss</title>",
                        "<title>Learning rate</title>",
                        "<title>Scores of generated answers</title>")
                .doesNotContain("<title>JEPA loss</title>", "<title>Retrieval at 1</title>");
    }

    @Test
    void textOfTheUserIsNoMarkup() throws IOException {
        assertThat(report()).doesNotContain("<script", "<b> & co", "\u0000").contains(ESCAPED);
    }

    @Test
    void loadsNothing() throws IOException {
        assertThat(report())
                .doesNotContain("http:", "https:", "src=", "href=", "url(", "@import")
                .contains("default-src 'none'");
    }

    @Test
    void namesADamagedFileOfTheRun() throws IOException {
        Files.writeString(folder.resolve("metrics.jsonl"), "{\"step\":");

        assertThatThrownBy(() -> RunReport.write(result()))
                .isInstanceOf(JepaException.class)
                .hasMessageContaining(
                        "report.html: cannot be written, a file of the run is damaged");
        assertThat(folder.resolve("report.html")).doesNotExist();
    }
}
