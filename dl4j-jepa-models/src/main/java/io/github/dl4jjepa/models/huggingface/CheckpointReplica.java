package io.github.dl4jjepa.models.huggingface;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.models.internal.FileHash;
import io.github.dl4jjepa.models.internal.Versions;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Lets another process open the checkpoint that this one has opened: where it is, and the SHA-256
 * of its files. The files are not in it.
 */
public final class CheckpointReplica implements Serializable {
    private static final long serialVersionUID = 1L;

    private final String versions = versions();
    private final String model;
    private final @Nullable String base;
    private final @Nullable String config;
    private final boolean tokenizes;

    @SuppressWarnings("serial") // a TreeMap
    private final Map<String, String> sha256;

    private CheckpointReplica(CheckpointFolder folder, @Nullable String config, boolean tokenizes) {
        boolean isAdapter = folder.adapter().isPresent();
        model = isAdapter ? folder.openedPath().toAbsolutePath().toString() : folder.baseName();
        base = isAdapter ? folder.baseName() : null;
        this.config = config;
        this.tokenizes = tokenizes;
        sha256 = sha256(folder);
    }

    /**
     * Hashes a checkpoint's configuration and weights, such as for training on tokens.
     *
     * @param config the configuration of a model with random weights, whose files are not needed;
     *     null for the checkpoint's
     */
    public static CheckpointReplica ofDecoder(CheckpointFolder folder, @Nullable Path config) {
        return new CheckpointReplica(
                folder, config == null ? null : config.toAbsolutePath().toString(), false);
    }

    /**
     * Hashes the files of a checkpoint that decide what it answers: configuration, weights,
     * tokenizer and chat templates.
     */
    public static CheckpointReplica of(CheckpointFolder folder) {
        return new CheckpointReplica(folder, null, true);
    }

    private static String versions() {
        return "dl4j-jepa " + Versions.jepa() + " for Deeplearning4j " + Versions.deeplearning4j();
    }

    private Map<String, String> sha256(CheckpointFolder folder) {
        Map<String, Path> files = new TreeMap<>();
        files.put(CheckpointFolder.CONFIG, folder.configFile());
        if (config == null) {
            files.putAll(folder.weightFiles());
        }
        if (tokenizes) {
            files.putAll(folder.tokenizerFiles());
            folder.optional(CheckpointFolder.GENERATION_CONFIG)
                    .ifPresent(file -> files.put(CheckpointFolder.GENERATION_CONFIG, file));
        }
        Map<String, String> hashes = new TreeMap<>();
        files.forEach((name, file) -> hashes.put(name, FileHash.sha256(file)));
        return hashes;
    }

    /**
     * Opens the checkpoint in this process.
     *
     * @throws JepaException if it is not here, or its files or this library are not those of the
     *     other process
     */
    public CheckpointFolder open() {
        if (!versions.equals(versions())) {
            throw new JepaException(
                    "this is "
                            + versions()
                            + ", and the run was begun with "
                            + versions
                            + "; give both the same jar");
        }
        CheckpointFolder found = CheckpointFolder.of(model, base);
        CheckpointFolder folder = config == null ? found : found.withConfig(Path.of(config));
        Map<String, String> here = sha256(folder);
        sha256.forEach(
                (name, hash) -> {
                    if (!hash.equals(here.get(name))) {
                        throw new JepaException(
                                folder.openedPath()
                                        + ": "
                                        + name
                                        + (here.containsKey(name) ? " differs" : " is missing")
                                        + " here from the one that the run was begun with; copy"
                                        + " the model's folder anew");
                    }
                });
        return folder;
    }
}
