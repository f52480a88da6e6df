package io.github.dl4jjepa.models.internal.family;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.models.decoder.DecoderConfig;
import java.util.List;
import java.util.stream.Stream;

/** A family of models: one value of {@code model_type} in config.json. */
public interface DecoderFamily {
    /** The families that can be imported. */
    List<DecoderFamily> ALL =
            Stream.<DecoderFamily[]>of(
                            LlamaFamily.values(),
                            QwenFamily.values(),
                            GemmaFamily.values(),
                            OlmoFamily.values(),
                            PhiFamily.values(),
                            Gpt2Family.values(),
                            OpenElmFamily.values())
                    .flatMap(Stream::of)
                    .toList();

    /** The {@code model_type} of the family's checkpoints. */
    String modelType();

    /**
     * Reads what a checkpoint is made of.
     *
     * @throws JepaException if a key is missing, malformed, or asks for something that is not
     *     supported
     */
    DecoderConfig configuration(ConfigJson config);

    /**
     * The family of a checkpoint.
     *
     * @throws JepaException if its {@code model_type} is none of {@link #ALL}
     */
    static DecoderFamily of(ConfigJson config) {
        String modelType = config.string("model_type");
        return ALL.stream()
                .filter(family -> family.modelType().equals(modelType))
                .findFirst()
                .orElseThrow(
                        () ->
                                config.refusal(
                                        "model_type",
                                        "\""
                                                + modelType
                                                + "\" is not supported"
                                                + (config.has("text_config")
                                                        ? ": it is a model of more than text, whose"
                                                                + " language model can be saved by"
                                                                + " itself in transformers"
                                                        : ""),
                                        "supported: "
                                                + String.join(
                                                        ", ",
                                                        ALL.stream()
                                                                .map(DecoderFamily::modelType)
                                                                .toList())));
    }
}
