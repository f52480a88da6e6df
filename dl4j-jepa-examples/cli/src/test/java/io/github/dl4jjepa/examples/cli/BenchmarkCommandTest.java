package io.github.dl4jjepa.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.dl4jjepa.examples.training.TinyModel;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BenchmarkCommandTest {
    private static final String TINY =
            "--hidden 16 --layers 2 --heads 4 --kv-heads 2 --ffn 24 --vocab 50"
                    + " --batch-size 2 --prompt-tokens 5 --code-tokens 3";

    @TempDir private Path folder;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @Test
    void timesAStep() throws IOException {
        JsonNode result = json("step --json --rounds 1 --steps 2 --threads 1 " + TINY);

        assertThat(result.fieldNames())
                .toIterable()
                .containsExactly(
                        "params",
                        "trained",
                        "plain_ms",
                        "jepa_ms",
                        "forward_ms",
                        "peak_rss_mb",
                        "gflops",
                        "threads",
                        "rounds",
                        "steps");
        int attention = 2 * 16 * 16 + 2 * 8 * 16;
        int block = attention + 3 * 16 * 24 + 2 * 16;
        assertThat(result.get("params").asInt()).isEqualTo(50 * 16 + 2 * block + 16);
        assertThat(result.get("threads").asInt()).isEqualTo(1);
        assertThat(result.get("rounds").asInt()).isEqualTo(1);
        assertThat(result.get("steps").asInt()).isEqualTo(2);
        double plainMs = result.get("plain_ms").asDouble();
        assertThat(result.get("forward_ms").asDouble()).isPositive();
        assertThat(result.get("jepa_ms").asDouble()).isPositive();
        assertThat(result.get("peak_rss_mb").asLong()).isGreaterThan(50);
        // Rows of 8 tokens, 36 pairs of a token and one that it sees, 3 labels.
        double forward = 2.0 * (2 * ((block - 2 * 16) * 8 + 2 * 16 * 36) + 50 * 16 * 3);
        assertThat(result.get("gflops").asDouble() * plainMs * 1e6)
                .isCloseTo(3 * 2 * forward, withinPercentage(1e-6));
    }

    @Test
    void timesGeneration() throws IOException {
        Path model = TinyModel.write(folder.resolve("model"));

        JsonNode result =
                json(
                        "generate --json --rows 1,3 --prompt-tokens 5 --new-tokens 4 --rounds 1 --model "
                                + model);

        assertThat(result.get("prompt_tokens").asInt()).isEqualTo(5);
        assertThat(result.get("rows")).hasSize(2);
        JsonNode three = result.get("rows").get(1);
        assertThat(three.get("rows").asInt()).isEqualTo(3);
        assertThat(
                        three.get("decode_tokens_per_second").asDouble()
                                * three.get("step_ms").asDouble())
                .isCloseTo(3000, withinPercentage(1e-6));
        assertThat(
                        three.get("prefill_tokens_per_second").asDouble()
                                * three.get("prefill_ms").asDouble())
                .isCloseTo(15000, withinPercentage(1e-6));
    }

    @Test
    void takesAllThreadsThereAreUnlessToldOtherwise() throws IOException {
        String fast = "step --json --rounds 1 --steps 1 " + TINY;
        int threads = json(fast).get("threads").asInt();
        assertThat(threads).isPositive();

        assertThat(run(fast + " --threads " + (threads + 1))).isEqualTo(2);
        assertThat(err.toString()).contains("--threads must be 1 to " + threads, "OMP_NUM_THREADS");
        assertThat(json(fast + " --threads " + threads).get("threads").asInt()).isEqualTo(threads);
    }

    @ParameterizedTest
    @CsvSource({
        "step --threads 0, --threads",
        "step --rounds 0, --rounds",
        "step --hidden 20, --heads",
        "step --kv-heads 3, --kv-heads",
        "step --vocab 1, --vocab",
        "step --code-tokens 0, --code-tokens",
        "memory --steps 49, --steps",
        "load, --model",
        "generate --new-tokens 1, --new-tokens",
        "generate --rows 0, --rows"
    })
    void namesTheOptionThatIsWrong(String command, String option) {
        assertThat(run(command)).isEqualTo(2);
        assertThat(out.toString()).isEmpty();
        assertThat(err.toString()).contains(option, "--help");
    }

    @Test
    void tellsTheMemoryOfTheStepsThatWereTaken() throws IOException {
        JsonNode result = json("memory --json --steps 50");

        for (String key : List.of("resident_mb", "java_mb")) {
            JsonNode bySteps = result.get(key);
            assertThat(bySteps.fieldNames()).toIterable().containsExactly("50");
            assertThat(bySteps.get("50").asLong()).isPositive();
        }
        assertThat(result.get("resident_mb").get("50").asLong())
                .isGreaterThan(result.get("java_mb").get("50").asLong());
    }

    @Test
    void timesLayersOfDeeplearning4jNetworks() throws IOException {
        JsonNode result =
                json(
                        "layer --json --rounds 1 --steps 1 --model "
                                + TinyModel.write(folder.resolve("model")));

        assertThat(result.get("step_ms").fieldNames())
                .toIterable()
                .containsExactlyInAnyOrder(
                        "RNN_OUTPUT_LAYER", "JEPA_LOSS_LAYER", "DECODER_VERTEX", "JEPA_TRAINER");
        result.get("step_ms").forEach(time -> assertThat(time.asDouble()).isPositive());
    }

    @Test
    void timesALoad() throws IOException {
        JsonNode result = json("load --json --model " + TinyModel.write(folder.resolve("model")));

        assertThat(result.get("params").asLong()).isPositive();
        assertThat(result.get("touch_seconds").asDouble()).isPositive();
        assertThat(result.get("load_seconds").asDouble()).isPositive();
        assertThat(result.get("peak_over_weights").asDouble()).isNotNegative();
    }

    @Test
    void refusesToLoadAFolderThatIsNotThere() {
        assertThat(run("load --model " + folder.resolve("none"))).isEqualTo(1);
        assertThat(err.toString()).contains("no such folder");
    }

    private JsonNode json(String command) throws IOException {
        assertThat(run(command)).as(err.toString()).isZero();
        assertThat(err.toString()).isEmpty();
        return new ObjectMapper().readTree(out.toString());
    }

    private int run(String command) {
        out.getBuffer().setLength(0);
        err.getBuffer().setLength(0);
        List<String> args = new ArrayList<>(List.of("benchmark"));
        args.addAll(Arrays.asList(command.split(" ")));
        return JepaCommand.run(
                JepaCommand.commandLine()
                        .setOut(new PrintWriter(out, true))
                        .setErr(new PrintWriter(err, true)),
                args.toArray(String[]::new));
    }
}
