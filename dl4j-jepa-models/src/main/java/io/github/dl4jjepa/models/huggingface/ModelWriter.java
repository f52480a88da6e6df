package io.github.dl4jjepa.models.huggingface;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.internal.IoFailures;
import io.github.dl4jjepa.models.safetensors.Dtype;
import io.github.dl4jjepa.models.safetensors.SafetensorsCheckpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Writes a trained model as a folder: a whole model by {@link CheckpointExporter}, an adapter by
 * {@link AdapterExporter}.
 */
public abstract sealed class ModelWriter permits CheckpointExporter, AdapterExporter {
    private final Dtype dtype;
    private final String config;

    /**
     * @param dtype the type that weights are rounded to
     * @param config the name of the file that makes the folder a model
     */
    ModelWriter(Dtype dtype, String config) {
        this.dtype = dtype;
        this.config = config;
    }

    /** Fills an empty folder. */
    abstract void write(Map<String, INDArray> tensors, Dtype written, Path folder)
            throws IOException;

    /** Opens the weights that {@link #write} has written. */
    abstract SafetensorsCheckpoint weights(Path folder);

    /**
     * Writes a model's folder, whole or not at all.
     *
     * @param tensors the weights, FLOAT, under the names that transformers gives them
     * @param target where the folder is to be: nothing, or an empty folder
     * @throws JepaException if the target is not empty or cannot be written
     */
    public void export(Map<String, INDArray> tensors, Path target) {
        Path folder = target.toAbsolutePath().normalize();
        try {
            checkVacant(target);
            Path parent = Objects.requireNonNull(folder.getParent());
            Files.createDirectories(parent);
            Path partial = parent.resolve("." + folder.getFileName() + DurableFiles.PARTIAL);
            DurableFiles.delete(partial);
            Files.createDirectory(partial);
            try {
                write(tensors, dtype, partial);
                Files.deleteIfExists(folder);
                DurableFiles.publish(partial, folder);
            } finally {
                DurableFiles.delete(partial);
            }
        } catch (IOException e) {
            throw new JepaException(target + ": cannot be written: " + IoFailures.describe(e), e);
        }
    }

    /**
     * Writes a model's files into a folder that may hold other files. They are written beside their
     * places and moved there one by one, the configuration last.
     *
     * @param tensors the weights, FLOAT, under the names that transformers gives them
     * @param folder an existing folder; model files in it are replaced
     * @throws JepaException if the folder cannot be written
     */
    public void exportInto(Map<String, INDArray> tensors, Path folder) {
        Path partial = folder.resolve(".model" + DurableFiles.PARTIAL);
        try {
            DurableFiles.delete(partial);
            Files.createDirectory(partial);
            write(tensors, dtype, partial);
            List<Path> files;
            try (Stream<Path> written = Files.walk(partial)) {
                files =
                        written.filter(Files::isRegularFile)
                                .map(partial::relativize)
                                .sorted(Comparator.comparing(file -> file.endsWith(config)))
                                .toList();
            }
            for (Path file : files) {
                Files.createDirectories(folder.resolve(file).getParent());
                Files.move(
                        partial.resolve(file),
                        folder.resolve(file),
                        StandardCopyOption.REPLACE_EXISTING,
                        StandardCopyOption.ATOMIC_MOVE);
            }
        } catch (IOException | JepaException e) {
            throw new JepaException(
                    folder
                            + ": the trained model cannot be written: "
                            + (e instanceof IOException failure
                                    ? IoFailures.describe(failure)
                                    : e.getMessage()),
                    e);
        } finally {
            DurableFiles.discard(partial);
        }
    }

    private static void checkVacant(Path target) throws IOException {
        if (!Files.exists(target)) {
            return;
        }
        if (!Files.isDirectory(target)) {
            throw new JepaException(target + ": is a file. Choose another output folder.");
        }
        try (Stream<Path> content = Files.list(target)) {
            if (content.findAny().isPresent()) {
                throw new JepaException(
                        target + ": is not empty. Choose another output folder, or empty it.");
            }
        }
    }
}
