package io.github.dl4jjepa.core;

import org.jspecify.annotations.Nullable;

/**
 * Something a user can put right: a file that cannot be used, a setting that contradicts another.
 *
 * <p>The message names the place (file, line, key, tensor) and the remedy; the command line prints
 * it without a stack trace. Settings have the names of the library's builders and records, such as
 * {@code maxLength}; the command line puts its options in their place. A fault of the program
 * itself is never reported with this class.
 */
public class JepaException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * @param message what is wrong, where, and what to do about it
     */
    public JepaException(String message) {
        super(message);
    }

    /**
     * @param message what is wrong, where, and what to do about it
     * @param cause what brought it to light
     */
    public JepaException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
