package io.github.dl4jjepa.models.internal;

import io.github.dl4jjepa.core.JepaException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/** Git LFS, which leaves a small text file in the place of one that was not fetched. */
public final class GitLfs {
    private static final byte[] POINTER =
            "version https://git-lfs.github.com/spec/".getBytes(StandardCharsets.US_ASCII);

    private GitLfs() {}

    /**
     * Refuses a file that points to another.
     *
     * @param file may be missing, which is not refused here
     * @throws JepaException if it is such a pointer
     */
    public static void refusePointer(Path file) {
        if (!Files.isRegularFile(file)) {
            return;
        }
        try (InputStream in = Files.newInputStream(file)) {
            if (Arrays.equals(in.readNBytes(POINTER.length), POINTER)) {
                throw new JepaException(
                        file
                                + ": is a Git LFS pointer in place of the file. Run \"git lfs pull\" in"
                                + " the folder, or download the file.");
            }
        } catch (IOException e) {
            throw new JepaException(file + ": cannot be read: " + e, e);
        }
    }
}
