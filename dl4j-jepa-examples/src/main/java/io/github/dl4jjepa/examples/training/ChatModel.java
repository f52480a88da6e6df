package io.github.dl4jjepa.examples.training;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.models.decoder.TransformerDecoder;
import io.github.dl4jjepa.models.generation.GreedyGenerator;
import io.github.dl4jjepa.models.generation.GreedyGenerator.Generation;
import io.github.dl4jjepa.models.huggingface.CheckpointFolder;
import io.github.dl4jjepa.models.huggingface.DecoderLoader;
import io.github.dl4jjepa.models.tokenizer.ChatExampleEncoder;
import io.github.dl4jjepa.models.tokenizer.ChatTemplate;
import io.github.dl4jjepa.models.tokenizer.Tokenizer;
import io.github.dl4jjepa.models.tokenizer.TokenizerFiles;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * A model that answers: decoder, tokenizer and chat template of one folder. Holds native memory;
 * close it.
 */
public final class ChatModel implements AutoCloseable {
    private final Tokenizer tokenizer;
    private final ChatExampleEncoder encoder;
    private final TransformerDecoder decoder;
    private final GreedyGenerator generator;
    private final Set<Integer> stopTokens;

    private ChatModel(CheckpointFolder folder, TemplateSettings template) {
        tokenizer = Tokenizer.open(template.applyTo(TokenizerFiles.read(folder.path())));
        decoder = DecoderLoader.load(folder);
        encoder =
                new ChatExampleEncoder(
                        tokenizer,
                        ChatTemplate.of(tokenizer.files()),
                        decoder.config().maxPositions());
        generator = new GreedyGenerator(decoder);
        stopTokens = new LinkedHashSet<>(folder.endTokenIds());
        stopTokens.add(encoder.endOfTurnId());
    }

    /**
     * Opens a model.
     *
     * @param folderOrName a folder, or a name on the Hugging Face hub; see {@link
     *     CheckpointFolder#of}
     * @throws JepaException if its files are missing or damaged
     */
    public static ChatModel open(String folderOrName) {
        return open(folderOrName, TemplateSettings.DEFAULT);
    }

    /**
     * Opens a model with another chat template.
     *
     * @param folderOrName a folder, or a name on the Hugging Face hub
     * @param template which template is used
     * @throws JepaException if its files are missing or damaged
     */
    public static ChatModel open(String folderOrName, TemplateSettings template) {
        return new ChatModel(CheckpointFolder.of(folderOrName), template);
    }

    /**
     * An answer.
     *
     * @param text the content, without what the chat template writes around it
     * @param tokens how many tokens it has
     * @param stopped whether it ended with an end token; otherwise it reached the largest length
     */
    public record Answer(String text, int tokens, boolean stopped) {}

    /**
     * Answers questions greedily, all at once.
     *
     * @param questions conversations that end with the user's turn
     * @param maxNewTokens the largest number of tokens an answer
     * @throws JepaException if the chat template refuses a question, or it and its answer exceed
     *     the model's positions
     */
    public List<Answer> answer(List<Example> questions, int maxNewTokens) {
        List<int[]> prompts = questions.stream().map(this::encode).toList();
        for (int[] prompt : prompts) {
            int maxPositions = decoder.config().maxPositions();
            if (prompt.length + maxNewTokens > maxPositions) {
                throw new JepaException(
                        "a prompt has "
                                + prompt.length
                                + " tokens; with "
                                + maxNewTokens
                                + " new ones it exceeds the model's "
                                + maxPositions
                                + " positions: shorten it, or lower --max-new-tokens");
            }
        }
        List<Answer> answers = new ArrayList<>();
        List<Generation> generations = generator.generate(prompts, maxNewTokens, stopTokens);
        for (int i = 0; i < prompts.size(); i++) {
            int[] ids = generations.get(i).ids();
            boolean stopped = generations.get(i).stopped();
            String text = encoder.decodeAnswer(prompts.get(i), ids, stopped);
            answers.add(new Answer(text, ids.length, stopped));
        }
        return answers;
    }

    private int[] encode(Example question) {
        try {
            return encoder.encodePrompt(question.messages(), question.arguments());
        } catch (JepaException e) {
            throw new JepaException(question.source() + ": " + e.getMessage(), e);
        }
    }

    @Override
    public void close() {
        generator.close();
        tokenizer.close();
    }
}
