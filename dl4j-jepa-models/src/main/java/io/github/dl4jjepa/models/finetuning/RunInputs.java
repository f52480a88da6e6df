package io.github.dl4jjepa.models.finetuning;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.models.huggingface.CheckpointFolder;
import io.github.dl4jjepa.models.internal.FileHash;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The files that a run is begun with: data, configuration, tokenizer and weights.
 *
 * <p>They are known by their SHA-256, so that a run can be resumed from another working directory,
 * or with files that were moved, but not with files whose content has changed.
 *
 * @param files by what they are to the run: {@code train}, {@code train 2} and so on, {@code
 *     validation}, or the name that a file has in the model's folder
 */
record RunInputs(Map<String, Path> files) {
    /** The chat template, where it was given as a file. */
    static final String TEMPLATE = "chat template";

    /**
     * The files that settings name.
     *
     * @param source the model; its weights are no input where the settings have a configuration
     */
    static RunInputs of(RunSettings settings, CheckpointFolder source) {
        Map<String, Path> files = new LinkedHashMap<>();
        for (int i = 0; i < settings.train().size(); i++) {
            files.put(i == 0 ? "train" : "train " + (i + 1), settings.train().get(i));
        }
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
        files.forEach((name, file) -> hashes.put(name, FileHash.sha256(file)));
        return hashes;
    }
}
