package io.github.dl4jjepa.core.view;

import java.io.Serializable;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Two or more views of one thing, as text; or a document.
 *
 * <p>The language model is trained on the conversation. The views are what the JEPA term compares:
 * by default Text is the last user turn and Code the last turn, the assistant's; a data set whose
 * views are other texts than its turns (HellaSwag in the paper) names them. A document is a text to
 * continue pretraining on: it has no conversation and no views.
 *
 * @param source where the example was read, as a user would look for it: {@code train.jsonl:17}
 * @param messages the conversation; its last turn is the assistant's. Empty in a document
 * @param views the views in order, Text first; empty where the views are the last user turn and the
 *     assistant's turn
 * @param arguments what the conversation comes with for a chat template, by the template's names:
 *     {@code tools}, {@code documents} and the like; strings, numbers, booleans, lists, maps
 * @param plainText the text of a document; null in a conversation
 */
public record Example(
        String source,
        List<Message> messages,
        List<String> views,
        Map<String, Object> arguments,
        @Nullable String plainText)
        implements Serializable {
    public Example {
        Objects.requireNonNull(source, "source");
        messages = List.copyOf(messages);
        views = List.copyOf(views);
        arguments = Collections.unmodifiableMap(new LinkedHashMap<>(arguments));
    }

    /**
     * A conversation with its views.
     *
     * @param source where the example was read
     * @param messages the conversation; its last turn is the assistant's
     * @param views the views in order, Text first; may be empty
     * @param arguments what the conversation comes with for a chat template
     */
    public Example(
            String source,
            List<Message> messages,
            List<String> views,
            Map<String, Object> arguments) {
        this(source, messages, views, arguments, null);
    }

    /**
     * An example without arguments for the chat template.
     *
     * @param source where the example was read
     * @param messages the conversation; its last turn is the assistant's
     * @param views the views in order, Text first; may be empty
     */
    public Example(String source, List<Message> messages, List<String> views) {
        this(source, messages, views, Map.of());
    }

    /**
     * A conversation whose last user turn is Text and whose last turn is Code.
     *
     * @param source where the example was read
     * @param messages the conversation; its last turn is the assistant's
     */
    public static Example conversation(String source, List<Message> messages) {
        return new Example(source, messages, List.of());
    }

    /**
     * A text to continue pretraining on.
     *
     * @param source where the document was read
     * @param text the document
     */
    public static Example document(String source, String text) {
        return new Example(source, List.of(), List.of(), Map.of(), text);
    }

    /** The example without its last turn: the question that the answer is generated to. */
    public Example withoutAnswer() {
        return new Example(source, messages.subList(0, messages.size() - 1), views, arguments);
    }
}
