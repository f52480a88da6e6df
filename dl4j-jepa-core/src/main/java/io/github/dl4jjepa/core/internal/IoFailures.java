package io.github.dl4jjepa.core.internal;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;

/** Words for what the file system says no to. */
public final class IoFailures {
    private IoFailures() {}

    /** The reason of a failure, without the file's name: {@code No space left on device}. */
    public static String describe(IOException failure) {
        if (failure instanceof NoSuchFileException) {
            return "the file or its folder is missing";
        }
        if (failure instanceof AccessDeniedException) {
            return "permission denied";
        }
        String reason =
                failure instanceof FileSystemException ofFile
                        ? ofFile.getReason()
                        : failure.getMessage();
        return reason == null ? failure.toString() : reason;
    }
}
