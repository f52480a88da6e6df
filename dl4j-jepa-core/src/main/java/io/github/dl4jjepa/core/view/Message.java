package io.github.dl4jjepa.core.view;

import java.util.Objects;

/**
 * One turn of a conversation.
 *
 * @param role who speaks: {@code system}, {@code user} or {@code assistant}
 * @param content what is said
 */
public record Message(String role, String content) {
    /** The role of the turn that states the task. */
    public static final String SYSTEM = "system";

    /** The role of the turn that asks. */
    public static final String USER = "user";

    /** The role of the turn that answers: the one the language model is trained on. */
    public static final String ASSISTANT = "assistant";

    public Message {
        Objects.requireNonNull(role, "role");
        Objects.requireNonNull(content, "content");
    }
}
