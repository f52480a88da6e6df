package io.github.dl4jjepa.models.tokenizer;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.Message;
import io.github.dl4jjepa.models.internal.jinja.JinjaTemplate;
import io.github.dl4jjepa.models.internal.jinja.TemplateException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A model's chat template: writes a conversation as the text that the model was trained on.
 *
 * <p>Renders as {@code apply_chat_template(…, tokenize=False)} of transformers does, or fails: what
 * cannot be rendered exactly raises a {@link JepaException} that names the template. Immutable.
 *
 * <p>Immutable; instances may be shared between threads.
 */
public final class ChatTemplate {
    /**
     * The date that templates see unless {@link #withDate} says another: 26 July 2024, which
     * Llama's templates fall back to. A date that moved would change the training text from day to
     * day.
     */
    public static final LocalDate DEFAULT_DATE = LocalDate.of(2024, 7, 26);

    private static final List<String> TOKEN_VARIABLES =
            List.of(
                    "bos_token",
                    "eos_token",
                    "unk_token",
                    "pad_token",
                    "sep_token",
                    "cls_token",
                    "mask_token");

    /** Characters of a Java string. */
    record TextSpan(int start, int end) {}

    /** The names of a turn's reasoning; transformers lets a template read it by the first two. */
    private static final List<String> REASONING =
            List.of("reasoning_content", "thinking", "reasoning");

    private final String place;
    private final String source;
    private final JinjaTemplate template;

    /** Renders conversations with tools; null where this template does. */
    private final @Nullable ChatTemplate toolUse;

    private final Map<String, String> tokens;
    private final LocalDate date;

    private ChatTemplate(
            String place,
            String source,
            JinjaTemplate template,
            @Nullable ChatTemplate toolUse,
            Map<String, String> tokens,
            LocalDate date) {
        this.place = place;
        this.source = source;
        this.template = template;
        this.toolUse = toolUse;
        this.tokens = tokens;
        this.date = date;
    }

    /**
     * Reads the chat template of a folder.
     *
     * @throws JepaException if there is none, or it cannot be compiled
     */
    public static ChatTemplate open(Path folder) {
        return of(TokenizerFiles.read(folder));
    }

    /**
     * The chat template that the files hold: the only one, or the one named {@code default}. Where
     * there is one named {@code tool_use}, conversations with {@code tools} are rendered by that
     * one, as in transformers; unless one was chosen by {@link TokenizerFiles#withChatTemplate}.
     *
     * @throws JepaException if there is none, or it cannot be compiled
     */
    public static ChatTemplate of(TokenizerFiles files) {
        Map<String, String> tokens = new HashMap<>();
        for (String name : TOKEN_VARIABLES) {
            files.specialToken(name).ifPresent(token -> tokens.put(name, token));
        }
        ChatTemplateFiles.Source chosen = files.chatTemplates().chosen();
        ChatTemplate template = compile(chosen.place(), chosen.text(), tokens);
        return files.chatTemplates()
                .toolUse()
                .map(source -> template.withToolUse(compile(source.place(), source.text(), tokens)))
                .orElse(template);
    }

    /** A template that stands at {@code place}, with the special tokens it can name. */
    static ChatTemplate compile(String place, String source, Map<String, String> tokens) {
        try {
            return new ChatTemplate(
                    place,
                    source,
                    JinjaTemplate.compile(source),
                    null,
                    Map.copyOf(tokens),
                    DEFAULT_DATE);
        } catch (TemplateException e) {
            throw new JepaException(
                    place
                            + ": cannot be compiled: "
                            + e.getMessage()
                            + ". Rewrite that part of the template.",
                    e);
        }
    }

    private ChatTemplate withToolUse(@Nullable ChatTemplate toolUse) {
        return new ChatTemplate(place, source, template, toolUse, tokens, date);
    }

    /** The same template, to which {@code strftime_now} shows another date. */
    public ChatTemplate withDate(LocalDate date) {
        @Nullable ChatTemplate dated = toolUse == null ? null : toolUse.withDate(date);
        return new ChatTemplate(place, source, template, dated, tokens, date);
    }

    /**
     * Renders a conversation.
     *
     * @param addGenerationPrompt whether the text ends with what precedes an answer
     * @throws JepaException if the template refuses the conversation (the message has the
     *     template's own words), or does what this renderer does not know
     */
    public String render(List<Message> messages, boolean addGenerationPrompt) {
        return render(messages, Map.of(), addGenerationPrompt);
    }

    /**
     * Renders a conversation with what it comes with.
     *
     * @param arguments further variables of the template, such as {@code tools}
     * @param addGenerationPrompt whether the text ends with what precedes an answer
     * @throws JepaException if the template refuses the conversation (the message has the
     *     template's own words), or does what this renderer does not know
     */
    public String render(
            List<Message> messages, Map<String, ?> arguments, boolean addGenerationPrompt) {
        return render(
                messages.stream().map(ChatTemplate::turn).toList(), addGenerationPrompt, arguments);
    }

    /** A turn as transformers hands it to a template: without nulls, reasoning by all its names. */
    private static Map<String, Object> turn(Message message) {
        Map<String, Object> turn = new LinkedHashMap<>();
        turn.put("role", message.role());
        turn.put("content", message.content());
        turn.putAll(message.fields());
        turn.values().removeIf(Objects::isNull);
        for (String name : REASONING) {
            Object reasoning = turn.get(name);
            if (reasoning != null) {
                turn.putIfAbsent("thinking", reasoning);
                turn.put("reasoning_content", reasoning);
                break;
            }
        }
        return turn;
    }

    /** Whether the template's own text spells a token. */
    boolean spells(String token) {
        return source.contains(token) || toolUse != null && toolUse.spells(token);
    }

    /**
     * Renders a conversation whose turns may have other keys than role and content.
     *
     * @param arguments further variables of the template
     */
    String render(
            List<? extends Map<String, ?>> turns,
            boolean addGenerationPrompt,
            Map<String, ?> arguments) {
        if (toolUse != null && arguments.get("tools") != null) {
            return toolUse.render(turns, addGenerationPrompt, arguments);
        }
        Map<String, Object> variables = new HashMap<>(tokens);
        variables.put("messages", turns);
        variables.put("add_generation_prompt", addGenerationPrompt);
        variables.put("tools", null);
        variables.put("documents", null);
        variables.putAll(arguments);
        try {
            return template.render(variables, date);
        } catch (TemplateException e) {
            throw new JepaException(
                    e.isRaisedByTemplate()
                            ? place + ": the template refuses the conversation: " + e.getMessage()
                            : place + ": cannot be rendered: " + e.getMessage(),
                    e);
        }
    }

    /**
     * Finds the content of a turn in the rendered conversation.
     *
     * <p>The conversation is rendered again with a mark in place of the content, and what stands
     * around the mark is taken away. Looking for the content itself would find another turn that
     * says the same, and would not find what the template has trimmed.
     *
     * @param arguments the arguments that the conversation was rendered with
     * @param rendered the conversation as {@link #render(List, Map, boolean) render(messages,
     *     arguments, false)} gives it
     * @throws JepaException if the text around the turn depends on its content
     */
    TextSpan find(List<Message> messages, Map<String, ?> arguments, int turn, String rendered) {
        String mark = mark(rendered);
        String around = render(marked(messages, turn, mark), arguments, false);
        int at = around.indexOf(mark);
        if (at < 0) {
            throw unwritten(messages, turn);
        }
        if (around.indexOf(mark, at + 1) >= 0) {
            throw notFound(messages, turn, "the template writes its content more than once.");
        }
        String before = around.substring(0, at);
        String after = around.substring(at + mark.length());
        if (rendered.startsWith(before)
                && rendered.endsWith(after)
                && before.length() + after.length() <= rendered.length()) {
            return new TextSpan(before.length(), rendered.length() - after.length());
        }
        throw notFound(
                messages,
                turn,
                "the text around it depends on what it says, as with thoughts in an answer; give"
                        + " them as the turn's reasoning_content, or take them out of the"
                        + " example.");
    }

    /**
     * Checks that a turn's content is part of the rendered conversation.
     *
     * @throws JepaException if the template leaves it out
     */
    void requireWritten(
            List<Message> messages,
            Map<String, ?> arguments,
            int turn,
            boolean addGenerationPrompt) {
        String mark = mark(messages.toString());
        if (!render(marked(messages, turn, mark), arguments, addGenerationPrompt).contains(mark)) {
            throw unwritten(messages, turn);
        }
    }

    /** A word that a text does not contain, and that no template changes. */
    private static String mark(String text) {
        StringBuilder word = new StringBuilder("QZMARKZQ");
        while (text.contains(word)) {
            word.append("ZQ");
        }
        return word.toString();
    }

    private static List<Message> marked(List<Message> messages, int turn, String mark) {
        List<Message> marked = new ArrayList<>(messages);
        Map<String, Object> fields = new LinkedHashMap<>(messages.get(turn).fields());
        fields.remove("content");
        marked.set(turn, new Message(messages.get(turn).role(), mark, fields));
        return marked;
    }

    private JepaException unwritten(List<Message> messages, int turn) {
        return notFound(
                messages,
                turn,
                "the template writes its content not at all. Put the text into a turn that the"
                        + " template writes, such as the first user turn, or choose another"
                        + " template (chatTemplate).");
    }

    private JepaException notFound(List<Message> messages, int turn, String why) {
        return new JepaException(
                place
                        + ": turn "
                        + (turn + 1)
                        + ", the "
                        + messages.get(turn).role()
                        + "'s, cannot be found in the rendered conversation: "
                        + why);
    }

    /**
     * Which chat template is used, and with which values of its variables.
     *
     * @param chatTemplate the name of one of the model's templates, or a file; null for the model's
     *     default
     * @param templateKwargs values of the template's variables, a JSON object; null for none
     */
    public record Options(@Nullable String chatTemplate, @Nullable String templateKwargs) {
        /** The model's own template. */
        public static final Options DEFAULT = new Options(null, null);

        /** The file of the template, if one is given. */
        public Optional<Path> file() {
            try {
                return Optional.ofNullable(chatTemplate).map(Path::of).filter(Files::isRegularFile);
            } catch (InvalidPathException isName) {
                return Optional.empty();
            }
        }

        /** The same tokenizer with this template. */
        public TokenizerFiles applyTo(TokenizerFiles files) {
            TokenizerFiles chosen =
                    chatTemplate == null ? files : files.withChatTemplate(chatTemplate);
            return templateKwargs == null ? chosen : chosen.withTemplateArguments(templateKwargs);
        }
    }
}
