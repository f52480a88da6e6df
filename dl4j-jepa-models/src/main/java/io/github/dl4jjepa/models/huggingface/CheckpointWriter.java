package io.github.dl4jjepa.models.huggingface;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.models.decoder.DecoderConfig;
import io.github.dl4jjepa.models.safetensors.Dtype;
import io.github.dl4jjepa.models.safetensors.SafetensorsWriter;
import io.github.dl4jjepa.models.tokenizer.TokenizerFiles;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.Map;
import java.util.stream.Stream;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Writes a trained model as a Hugging Face folder that transformers loads: the configuration and
 * tokenizer of the folder it came from, with the weights of now. Keys of config.json that training
 * does not touch stay as they were.
 */
public final class CheckpointWriter {
    private final CheckpointFolder source;
    private final TokenizerFiles tokenizer;

    /**
     * @param source the folder the model came from
     * @param tokenizer the tokenizer files to write, with the [PRED] tokens that the model has
     *     learnt
     */
    public CheckpointWriter(CheckpointFolder source, TokenizerFiles tokenizer) {
        this.source = source;
        this.tokenizer = tokenizer;
    }

    /**
     * Writes a folder, whole or not at all.
     *
     * @param folder the new folder; it must not exist or be empty
     * @param parameters the model's arrays by name
     * @throws JepaException if the folder holds something, or cannot be written
     */
    public void write(Path folder, Map<String, INDArray> parameters) {
        requireEmpty(folder);
        writeWhole(folder, partial -> writeModel(partial, parameters));
    }

    /**
     * Refuses a folder that holds something.
     *
     * @throws JepaException if it does
     */
    public static void requireEmpty(Path folder) {
        if (!Files.exists(folder)) {
            return;
        }
        try (Stream<Path> entries = Files.list(folder)) {
            if (entries.findAny().isPresent()) {
                throw new JepaException(folder + ": the folder is not empty; name a new one");
            }
        } catch (IOException e) {
            throw new JepaException(
                    folder + ": is no folder that can be written to: " + e.getMessage(), e);
        }
    }

    /** Writes the model's files into a folder that exists. */
    void writeModel(Path folder, Map<String, INDArray> parameters) throws IOException {
        JsonFile.write(folder.resolve(CheckpointFolder.CONFIG_FILE), config(parameters));
        Path generationConfig = source.path().resolve(CheckpointFolder.GENERATION_CONFIG_FILE);
        if (Files.exists(generationConfig)) {
            Files.copy(generationConfig, folder.resolve(CheckpointFolder.GENERATION_CONFIG_FILE));
        }
        tokenizer.write(folder);
        SafetensorsWriter.writeCheckpoint(
                folder, parameters, Dtype.F32, SafetensorsWriter.DEFAULT_SHARD_BYTES);
    }

    private ObjectNode config(Map<String, INDArray> parameters) {
        ObjectNode config = source.config();
        config.put("vocab_size", parameters.get(DecoderConfig.EMBEDDING).size(0));
        config.put(
                config.has("dtype") || !config.has("torch_dtype") ? "dtype" : "torch_dtype",
                "float32");
        return config;
    }

    /** What fills a folder. */
    interface Content {
        void writeTo(Path folder) throws IOException;
    }

    /**
     * Writes a folder beside its place, forces it to the disk, and moves it into place in one step.
     */
    static void writeWhole(Path folder, Content content) {
        Path partial = folder.resolveSibling(folder.getFileName() + ".partial");
        try {
            Files.createDirectories(folder.toAbsolutePath().getParent());
            delete(partial);
            Files.createDirectory(partial);
            content.writeTo(partial);
            try (Stream<Path> files = Files.list(partial)) {
                for (Path file : files.toList()) {
                    force(file);
                }
            }
            Files.deleteIfExists(folder);
            Files.move(partial, folder, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new JepaException(folder + ": cannot be written: " + e.getMessage(), e);
        }
    }

    /** Replaces a file in one step. */
    static void replace(Path file, Object json) throws IOException {
        Path partial = file.resolveSibling(file.getFileName() + ".partial");
        JsonFile.write(partial, json);
        force(partial);
        Files.move(
                partial, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    static void delete(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    private static void force(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.force(true);
        }
    }
}
