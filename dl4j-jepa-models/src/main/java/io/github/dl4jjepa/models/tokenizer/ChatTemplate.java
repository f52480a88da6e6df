package io.github.dl4jjepa.models.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.Message;
import io.github.dl4jjepa.models.tokenizer.jinja.JinjaTemplate;
import io.github.dl4jjepa.models.tokenizer.jinja.TemplateException;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A model's chat template: writes a conversation as the text that the model was trained on.
 *
 * <p>Renders as {@code apply_chat_template(…, tokenize=False)} of transformers does, or fails: what
 * cannot be rendered exactly raises a {@link JepaException} that names the template. Immutable.
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

    private final String place;
    private final JinjaTemplate template;
    private final Map<String, String> tokens;
    private final LocalDate date;

    private ChatTemplate(
            String place, JinjaTemplate template, Map<String, String> tokens, LocalDate date) {
        this.place = place;
        this.template = template;
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
     * The chat template that the files hold: {@code chat_template.jinja}, or {@code chat_template}
     * in tokenizer_config.json, which may be a list of named ones; then it is the one named {@code
     * default}.
     *
     * @throws JepaException if there is none, or it cannot be compiled
     */
    public static ChatTemplate of(TokenizerFiles files) {
        Path config = files.folder().resolve(TokenizerFiles.CONFIG);
        String place =
                files.templateFile().isPresent()
                        ? files.folder().resolve(TokenizerFiles.TEMPLATE).toString()
                        : config + ", chat_template";
        String source =
                files.templateFile().orElseGet(() -> fromConfig(files.config("chat_template")));
        if (source == null) {
            throw new JepaException(
                    files.folder()
                            + " has no chat template: neither "
                            + TokenizerFiles.TEMPLATE
                            + " nor a default chat_template in "
                            + TokenizerFiles.CONFIG
                            + ". Base models have none: take the instruct model, or copy the"
                            + " chat_template.jinja of a model with the same special tokens.");
        }
        Map<String, String> tokens = new HashMap<>();
        for (String name : TOKEN_VARIABLES) {
            files.specialToken(name).ifPresent(token -> tokens.put(name, token));
        }
        return compile(place, source, tokens);
    }

    /** A template that stands at {@code place}, with the special tokens it can name. */
    static ChatTemplate compile(String place, String source, Map<String, String> tokens) {
        try {
            return new ChatTemplate(
                    place, JinjaTemplate.compile(source), Map.copyOf(tokens), DEFAULT_DATE);
        } catch (TemplateException e) {
            throw new JepaException(
                    place
                            + ": cannot be compiled: "
                            + e.getMessage()
                            + ". Rewrite that part of the template.",
                    e);
        }
    }

    private static String fromConfig(JsonNode template) {
        for (JsonNode named : template) {
            if (named.path("name").asText().equals("default")) {
                return named.path("template").textValue();
            }
        }
        return template.textValue();
    }

    /** The same template, to which {@code strftime_now} shows another date. */
    public ChatTemplate withDate(LocalDate date) {
        return new ChatTemplate(place, template, tokens, date);
    }

    /**
     * Renders a conversation.
     *
     * @param addGenerationPrompt whether the text ends with what precedes an answer
     * @throws JepaException if the template refuses the conversation (the message has the
     *     template's own words), or does what this renderer does not know
     */
    public String render(List<Message> messages, boolean addGenerationPrompt) {
        List<Map<String, ?>> turns = new ArrayList<>();
        for (Message message : messages) {
            turns.add(Map.of("role", message.role(), "content", message.content()));
        }
        return render(turns, addGenerationPrompt, Map.of());
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
     * @param rendered the conversation as {@link #render(List, boolean) render(messages, false)}
     *     gives it
     * @throws JepaException if the text around the turn depends on its content
     */
    TextSpan find(List<Message> messages, int turn, String rendered) {
        StringBuilder word = new StringBuilder("QZMARKZQ");
        while (rendered.contains(word)) {
            word.append("ZQ");
        }
        String mark = word.toString();
        List<Message> marked = new ArrayList<>(messages);
        marked.set(turn, new Message(messages.get(turn).role(), mark));
        String around = render(marked, false);
        int at = around.indexOf(mark);
        boolean once = at >= 0 && around.indexOf(mark, at + 1) < 0;
        if (once) {
            String before = around.substring(0, at);
            String after = around.substring(at + mark.length());
            if (rendered.startsWith(before)
                    && rendered.endsWith(after)
                    && before.length() + after.length() <= rendered.length()) {
                return new TextSpan(before.length(), rendered.length() - after.length());
            }
        }
        String why =
                once
                        ? "the text around it depends on what it says, as with thoughts in an answer;"
                                + " take them out of the example."
                        : "the template writes its content "
                                + (at < 0 ? "not at all." : "more than once.");
        throw new JepaException(
                place
                        + ": turn "
                        + (turn + 1)
                        + ", the "
                        + messages.get(turn).role()
                        + "'s, cannot be found in the rendered conversation: "
                        + why);
    }
}
