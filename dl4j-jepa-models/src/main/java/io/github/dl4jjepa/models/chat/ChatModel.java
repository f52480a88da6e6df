package io.github.dl4jjepa.models.chat;

import com.google.errorprone.annotations.MustBeClosed;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.internal.samediff.Backend;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.Message;
import io.github.dl4jjepa.core.view.TokenSpan;
import io.github.dl4jjepa.core.view.TokenizedExample;
import io.github.dl4jjepa.models.decoder.ContinuationScorer;
import io.github.dl4jjepa.models.decoder.ContinuationScorer.Continuation;
import io.github.dl4jjepa.models.decoder.TransformerDecoder;
import io.github.dl4jjepa.models.generation.Generation;
import io.github.dl4jjepa.models.generation.GenerationOptions;
import io.github.dl4jjepa.models.generation.Generator;
import io.github.dl4jjepa.models.generation.TokenListener;
import io.github.dl4jjepa.models.huggingface.CheckpointFolder;
import io.github.dl4jjepa.models.huggingface.PretrainedModel;
import io.github.dl4jjepa.models.tokenizer.ChatExampleEncoder;
import io.github.dl4jjepa.models.tokenizer.ChatTemplate;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

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
    private final PretrainedModel model;
    private final boolean ownsModel;
    private final ChatExampleEncoder encoder;
    private final Generator generator;
    private final TransformerDecoder decoder;
    private final int maxPositions;
    private @Nullable ContinuationScorer scorer;
    private final GenerationOptions defaults;

    private ChatModel(PretrainedModel model, TransformerDecoder decoder, boolean ownsModel) {
        this.model = model;
        this.decoder = decoder;
        this.ownsModel = ownsModel;
        maxPositions = decoder.config().maxPositions();
        encoder = model.encoder(maxPositions);
        Set<Integer> endTokens = new LinkedHashSet<>(model.folder().endTokenIds());
        endTokens.add(encoder.endOfTurnId());
        defaults = GenerationConfigJson.read(model.folder()).optEndTokenIds(endTokens).build();
        generator = new Generator(decoder, ids -> model.tokenizer().decode(ids, true));
    }

    /**
     * Opens a model.
     *
     * @param folderOrName a folder, or a name on the Hugging Face hub; see {@link
     *     CheckpointFolder#of}
     * @throws JepaException if its files are missing or damaged
     */
    @MustBeClosed
    public static ChatModel open(String folderOrName) {
        return open(folderOrName, ChatTemplate.Options.DEFAULT);
    }

    /**
     * Opens a model with another chat template.
     *
     * @param folderOrName a folder, or a name on the Hugging Face hub
     * @param template which template is used
     * @throws JepaException if its files are missing or damaged
     */
    @MustBeClosed
    public static ChatModel open(String folderOrName, ChatTemplate.Options template) {
        return open(CheckpointFolder.of(folderOrName), template);
    }

    /**
     * Opens a model, such as an adapter with a base of its own.
     *
     * @param folder the model
     * @param template which template is used
     * @throws JepaException if its files are missing or damaged
     */
    @MustBeClosed
    @SuppressWarnings("MustBeClosed") // closed with the ChatModel
    public static ChatModel open(CheckpointFolder folder, ChatTemplate.Options template) {
        Backend.requireUsable();
        PretrainedModel model = PretrainedModel.open(folder, template);
        try {
            model.encoder(1); // refuses a model without a chat template before the weights are read
            return new ChatModel(model, model.loadDecoder(), true);
        } catch (RuntimeException e) {
            model.close();
            throw e;
        }
    }

    /**
     * A model that answers with a decoder's current weights, such as those under training.
     *
     * @param model tokenizer and chat template, which stay open
     * @param decoder the decoder
     */
    @MustBeClosed
    public static ChatModel of(PretrainedModel model, TransformerDecoder decoder) {
        return new ChatModel(model, decoder, false);
    }

    /**
     * An answer.
     *
     * @param text the content, without what the chat template writes around it, and without a stop
     *     string and what follows it
     * @param tokens how many tokens it has
     * @param finishReason why it ended
     */
    public record Answer(String text, int tokens, Generation.FinishReason finishReason) {
        /** Whether it ended by itself; otherwise it reached the largest length. */
        public boolean stopped() {
            return finishReason != Generation.FinishReason.LENGTH;
        }
    }

    /** The checkpoint. */
    public CheckpointFolder folder() {
        return model.folder();
    }

    /** The largest number of tokens of a prompt and its answer together. */
    public int maxPositions() {
        return maxPositions;
    }

    /**
     * The options that the model's {@code generation_config.json} asks for, with its end tokens and
     * the chat template's end of turn. Those left open there have the defaults of {@link
     * GenerationOptions}.
     */
    public GenerationOptions generationDefaults() {
        return defaults;
    }

    /**
     * Answers a question greedily, with as many tokens as {@link #generationDefaults} allows, or as
     * the model has positions for.
     *
     * @param question what the user says
     * @throws JepaException if the chat template refuses the question, or it exceeds the model's
     *     positions
     */
    public Answer answer(String question) {
        Message user = new Message(Message.USER, question);
        GenerationOptions greedy = defaults.toBuilder().optSampled(false).build();
        return answer(Example.conversation("the question", List.of(user)), greedy, text -> {});
    }

    /**
     * Answers one question and hands on its text as it is written.
     *
     * @param question a conversation that ends with the user's turn
     * @param options how the answer is generated, with as many new tokens as the model has
     *     positions for; begin with {@link #generationDefaults}, which knows the end tokens
     * @param listener is given the pieces of the text, in the calling thread
     * @throws JepaException if the chat template refuses the question, or it exceeds the model's
     *     positions
     */
    public Answer answer(Example question, GenerationOptions options, Consumer<String> listener) {
        int[] prompt = encodePrompt(question, 1);
        int room = Math.max(1, maxPositions - prompt.length);
        int most = Math.min(options.maxNewTokens(), room);
        GenerationOptions fitting =
                options.toBuilder()
                        .optMaxNewTokens(most)
                        .optMinNewTokens(Math.min(options.minNewTokens(), most))
                        .build();
        TextPieces pieces = new TextPieces(options.stopStrings(), listener);
        Answer answer =
                answerPrompts(
                                List.of(prompt),
                                fitting,
                                (row, ids) ->
                                        pieces.accept(encoder.decodeAnswer(prompt, ids, false)))
                        .get(0);
        pieces.finish(answer.text());
        return answer;
    }

    /**
     * Answers questions greedily, several at once.
     *
     * @param questions conversations that end with the user's turn
     * @param maxNewTokens the largest number of tokens an answer
     * @throws JepaException if the chat template refuses a question, or it and its answer exceed
     *     the model's positions
     */
    public List<Answer> answer(List<Example> questions, int maxNewTokens) {
        return answer(
                questions,
                defaults.toBuilder().optSampled(false).optMaxNewTokens(maxNewTokens).build());
    }

    /**
     * Answers questions, several at once.
     *
     * @param questions conversations that end with the user's turn
     * @param options how the answers are generated; begin with {@link #generationDefaults}, which
     *     knows the end tokens
     * @throws JepaException if the chat template refuses a question, or it and its answer exceed
     *     the model's positions
     */
    public List<Answer> answer(List<Example> questions, GenerationOptions options) {
        return answerPrompts(
                questions.stream()
                        .map(question -> encodePrompt(question, options.maxNewTokens()))
                        .toList(),
                options,
                (prompt, ids) -> {});
    }

    /**
     * The tokens that generation begins with: the whole conversation, never cut, and what the
     * template writes before the assistant speaks.
     *
     * @param question a conversation that ends with the user's turn
     * @param maxNewTokens how many tokens are to follow
     * @throws JepaException if the chat template refuses the question, or it and its answer exceed
     *     the model's positions
     */
    public int[] encodePrompt(Example question, int maxNewTokens) {
        int[] prompt = encode(question);
        if (prompt.length + maxNewTokens > maxPositions) {
            throw new JepaException(
                    question.source()
                            + ": the prompt has "
                            + prompt.length
                            + " tokens; with "
                            + maxNewTokens
                            + " new ones it exceeds the model's "
                            + maxPositions
                            + " positions: shorten it, or allow fewer new tokens");
        }
        return prompt;
    }

    /**
     * Computes how probable answers are.
     *
     * @param answered conversations that end with the assistant's turn, whose likelihood is
     *     computed given the turns before it; those with the same turns before it are cheap
     * @return one likelihood a conversation, in their order
     * @throws JepaException if the chat template refuses a conversation, or it exceeds the model's
     *     positions
     */
    public List<Likelihood> likelihoods(List<Example> answered) {
        if (answered.isEmpty()) {
            return List.of();
        }
        if (scorer == null) {
            scorer = new ContinuationScorer(decoder);
        }
        List<Continuation> continuations = answered.stream().map(this::continuation).toList();
        return scorer.logProbabilities(continuations).stream()
                .map(
                        values ->
                                new Likelihood(
                                        Arrays.stream(values, 0, values.length - 1).sum(),
                                        values.length - 1,
                                        values[values.length - 1]))
                .toList();
    }

    /**
     * Checks that {@link #likelihoods} can be computed.
     *
     * @throws JepaException if the chat template refuses a conversation, or it exceeds the model's
     *     positions
     */
    public void checkLikelihoods(List<Example> answered) {
        answered.forEach(this::continuation);
    }

    private Continuation continuation(Example answered) {
        TokenizedExample tokens = encoder.encode(answered);
        TokenSpan answer = tokens.labels().get(tokens.labels().size() - 1);
        int start = answer.start();
        return new Continuation(
                Arrays.copyOf(tokens.ids(), start),
                Arrays.copyOfRange(tokens.ids(), start, answer.end()));
    }

    private List<Answer> answerPrompts(
            List<int[]> prompts, GenerationOptions options, TokenListener listener) {
        List<Answer> answers = new ArrayList<>();
        List<Generation> generations = generator.generate(prompts, options, listener);
        for (int i = 0; i < prompts.size(); i++) {
            int[] ids = generations.get(i).ids();
            Generation.FinishReason reason = generations.get(i).finishReason();
            boolean ended = reason == Generation.FinishReason.END_TOKEN;
            String text = encoder.decodeAnswer(prompts.get(i), ids, ended);
            answers.add(
                    new Answer(TextPieces.cut(text, options.stopStrings()), ids.length, reason));
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
        if (scorer != null) {
            scorer.close();
        }
        if (ownsModel) {
            model.close();
        }
    }

    /**
     * How probable an answer is.
     *
     * @param logProbability the sum of the log-probabilities of its tokens, in nats, without the
     *     end of the turn
     * @param tokens how many tokens these are
     * @param endLogProbability the log-probability of the end of the turn after it
     */
    public record Likelihood(double logProbability, int tokens, double endLogProbability)
            implements Serializable {
        /** The mean log-probability of a token. */
        public double perToken() {
            return logProbability / tokens;
        }
    }
}
