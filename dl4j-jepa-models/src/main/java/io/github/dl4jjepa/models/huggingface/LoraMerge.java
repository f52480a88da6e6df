package io.github.dl4jjepa.models.huggingface;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.models.decoder.TransformerDecoder;
import io.github.dl4jjepa.models.lora.Lora;
import io.github.dl4jjepa.models.safetensors.Dtype;
import java.nio.file.Path;

/**
 * Merges an adapter with its base into a model that needs neither, with the adapter's tokenizer.
 *
 * <pre>{@code
 * LoraMerge.merge(CheckpointFolder.open(adapter), Dtype.F32, Path.of("merged"));
 * }</pre>
 */
public final class LoraMerge {
    private LoraMerge() {}

    /**
     * Merges and writes.
     *
     * @param folder an adapter's folder, opened with its base
     * @param dtype the type that weights are rounded to: F32, BF16 or F16
     * @param target where the merged model is to be: nothing, or an empty folder
     * @throws JepaException if the folder holds no adapter, a file is missing or damaged, or the
     *     target is not empty or cannot be written
     */
    public static void merge(CheckpointFolder folder, Dtype dtype, Path target) {
        if (folder.adapter().isEmpty()) {
            throw new JepaException(
                    folder.path()
                            + ": holds no adapter. Give the folder that holds "
                            + AdapterFolder.CONFIG
                            + ".");
        }
        TransformerDecoder merged = Lora.merge(DecoderLoader.load(folder));
        CheckpointExporter.builder()
                .setSource(folder)
                .optDtype(dtype)
                .optVocabularySize(merged.vocabularySize())
                .build()
                .export(merged.parameters().arrays(), target);
    }
}
