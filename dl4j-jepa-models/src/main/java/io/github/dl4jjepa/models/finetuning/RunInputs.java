package io.github.dl4jjepa.models.finetuning;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.models.huggingface.CheckpointFolder;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The files that a run is begun with: data, configuration, tokenizer and weights.
 *
 * <p>They are known by their SHA-256, so that a run can be resumed from another working directory,
 * or with files that were moved, but not with files whose content has changed.
 *
 * @param files by what they are to the run: {@code train}, {@code validation}, or the name that a
 *     file has in the model's folder
 */
record RunInputs(Map<String, Path> files) {
    private static final Logger LOG = LoggerFactory.getLogger(RunInputs.class);

    /** The chat template, where it was given as a file. */
    static final String TEMPLATE = "chat template";

    /** How many bytes take seconds to read. */
    private static final long LARGE = 1L << 30;

    /**
     * The hub's cache names a file that Git LFS holds by its SHA-256, and others by Git's SHA-1.
     */
    private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");

    /**
     * The files that settings name.
     *
     * @param source the model; its weights are no input where the settings have a configuration
     */
    static RunInputs of(RunSettings settings, CheckpointFolder source) {
        Map<String, Path> files = new LinkedHashMap<>();
        files.put("train", settings.train());
        if (settings.validation() != null) {
            files.put("validation", settings.validation());
        }
        settings.template().file().ifPresent(file -> files.put(TEMPLATE, file));
        files.putAll(source.tokenizerFiles());
        files.put("config.json", source.configFile());
        if (settings.config() == null) {
            files.putAll(source.weightFiles());
        }
        return new RunInputs(files);
    }

    /**
     * Reads all files.
     *
     * @return the SHA-256 of each, in hexadecimal
     * @throws JepaException if a file cannot be read
     */
    Map<String, String> sha256() {
        Map<String, String> hashes = new LinkedHashMap<>();
        files.forEach((name, file) -> hashes.put(name, sha256(file)));
        return hashes;
    }

    private static String sha256(Path file) {
        try {
            Path real = file.toRealPath();
            if (Objects.requireNonNull(real.getParent()).endsWith("blobs")
                    && SHA256.matcher(real.getFileName().toString()).matches()) {
                return real.getFileName().toString();
            }
            if (Files.size(file) > LARGE) {
                LOG.info("Computing the SHA-256 of {}", file);
            }
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
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
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
