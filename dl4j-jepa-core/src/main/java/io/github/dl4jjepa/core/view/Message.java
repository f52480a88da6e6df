package io.github.dl4jjepa.core.view;

import java.io.Serializable;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One turn of a conversation.
 *
 * @param role who speaks: {@code system}, {@code user}, {@code assistant}, or another role that the
 *     model's chat template knows
 * @param content what is said; empty where a turn consists of other fields
 * @param fields what a turn has besides, such as {@code tool_calls} or {@code reasoning_content}:
 *     strings, numbers, booleans, lists, maps; {@code "content"} with the value null says that the
 *     turn has no content, as opposed to an empty one
 * @param train whether the model learns this turn, the assistant's; null where the encoder decides
 */
public record Message(
        String role, String content, Map<String, Object> fields, @Nullable Boolean train)
        implements Serializable {
    /** The role of the turn that states the task. */
    public static final String SYSTEM = "system";

    /** The role of the turn that asks. */
    public static final String USER = "user";

    /** The role of the turn that answers: the one the language model is trained on. */
    public static final String ASSISTANT = "assistant";

    public Message {
        Objects.requireNonNull(role, "role");
        Objects.requireNonNull(content, "content");
        fields = Collections.unmodifiableMap(new LinkedHashMap<>(fields));
    }

    /**
     * A turn of which the encoder decides whether it is learned.
     *
     * @param role who speaks
     * @param content what is said
     * @param fields what it has besides
     */
    public Message(String role, String content, Map<String, Object> fields) {
        this(role, content, fields, null);
    }

    /**
     * A turn of a role and a content.
     *
     * @param role who speaks
     * @param content what is said
     */
    public Message(String role, String content) {
        this(role, content, Map.of());
    }
}
