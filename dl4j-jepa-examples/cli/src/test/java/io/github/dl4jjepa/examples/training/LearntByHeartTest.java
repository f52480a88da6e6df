package io.github.dl4jjepa.examples.training;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.dl4jjepa.core.iterator.JsonLinesReader;
import io.github.dl4jjepa.core.objective.JepaObjective;
import io.github.dl4jjepa.core.training.TrainingOptions;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.models.chat.ChatModel;
import io.github.dl4jjepa.models.chat.ChatModel.Answer;
import io.github.dl4jjepa.models.finetuning.FineTuning;
import io.github.dl4jjepa.models.tokenizer.ChatTemplate;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A model that has learnt pairs by heart answers them, and stops, whatever its template writes. */
class LearntByHeartTest {
    private static final String CHATML =
            "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}"
                    + "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}"
                    + "{% endif %}";

    @TempDir private Path folder;

    @ParameterizedTest
    @CsvSource({
        "chatml, 0",
        "chatml, 1",
        "think block in trained turns only, 0",
        "blanks around the answer, 0",
        "answer that merges with the prompt, 0",
        "think block in prompts unless it is switched off, 0"
    })
    void answersWhatItHasLearntAndStops(String kind, double lambda) throws IOException {
        String template =
                switch (kind) {
                    case "think block in trained turns only" ->
                            CHATML.replace(
                                    "m.content",
                                    "('<think>\n\n</think>\n\n' if m.role == 'assistant' else '')"
                                            + " + m.content");
                    case "blanks around the answer" ->
                            "{% for m in messages %}{{ ' ' + m.content + ' <|im_end|>' if m.role =="
                                    + " 'assistant' else '[INST] ' + m.content + ' [/INST]' }}{% endfor %}";
                    case "answer that merges with the prompt" ->
                            "{% for m in messages %}{{ m.content + '<|im_end|>' if m.role =="
                                    + " 'assistant' else m.content + '.' }}{% endfor %}";
                    case "think block in prompts unless it is switched off" ->
                            CHATML.replace(
                                    "assistant\n'",
                                    "assistant\n' + ('' if enable_thinking is false else '<think>\n')");
                    default -> CHATML;
                };
        Path bare = folder.resolve("model-bare");
        TinyModel.write(folder.resolve("model"));
        ObjectMapper json = new ObjectMapper();
        Path tokenizerConfig = bare.resolve("tokenizer_config.json");
        ObjectNode config = (ObjectNode) json.readTree(tokenizerConfig.toFile());
        json.writeValue(tokenizerConfig.toFile(), config.without("chat_template"));
        Files.writeString(bare.resolve("chat_template.jinja"), template);
        ObjectNode decoder = (ObjectNode) json.readTree(bare.resolve("config.json").toFile());
        decoder.put("hidden_size", 48).put("head_dim", 12).put("num_attention_heads", 4);
        decoder.put("intermediate_size", 96).put("num_hidden_layers", 2);
        json.writeValue(bare.resolve("config.json").toFile(), decoder);
        Path pairs = TinyModel.writePairs(folder.resolve("pairs.jsonl"), 8);
        ChatTemplate.Options variables =
                kind.contains("switched off")
                        ? new ChatTemplate.Options(null, "{\"enable_thinking\": false}")
                        : ChatTemplate.Options.DEFAULT;
        Path output = folder.resolve("output");
        FineTuning.of(bare.toString())
                .setTrain(pairs)
                .setOutput(output)
                .optConfig(bare.resolve("config.json"))
                .optChatTemplate(variables)
                .optObjective(JepaObjective.cosine(lambda))
                .optBatchSize(8)
                .optMaxLength(120)
                .optSeed(7)
                .optTraining(
                        TrainingOptions.builder()
                                .optMaxSteps(150)
                                .optLearningRate(5e-3)
                                .optWarmupSteps(10)
                                .optCheckpointEvery(150)
                                .build())
                .build()
                .run();

        List<Example> examples = new JsonLinesReader(pairs).readAll();
        try (ChatModel model = ChatModel.open(output.toString())) {
            List<Answer> answers =
                    model.answer(examples.stream().map(Example::withoutAnswer).toList(), 40);
            assertThat(answers).allMatch(Answer::stopped);
            assertThat(answers.stream().map(Answer::text))
                    .containsExactlyElementsOf(
                            examples.stream()
                                    .map(e -> e.messages().get(e.messages().size() - 1).content())
                                    .toList());
        }
    }
}
