package io.github.dl4jjepa.models.chat;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.internal.samediff.Backend;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.Message;
import io.github.dl4jjepa.models.decoder.TransformerDecoder;
import io.github.dl4jjepa.models.generation.GreedyGenerator;
import io.github.dl4jjepa.models.generation.GreedyGenerator.Generation;
import io.github.dl4jjepa.models.huggingface.CheckpointFolder;
import io.github.dl4jjepa.models.huggingface.PretrainedModel;
import io.github.dl4jjepa.models.tokenizer.ChatExampleEncoder;
import io.github.dl4jjepa.models.tokenizer.ChatTemplateOptions;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * A model that answers: decoder, tokenizer and chat template of one folder.
 *
 * <pre>{@code
 * try (ChatModel model = ChatModel.open("finetuned")) {
 *     System.out.println(model.answer("lines that end with a vowel").text());
 * }
 * }</pre>
 *
 * <p>Holds native memory; close it. Not for several threads.
 */
public final class ChatModel implements AutoCloseable {
    /** The most tokens of an answer, unless said otherwise. */
    public static final int DEFAULT_MAX_NEW_TOKENS = 256;

    private final PretrainedModel model;
    private final ChatExampleEncoder encoder;
    private final GreedyGenerator generator;
    private final int maxPositions;
    private final Set<Integer> stopTokens;

    private ChatModel(PretrainedModel model) {
        this.model = model;
        TransformerDecoder decoder = model.loadDecoder();
        maxPositions = decoder.config().maxPositions();
        encoder = model.encoder(maxPositions);
        stopTokens = new LinkedHashSet<>(model.folder().endTokenIds());
        stopTokens.add(encoder.endOfTurnId());
        generator = new GreedyGenerator(decoder);
    }

    /**
     * Opens a model.
     *
     * @param folderOrName a folder, or a name on the Hugging Face hub; see {@link
     *     CheckpointFolder#of}
     * @throws JepaException if its files are missing or damaged
     */
    public static ChatModel open(String folderOrName) {
        return open(folderOrName, ChatTemplateOptions.DEFAULT);
    }

    /**
     * Opens a model with another chat template.
     *
     * @param folderOrName a folder, or a name on the Hugging Face hub
     * @param template which template is used
     * @throws JepaException if its files are missing or damaged
     */
    public static ChatModel open(String folderOrName, ChatTemplateOptions template) {
        Backend.requireUsable();
        PretrainedModel model = PretrainedModel.open(CheckpointFolder.of(folderOrName), template);
        try {
            return new ChatModel(model);
        } catch (RuntimeException e) {
            model.close();
            throw e;
        }
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
     * Answers a question greedily, with at most {@value #DEFAULT_MAX_NEW_TOKENS} tokens, or as many
     * as the model has positions for.
     *
     * @param question what the user says
     * @throws JepaException if the chat template refuses the question, or it exceeds the model's
     *     positions
     */
    public Answer answer(String question) {
        Message user = new Message(Message.USER, question);
        Example example = Example.conversation("the question", List.of(user));
        int[] prompt = encode(example);
        int room = Math.max(1, maxPositions - prompt.length);
        return answerPrompts(List.of(prompt), Math.min(DEFAULT_MAX_NEW_TOKENS, room)).get(0);
    }

    /**
     * Answers questions greedily, all at once.
     *
     * @param questions conversations that end with the user's turn
     * @param maxNewTokens the largest number of tokens an answer
     * @throws JepaException if the chat template refuses a question, or it and its answer exceed
     *     the model's positions
     */
    public List<Answer> answer(List<Example> questions, int maxNewTokens) {
        return answerPrompts(questions.stream().map(this::encode).toList(), maxNewTokens);
    }

    private List<Answer> answerPrompts(List<int[]> prompts, int maxNewTokens) {
        for (int[] prompt : prompts) {
            if (prompt.length + maxNewTokens > maxPositions) {
                throw new JepaException(
                        "a prompt has "
                                + prompt.length
                                + " tokens; with "
                                + maxNewTokens
                                + " new ones it exceeds the model's "
                                + maxPositions
                                + " positions: shorten it, or allow fewer new tokens");
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
        model.close();
    }
}
