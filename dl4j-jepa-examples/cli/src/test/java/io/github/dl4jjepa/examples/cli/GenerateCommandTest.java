package io.github.dl4jjepa.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.dl4jjepa.examples.training.TinyModel;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GenerateCommandTest {
    @TempDir private Path folder;
    private Path model;

    private final InputStream in = System.in;
    private final PrintStream err = System.err;
    private final ByteArrayOutputStream terminal = new ByteArrayOutputStream();

    @BeforeEach
    void write() throws IOException {
        model = TinyModel.write(folder.resolve("model"));
        System.setErr(new PrintStream(terminal, true, StandardCharsets.UTF_8));
    }

    @AfterEach
    void restore() {
        System.setIn(in);
        System.setErr(err);
    }

    private record Ran(int exit, String out, String err) {
        JsonNode json() throws IOException {
            assertThat(exit).as(err).isZero();
            return new ObjectMapper().readTree(out);
        }
    }

    private Ran run(String command, String... options) {
        StringWriter out = new StringWriter();
        StringWriter errors = new StringWriter();
        List<String> args = new ArrayList<>(List.of(command, "--model", model.toString()));
        args.addAll(List.of(options));
        int exit =
                JepaCommand.run(
                        JepaCommand.commandLine()
                                .setOut(new PrintWriter(out, true))
                                .setErr(new PrintWriter(errors, true)),
                        args.toArray(String[]::new));
        return new Ran(exit, out.toString(), errors.toString());
    }

    @Test
    void answersGreedilyAndSaysSoWhereTheModelAsksForSampling() throws IOException {
        Files.writeString(
                model.resolve("generation_config.json"),
                "{\"do_sample\": true, \"temperature\": 0.6, \"top_p\": 0.9}");

        JsonNode first = run("generate", "--prompt", "lines", "--max-new-tokens", "5").json();
        JsonNode second = run("generate", "--prompt", "lines", "--max-new-tokens", "5").json();

        assertThat(second.path("text")).isEqualTo(first.path("text"));
        assertThat(first.path("tokens").intValue()).isLessThanOrEqualTo(5);
        assertThat(terminal.toString(StandardCharsets.UTF_8))
                .contains("Greedy answer.", "temperature 0.6, top-k 50, top-p 0.9", "--sample");
    }

    @Test
    void drawsByTheSeed() throws IOException {
        List<String> texts = new ArrayList<>();
        for (String seed : new String[] {"1", "1", "2"}) {
            texts.add(
                    run(
                                    "generate",
                                    "--prompt",
                                    "lines",
                                    "--max-new-tokens",
                                    "12",
                                    "--min-new-tokens",
                                    "12",
                                    "--sample",
                                    "--top-k",
                                    "0",
                                    "--seed",
                                    seed)
                            .json()
                            .path("text")
                            .textValue());
        }
        assertThat(texts.get(1)).isEqualTo(texts.get(0));
        assertThat(texts.get(2)).isNotEqualTo(texts.get(0));
    }

    @Test
    void refusesASamplingOptionWithoutSampling() {
        Ran ran = run("generate", "--prompt", "lines", "--temperature", "0.5");
        assertThat(ran.exit()).isEqualTo(2);
        assertThat(ran.err()).contains("--temperature has no effect without --sample");
    }

    @Test
    void namesTheOptionThatIsOutOfItsRange() {
        Ran ran = run("generate", "--prompt", "lines", "--sample", "--top-p", "1.5");
        assertThat(ran.exit()).isEqualTo(2);
        assertThat(ran.err()).contains("--top-p must be above 0 and at most 1, not 1.5");
    }

    @Test
    void aChatKeepsItsHistoryUntilItIsReset() throws IOException {
        System.setIn(
                new ByteArrayInputStream(
                        "one\n/reset\ntwo\n\nthree\n/exit\nfour\n"
                                .getBytes(StandardCharsets.UTF_8)));

        JsonNode messages =
                run("chat", "--max-new-tokens", "3", "--system", "Be brief.")
                        .json()
                        .path("messages");

        assertThat(messages.findValuesAsText("role"))
                .containsExactly("system", "user", "assistant", "user", "assistant");
        assertThat(messages.get(1).path("content").textValue()).isEqualTo("two");
        assertThat(messages.get(3).path("content").textValue()).isEqualTo("three");
    }
}
