package io.github.dl4jjepa.models.decoder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.dl4jjepa.models.Fixtures;
import io.github.dl4jjepa.models.decoder.ContinuationScorer.Continuation;
import io.github.dl4jjepa.models.huggingface.CheckpointFolder;
import io.github.dl4jjepa.models.huggingface.DecoderLoader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ContinuationScorerTest {
    /** Made by src/test/python/continuation_goldens.py. */
    private static final Path GOLDENS = Path.of("src/test/resources/generation/continuations.json");

    /** Rounding of float32: the logits are up to 10. */
    private static final double TOLERANCE = 3e-5;

    private static final ObjectMapper JSON = new ObjectMapper();

    private static ContinuationScorer scorer(String family) {
        return new ContinuationScorer(
                DecoderLoader.load(CheckpointFolder.open(Fixtures.model(family))));
    }

    private static List<Continuation> continuations(JsonNode cases) {
        List<Continuation> continuations = new ArrayList<>();
        cases.forEach(
                golden ->
                        continuations.add(
                                new Continuation(
                                        JSON.convertValue(golden.get("prompt"), int[].class),
                                        JSON.convertValue(golden.get("ids"), int[].class))));
        return continuations;
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama", "gpt2", "mistral", "gemma2", "qwen3", "phi3-longrope-partial"})
    void logProbabilitiesAreThoseOfTransformers(String family) throws IOException {
        JsonNode cases = JSON.readTree(GOLDENS.toFile()).get(family);
        try (ContinuationScorer scorer = scorer(family)) {
            List<double[]> ours = scorer.logProbabilities(continuations(cases));
            for (int i = 0; i < cases.size(); i++) {
                assertThat(ours.get(i))
                        .as("continuation %d", i)
                        .containsExactly(
                                JSON.convertValue(
                                        cases.get(i).get("log_probabilities"), double[].class),
                                within(TOLERANCE));
            }
        }
    }

    @Test
    void aContinuationDoesNotDependOnTheOthers() throws IOException {
        List<Continuation> all = continuations(JSON.readTree(GOLDENS.toFile()).get("llama"));
        try (ContinuationScorer scorer = scorer("llama")) {
            List<double[]> together = scorer.logProbabilities(all);
            for (int i = 0; i < all.size(); i++) {
                assertThat(together.get(i))
                        .containsExactly(
                                scorer.logProbabilities(List.of(all.get(i))).get(0),
                                within(TOLERANCE));
            }
        }
    }

    @Test
    void moreTokensThanTheModelHasPositionsForAreRefused() {
        try (ContinuationScorer scorer = scorer("llama")) {
            List<Continuation> tooLong =
                    List.of(new Continuation(new int[] {1, 2, 3}, new int[10_000]));
            assertThatThrownBy(() -> scorer.logProbabilities(tooLong))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("10003 tokens exceed the model's");
        }
    }
}
