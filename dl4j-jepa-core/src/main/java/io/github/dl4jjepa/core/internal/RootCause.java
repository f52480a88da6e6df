package io.github.dl4jjepa.core.internal;

import org.jspecify.annotations.Nullable;

/** What a failure of a native library begins with, which says more than what it ends with. */
public final class RootCause {
    private RootCause() {}

    /** The message of a failure's innermost cause. */
    public static @Nullable String message(Throwable failure) {
        Throwable root = failure;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        return root.getMessage();
    }
}
