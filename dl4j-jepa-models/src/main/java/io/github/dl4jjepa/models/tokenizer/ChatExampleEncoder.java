package io.github.dl4jjepa.models.tokenizer;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.ExampleEncoder;
import io.github.dl4jjepa.core.view.Message;
import io.github.dl4jjepa.core.view.TokenSpan;
import io.github.dl4jjepa.core.view.TokenizedExample;
import io.github.dl4jjepa.core.view.TokenizedView;
import io.github.dl4jjepa.models.tokenizer.AnswerForm.End;
import io.github.dl4jjepa.models.tokenizer.ChatTemplate.TextSpan;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Map.Entry;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Encodes conversations with a model's tokenizer and chat template.
 *
 * <p>A document, which has no conversation, is encoded by a {@link PlainTextEncoder}.
 *
 * <p>The row is the rendered conversation. It begins with exactly the tokens that generation feeds,
 * {@link #encodePrompt(List, Map)}; the labels are all that follows them up to the token that ends
 * the turn, at which generation stops. Where the tokenizer would merge the answer's beginning with
 * the prompt's end, the two are tokenized one after the other, as generation does. An example whose
 * row cannot begin like that is refused. The views are the row's tokens of the last user turn's
 * content and of the assistant's, without its end of turn, unless the example names other views;
 * those are tokenized alone.
 *
 * <p>Text that spells a control token would become that token; an example with such text is
 * refused, as is one with fields that the template does not write.
 *
 * <p>Where earlier turns of the assistant are learned too, each has exactly the tokens that it
 * would have as the last turn of its conversation; an example in which the template writes it
 * otherwise is refused.
 *
 * <p>Not for use by several threads at once.
 */
public final class ChatExampleEncoder implements ExampleEncoder {
    /** What a template writes of the conversation as a whole; it must not be left out unawares. */
    private static final Set<String> WRITTEN_ARGUMENTS = Set.of("tools", "documents");

    private final ModelTokenizer tokenizer;
    private final ChatTemplate template;
    private final EncoderOptions options;
    private final RowCutter cutter;
    private final Set<String> namedTokens;
    private final List<AddedToken> controlTokens;
    private @Nullable AnswerForm form;

    /**
     * Encodes for one model.
     *
     * @param tokenizer the model's tokenizer; it must stay open
     * @param template the model's chat template
     * @param maxLength the most tokens that a conversation, or a view of its own, may have
     */
    public ChatExampleEncoder(ModelTokenizer tokenizer, ChatTemplate template, int maxLength) {
        this(tokenizer, template, EncoderOptions.of(maxLength));
    }

    /**
     * Encodes for one model.
     *
     * @param tokenizer the model's tokenizer; it must stay open
     * @param template the model's chat template
     * @param options the length of rows, whether longer ones are cut, and which turns are learned
     */
    public ChatExampleEncoder(
            ModelTokenizer tokenizer, ChatTemplate template, EncoderOptions options) {
        this.tokenizer = tokenizer;
        this.template = template;
        this.options = options;
        this.cutter = new RowCutter(options);
        this.namedTokens = tokenizer.files().namedTokens();
        // As transformers infers them: special tokens, and added ones that the template spells.
        this.controlTokens =
                tokenizer.addedTokens().stream()
                        .filter(token -> !token.content().isBlank())
                        .filter(
                                token ->
                                        token.special()
                                                || namedTokens.contains(token.content())
                                                || template.spells(token.content()))
                        .sorted(
                                Comparator.comparingInt(
                                        (AddedToken token) -> -token.content().length()))
                        .toList();
    }

    @Override
    public int vocabularySize() {
        return tokenizer.vocabularySize();
    }

    /**
     * {@inheritDoc}
     *
     * @throws JepaException if the example cannot be used, is a document of several blocks, or
     *     nothing of it is left where it is cut
     */
    @Override
    public TokenizedExample encode(Example example) {
        List<TokenizedExample> rows = encodeAll(example);
        if (rows.size() != 1) {
            throw new JepaException(
                    example.source() + ": makes " + rows.size() + " rows; raise maxLength");
        }
        return rows.get(0);
    }

    @Override
    public List<TokenizedExample> encodeAll(Example example) {
        if (example.plainText() != null) {
            return new PlainTextEncoder(tokenizer, options, cutter).encodeAll(example);
        }
        try {
            return cutter.fit(encodeOrRefuse(example)).stream().toList();
        } catch (JepaException e) {
            throw new JepaException(example.source() + ": " + e.getMessage(), e);
        }
    }

    /** What was cut so far. */
    public EncoderOptions.Truncation truncation() {
        return cutter.truncation();
    }

    /**
     * Encodes the beginning of an answer: the conversation and what the template writes before the
     * assistant speaks.
     *
     * @param messages the conversation; its last turn is the user's
     * @throws JepaException if the template refuses it or leaves out a part, or a turn spells a
     *     control token
     */
    public int[] encodePrompt(List<Message> messages) {
        return encodePrompt(messages, Map.of());
    }

    /**
     * Encodes the beginning of an answer, as {@link #encodePrompt(List)} does.
     *
     * @param messages the conversation; its last turn is the user's
     * @param arguments what it comes with, such as {@code tools}
     * @throws JepaException if the template refuses it or leaves out a part, or a turn spells a
     *     control token
     */
    public int[] encodePrompt(List<Message> messages, Map<String, ?> arguments) {
        refuseControlTokens(messages, arguments);
        String text = template.render(messages, arguments, true);
        refuseUnwritten(messages, arguments, text, true);
        return tokenizer.encode(text).ids();
    }

    /**
     * The content of a generated answer: without what the template writes around it, such as a
     * blank or an empty think block, and without thoughts and special tokens.
     *
     * @param prompt the prompt's token ids
     * @param answer the generated token ids, without the one that stopped generation
     * @param stopped whether generation stopped at the end of the turn
     */
    public String decodeAnswer(int[] prompt, int[] answer, boolean stopped) {
        String text = tokenizer.decodeAfter(prompt, answer);
        AnswerForm form = form();
        int thoughts = form.thoughtsEnd().map(text::lastIndexOf).orElse(-1);
        if (text.startsWith(form.before())) {
            text = text.substring(form.before().length());
        } else if (thoughts >= 0) {
            text = text.substring(thoughts + form.thoughtsEnd().orElseThrow().length());
        }
        if (stopped && text.endsWith(form.after())) {
            text = text.substring(0, text.length() - form.after().length());
        }
        for (AddedToken token : controlTokens) {
            if (token.special()) {
                text = text.replace(token.content(), "");
            }
        }
        return text;
    }

    /**
     * The id of the token with which the template ends an assistant's turn: generation stops there.
     *
     * @throws JepaException if no added token follows an answer
     */
    public int endOfTurnId() {
        return form().end().id();
    }

    /** The id to pad rows with; see {@link ModelTokenizer#padId}. */
    public int padId() {
        return tokenizer.padId(Set.of(endOfTurnId()));
    }

    private synchronized AnswerForm form() {
        if (form == null) {
            form = AnswerForm.of(template, tokenizer);
        }
        return form;
    }

    private TokenizedExample encodeOrRefuse(Example example) {
        List<Message> messages = example.messages();
        Map<String, Object> arguments = example.arguments();
        int answer = messages.size() - 1;
        if (answer < 0 || !messages.get(answer).role().equals(Message.ASSISTANT)) {
            throw new JepaException(
                    "the conversation has no assistant turn at its end; there is nothing to learn"
                            + " from it. Add the answer as the last message, or drop the example.");
        }
        String text = template.render(messages, arguments, false);
        refuseControlTokens(messages, arguments);
        refuseUnwritten(messages, arguments, text, false);
        if (answer == 0) {
            throw new JepaException(
                    "the answer has nothing to be predicted from; put a user turn before it");
        }
        Turn last = turn(messages, arguments, text);
        ModelTokenizer.TokenizedText row = last.row();
        Optional<TextSpan> content = last.content();
        TokenSpan answered = last.labels();
        List<TokenizedView> views =
                example.views().isEmpty()
                        ? List.of(
                                view(
                                        row,
                                        messages,
                                        lastUser(messages),
                                        contentOf(messages, arguments, lastUser(messages), text)),
                                content.isPresent()
                                        ? view(row, messages, answer, content.get())
                                        : TokenizedView.inRow(
                                                row.ids(),
                                                new TokenSpan(
                                                        answered.start(), answered.end() - 1)))
                        : alone(example.views());
        return new TokenizedExample(
                example.source(), row.ids(), labels(messages, arguments, last), views);
    }

    /**
     * The last turn of a conversation, as it is learned.
     *
     * @param row the conversation
     * @param labels the turn's tokens, its end included
     * @param content where the turn's content stands in the text; nothing where it has none
     */
    private record Turn(
            ModelTokenizer.TokenizedText row, TokenSpan labels, Optional<TextSpan> content) {}

    private Turn turn(List<Message> messages, Map<String, Object> arguments, String text) {
        int answer = messages.size() - 1;
        String promptText = template.render(messages.subList(0, answer), arguments, true);
        ModelTokenizer.TokenizedText prompt = tokenizer.encode(promptText);
        ModelTokenizer.TokenizedText row = row(promptText, prompt, text);
        int start = prompt.ids().length;
        // A turn that calls a tool may have no content.
        Optional<TextSpan> content =
                hasOnlyFields(messages.get(answer))
                        ? Optional.empty()
                        : Optional.of(contentOf(messages, arguments, answer, text));
        int end =
                content.isPresent()
                        ? endOfTurn(text, row, content.get().end())
                        : endOfTurn(row, start);
        return new Turn(row, new TokenSpan(start, end + 1), content);
    }

    /** The labels of all turns that are learned. */
    private List<TokenSpan> labels(
            List<Message> messages, Map<String, Object> arguments, Turn last) {
        List<TokenSpan> labels = new ArrayList<>();
        for (int turn = 0; turn < messages.size(); turn++) {
            if (!isTrained(messages, turn)) {
                continue;
            }
            if (turn == messages.size() - 1) {
                labels.add(last.labels());
            } else {
                labels.add(earlier(messages, arguments, turn, last.row()));
            }
        }
        if (labels.isEmpty()) {
            throw new JepaException(
                    "every turn that would be learned says \"train\": false; remove the key from"
                            + " one, or drop the example");
        }
        return labels;
    }

    private boolean isTrained(List<Message> messages, int turn) {
        Message message = messages.get(turn);
        Boolean own = message.train();
        if (own != null) {
            return own;
        }
        return turn == messages.size() - 1
                || options.trainedTurns() == EncoderOptions.TrainedTurns.ALL_ASSISTANT
                        && message.role().equals(Message.ASSISTANT);
    }

    /** The labels of a turn that is not the last: the same tokens as if it were. */
    private TokenSpan earlier(
            List<Message> messages,
            Map<String, Object> arguments,
            int turn,
            ModelTokenizer.TokenizedText row) {
        if (turn == 0) {
            throw new JepaException(
                    "messages[0] has nothing to be predicted from; put a user turn before it, or"
                            + " write \"train\": false in it");
        }
        List<Message> upToTurn = messages.subList(0, turn + 1);
        Turn alone = turn(upToTurn, arguments, template.render(upToTurn, arguments, false));
        int end = alone.labels().end();
        int common = Arrays.mismatch(alone.row().ids(), 0, end, row.ids(), 0, row.ids().length);
        if (common >= 0 && common < end) {
            throw new JepaException(
                    "training and generation would not agree on messages["
                            + turn
                            + "]: with the turns after it the conversation has "
                            + quote(row.ids(), common, common + 8)
                            + " after "
                            + quote(row.ids(), Math.max(0, common - 4), common)
                            + ", but where the turn is generated it has "
                            + quote(alone.row().ids(), common, common + 8)
                            + ". Write \"train\": false in that message, train on the last turn only"
                            + " (trainOn), or choose a template that writes both alike"
                            + " (chatTemplate).");
        }
        return alone.labels();
    }

    private static boolean hasOnlyFields(Message message) {
        return message.content().isEmpty()
                && message.fields().values().stream().anyMatch(Objects::nonNull);
    }

    /**
     * The row, which has to begin with exactly the tokens that generation feeds, or training and
     * generation would not agree.
     */
    private ModelTokenizer.TokenizedText row(
            String promptText, ModelTokenizer.TokenizedText prompt, String text) {
        ModelTokenizer.TokenizedText row = tokenizer.encode(text);
        int common = Arrays.mismatch(prompt.ids(), row.ids());
        if (common == prompt.ids().length && common > 0) {
            return row;
        }
        if (text.startsWith(promptText)) {
            // The answer's beginning merges with the prompt's end, which generation never sees.
            Optional<ModelTokenizer.TokenizedText> joined =
                    tokenizer.encodeRest(prompt, text, promptText.length());
            if (joined.isPresent()) {
                return joined.get();
            }
        }
        throw new JepaException(
                "training and generation would not agree: after "
                        + quote(row.ids(), Math.max(0, common - 4), common)
                        + " the row has "
                        + quote(row.ids(), common, common + 8)
                        + ", the generation prompt has "
                        + quote(prompt.ids(), common, common + 8)
                        + ". "
                        + (text.startsWith(promptText)
                                ? "The beginning of the answer merges with the end of the prompt:"
                                        + " strip the answer, or drop the example."
                                : "The chat template writes the prompt otherwise than an answered"
                                        + " conversation: set the variables that it offers, such as"
                                        + " enable_thinking (templateKwargs), or choose another"
                                        + " template (chatTemplate)."));
    }

    private String quote(int[] ids, int from, int to) {
        int end = Math.min(to, ids.length);
        return from >= end
                ? "nothing"
                : "'"
                        + tokenizer
                                .decode(Arrays.copyOfRange(ids, from, end), false)
                                .replace("\n", "\\n")
                        + "'";
    }

    /** The row's token that ends the turn whose content ends at a place of the text. */
    private int endOfTurn(String text, ModelTokenizer.TokenizedText row, int contentEnd) {
        End end = AnswerForm.endOfTurn(tokenizer.addedTokens(), text, contentEnd);
        requireStop(end.token());
        for (int i = 0; i < row.ids().length; i++) {
            if (row.ids()[i] == end.token().id() && row.starts()[i] == end.start()) {
                return i;
            }
        }
        throw unrecognized(end.token());
    }

    /** The row's first token from {@code start} on that ends a turn. */
    private int endOfTurn(ModelTokenizer.TokenizedText row, int start) {
        AddedToken end = form().end();
        for (int i = start; i < row.ids().length; i++) {
            if (row.ids()[i] == end.id()) {
                return i;
            }
        }
        throw unrecognized(end);
    }

    private void requireStop(AddedToken end) {
        if (end.id() != endOfTurnId()) {
            throw new JepaException(
                    "the template ends this answer with "
                            + end.content()
                            + ", but others with "
                            + form().end().content()
                            + ", at which generation stops; drop the example");
        }
    }

    private JepaException unrecognized(AddedToken end) {
        return new JepaException(
                tokenizer.files().folder().resolve(TokenizerFiles.TOKENIZER)
                        + ": "
                        + end.content()
                        + ", which ends the answer, is not read as one token inside a text"
                        + (end.flags().isEmpty() ? "" : " (added_tokens has " + end.flags() + ")")
                        + "; a model trained on it would not learn to stop. Set \"normalized\" and"
                        + " \"single_word\" of that token to false in added_tokens.");
    }

    private static int lastUser(List<Message> messages) {
        for (int i = messages.size() - 1; i >= 0; i--) {
            if (messages.get(i).role().equals(Message.USER)) {
                return i;
            }
        }
        throw new JepaException(
                "the conversation has no user turn to be the first view; add one, or name the"
                        + " example's views");
    }

    private TextSpan contentOf(
            List<Message> messages, Map<String, Object> arguments, int turn, String text) {
        TextSpan content = template.find(messages, arguments, turn, text);
        if (content.start() == content.end()) {
            throw emptyTurn(messages, turn);
        }
        return content;
    }

    private static JepaException emptyTurn(List<Message> messages, int turn) {
        return new JepaException(
                "turn "
                        + (turn + 1)
                        + ", the "
                        + messages.get(turn).role()
                        + "'s, is empty; drop the example");
    }

    private static TokenizedView view(
            ModelTokenizer.TokenizedText row, List<Message> messages, int turn, TextSpan content) {
        return TokenizedView.inRow(
                row.ids(),
                row.overlapping(content.start(), content.end())
                        .orElseThrow(() -> emptyTurn(messages, turn)));
    }

    private List<TokenizedView> alone(List<String> texts) {
        List<TokenizedView> views = new ArrayList<>();
        for (int i = 0; i < texts.size(); i++) {
            String where = "view " + (i + 1);
            refuseControlTokens(where, texts.get(i), token -> true);
            int[] ids = tokenizer.encode(texts.get(i)).ids();
            if (ids.length == 0) {
                throw new JepaException(where + " is empty; drop the example");
            }
            views.add(TokenizedView.alone(ids));
        }
        return views;
    }

    /** What a conversation says and the template leaves out must not be missing unawares. */
    private void refuseUnwritten(
            List<Message> messages,
            Map<String, ?> arguments,
            String text,
            boolean addGenerationPrompt) {
        for (int turn = 0; turn < messages.size(); turn++) {
            Message message = messages.get(turn);
            // Every template knows the other two; unknown roles are left out by many.
            if (!message.role().equals(Message.USER) && !message.role().equals(Message.ASSISTANT)) {
                template.requireWritten(messages, arguments, turn, addGenerationPrompt);
            }
            for (Entry<String, Object> field : message.fields().entrySet()) {
                if (!says(field.getValue())) {
                    continue;
                }
                List<Message> others = new ArrayList<>(messages);
                others.set(
                        turn,
                        new Message(
                                message.role(),
                                message.content(),
                                without(message.fields(), field.getKey())));
                if (rendersAs(others, arguments, addGenerationPrompt, text)) {
                    throw unwritten("messages[" + turn + "]." + field.getKey());
                }
            }
        }
        for (String name : WRITTEN_ARGUMENTS) {
            if (says(arguments.get(name))
                    && rendersAs(messages, without(arguments, name), addGenerationPrompt, text)) {
                throw unwritten(name);
            }
        }
    }

    private static JepaException unwritten(String key) {
        return new JepaException(
                "the chat template does not write \""
                        + key
                        + "\"; remove the key, or choose a template that writes it"
                        + " (chatTemplate)");
    }

    private boolean rendersAs(
            List<Message> messages,
            Map<String, ?> arguments,
            boolean addGenerationPrompt,
            String expected) {
        try {
            return template.render(messages, arguments, addGenerationPrompt).equals(expected);
        } catch (JepaException refused) {
            return false;
        }
    }

    private static Map<String, Object> without(Map<String, ?> map, String key) {
        Map<String, Object> others = new LinkedHashMap<>(map);
        others.remove(key);
        return others;
    }

    private static boolean says(@Nullable Object value) {
        return value != null
                && !value.equals("")
                && !(value instanceof Collection<?> list && list.isEmpty())
                && !(value instanceof Map<?, ?> map && map.isEmpty());
    }

    private void refuseControlTokens(List<Message> messages, Map<String, ?> arguments) {
        String ends = form().prompt() + form().end().content();
        Predicate<AddedToken> any = token -> true;
        // An answer may hold other tokens that the template spells, such as those of a tool call.
        Predicate<AddedToken> ofTurns =
                token ->
                        token.special()
                                || namedTokens.contains(token.content())
                                || ends.contains(token.content());
        for (Message message : messages) {
            refuseControlTokens(
                    "the " + message.role() + "'s turn",
                    message.content(),
                    message.role().equals(Message.ASSISTANT) ? ofTurns : any);
            strings(message.fields().values())
                    .forEach(
                            text ->
                                    refuseControlTokens(
                                            "the " + message.role() + "'s turn", text, ofTurns));
        }
        for (String name : WRITTEN_ARGUMENTS) {
            strings(arguments.get(name)).forEach(text -> refuseControlTokens(name, text, ofTurns));
        }
    }

    /** All strings in a value. */
    private static Stream<String> strings(@Nullable Object value) {
        if (value instanceof Map<?, ?> map) {
            return Stream.concat(strings(map.keySet()), strings(map.values()));
        }
        if (value instanceof Collection<?> list) {
            return list.stream().flatMap(ChatExampleEncoder::strings);
        }
        return value instanceof String text ? Stream.of(text) : Stream.empty();
    }

    private void refuseControlTokens(String where, String text, Predicate<AddedToken> refused) {
        for (AddedToken token : controlTokens) {
            if (refused.test(token) && (text.contains(token.content()) || becomes(text, token))) {
                throw new JepaException(
                        where
                                + " contains the text "
                                + token.content()
                                + ", which the tokenizer would read as its control token; reword it"
                                + " or drop the example");
            }
        }
    }

    /** Whether a text becomes a token by being normalized. */
    private boolean becomes(String text, AddedToken token) {
        return token.normalized()
                && Arrays.stream(tokenizer.encode(text).ids()).anyMatch(id -> id == token.id());
    }
}
