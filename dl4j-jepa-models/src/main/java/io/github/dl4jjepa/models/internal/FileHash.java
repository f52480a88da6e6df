package io.github.dl4jjepa.models.internal;

import io.github.dl4jjepa.core.JepaException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Objects;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The SHA-256 of files. */
public final class FileHash {
    private static final Logger LOG = LoggerFactory.getLogger(FileHash.class);

    /** How many bytes take seconds to read. */
    private static final long LARGE = 1L << 30;

    /**
     * The hub's cache names a file that Git LFS holds by its SHA-256, and others by Git's SHA-1.
     */
    private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");

    private FileHash() {}

    /** Computes SHA-256. */
    public static MessageDigest digest() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /**
     * The SHA-256 of a file's content, in hexadecimal.
     *
     * @throws JepaException if it cannot be read
     */
    public static String sha256(Path file) {
        try {
            Path real = file.toRealPath();
            if (Objects.requireNonNull(real.getParent()).endsWith("blobs")
                    && SHA256.matcher(real.getFileName().toString()).matches()) {
                return real.getFileName().toString();
            }
            if (Files.size(file) > LARGE) {
                LOG.info("Computing the SHA-256 of {}", file);
            }
            MessageDigest digest = digest();
            try (InputStream in = Files.newInputStream(file)) {
                byte[] buffer = new byte[1 << 20];
                for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                    digest.update(buffer, 0, read);
                }
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchFileException e) {
            throw new JepaException(file + ": no such file", e);
        } catch (IOException e) {
            throw new JepaException(file + ": cannot be read: " + e, e);
        }
    }
}
