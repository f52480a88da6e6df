package io.github.dl4jjepa.models.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.dl4jjepa.core.iterator.MultiViewBatch;
import io.github.dl4jjepa.core.objective.JepaObjective;
import io.github.dl4jjepa.core.objective.TrainingGraph;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.LanguageModelLayout;
import io.github.dl4jjepa.core.view.TokenizedExample;
import io.github.dl4jjepa.models.decoder.CachedDecoder;
import io.github.dl4jjepa.models.decoder.TransformerDecoder;
import io.github.dl4jjepa.models.generation.GenerationOptions;
import io.github.dl4jjepa.models.generation.Generator;
import io.github.dl4jjepa.models.huggingface.CheckpointFolder;
import io.github.dl4jjepa.models.huggingface.DecoderLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.factory.Nd4j;

/** A real pretrained chat model, from text to logits, loss and answer, against transformers. */
class SmolLm2GoldensTest {
    private static final double LOGIT_TOLERANCE = 2e-4;

    @Test
    void agreesWithTransformersFromTextToAnswer() {
        Path folder = Fixtures.smolLm2();
        JsonNode golden = Fixtures.json(Fixtures.shared("fixtures/smollm2/golden.json"));
        TransformerDecoder decoder = DecoderLoader.load(CheckpointFolder.open(folder));
        try (ModelTokenizer tokenizer = ModelTokenizer.open(folder)) {
            ChatExampleEncoder encoder =
                    new ChatExampleEncoder(tokenizer, ChatTemplate.of(tokenizer.files()), 512);
            List<int[]> prompts = new ArrayList<>();
            for (JsonNode prompt : golden.path("prompts")) {
                int[] ids = encoder.encodePrompt(Fixtures.messages(prompt.path("messages")));
                assertThat(ids).containsExactly(Fixtures.ints(prompt.path("ids")));
                prompts.add(ids);
            }
            assertLogits(decoder, prompts, golden.path("prompts"));
            assertGreedyTokens(decoder, prompts, golden.path("prompts"));
            assertLoss(decoder, encoder, golden.path("loss"));
        }
    }

    private static void assertLogits(
            TransformerDecoder decoder, List<int[]> prompts, JsonNode expected) {
        try (CachedDecoder reader = new CachedDecoder(decoder, prompts.size(), 512)) {
            reader.read(0, prompts);
            for (int row = 0; row < prompts.size(); row++) {
                JsonNode golden = expected.get(row);
                float[] logits = reader.logits(row);
                for (int i = 0; i < 5; i++) {
                    int id = golden.path("top5_ids").get(i).intValue();
                    assertThat((double) logits[id])
                            .isCloseTo(
                                    golden.path("top5_logits").get(i).doubleValue(),
                                    within(LOGIT_TOLERANCE));
                }
                double norm = golden.path("logits_norm").doubleValue();
                assertThat(Nd4j.createFromArray(logits).norm2Number().doubleValue() / norm)
                        .isCloseTo(1, within(1e-5));
            }
        }
    }

    private static void assertGreedyTokens(
            TransformerDecoder decoder, List<int[]> prompts, JsonNode expected) {
        try (Generator generator = new Generator(decoder)) {
            var generations =
                    generator.generate(
                            prompts, GenerationOptions.builder().optMaxNewTokens(32).build());
            for (int row = 0; row < prompts.size(); row++) {
                assertThat(generations.get(row).ids())
                        .containsExactly(Fixtures.ints(expected.get(row).path("greedy_ids")));
            }
        }
    }

    private static void assertLoss(
            TransformerDecoder decoder, ChatExampleEncoder encoder, JsonNode expected) {
        TokenizedExample example =
                encoder.encode(
                        Example.conversation(
                                "golden", Fixtures.messages(expected.path("messages"))));
        assertThat(example.ids()).containsExactly(Fixtures.ints(expected.path("ids")));
        assertThat(example.labels().start()).isEqualTo(expected.path("first_label").intValue());
        assertThat(example.labels().end()).isEqualTo(expected.path("end_label").intValue());
        MultiViewBatch batch =
                MultiViewBatch.of(List.of(example), new LanguageModelLayout(), encoder.padId());
        try (TrainingGraph graph = new TrainingGraph(decoder, JepaObjective.cosine(0))) {
            assertThat(graph.evaluate(batch).languageModel())
                    .isCloseTo(expected.path("mean_loss_labelled").doubleValue(), within(3e-5));
        }
    }
}
