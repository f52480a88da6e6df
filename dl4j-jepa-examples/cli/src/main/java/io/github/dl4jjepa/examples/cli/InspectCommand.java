package io.github.dl4jjepa.examples.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.models.decoder.DecoderConfig;
import io.github.dl4jjepa.models.huggingface.CheckpointFolder;
import io.github.dl4jjepa.models.internal.family.ConfigJson;
import io.github.dl4jjepa.models.internal.family.DecoderFamily;
import io.github.dl4jjepa.models.lora.Lora;
import io.github.dl4jjepa.models.lora.LoraOptions;
import io.github.dl4jjepa.models.safetensors.SafetensorsCheckpoint;
import io.github.dl4jjepa.models.tokenizer.ChatTemplate;
import io.github.dl4jjepa.models.tokenizer.TokenizerFiles;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code jepa inspect}. */
@Command(
        name = "inspect",
        description = {
            "Says what a checkpoint is: its family, its size, the memory that training takes, and which keys of"
                    + " config.json were read. Loads no weights."
        },
        footerHeading = "%nExample:%n",
        footer = "  jepa inspect --model SmolLM2-135M-Instruct")
final class InspectCommand implements Callable<InspectCommand.Result> {
    private static final int FLOAT_BYTES = 4;

    /** Weights, gradients, and AdamW's two moments. */
    private static final int ARRAYS_IN_TRAINING = 4;

    @Mixin private LoraOptionsMixin lora;

    @Spec private CommandSpec spec;

    @Option(
            names = "--model",
            required = true,
            paramLabel = "DIR|NAME",
            description = "Folder of the model, or its name on the Hugging Face hub.")
    private String model;

    @Mixin private BaseOptionMixin base;

    /**
     * What the command prints; gigabytes are 10^9 bytes.
     *
     * @param loraParameters how many of them an adapter has, that of the folder or of the options;
     *     null without one
     * @param trainingGb weights, gradients and optimizer state in float32, of the adapter alone
     *     where there is one; what a step keeps besides depends on its tokens
     * @param dtypes how many tensors are stored in each type
     * @param quantization the method by which weights are quantized, which training refuses
     */
    record Result(
            String family,
            long parameters,
            @Nullable Long loraParameters,
            int layers,
            int hiddenSize,
            int vocabularySize,
            int maxPositions,
            Map<String, Integer> dtypes,
            @Nullable String quantization,
            double weightsGb,
            double trainingGb,
            boolean tokenizer,
            boolean chatTemplate,
            Set<String> configKeysRead,
            List<String> configKeysIgnored) {}

    @Override
    public Result call() {
        CheckpointFolder folder = base.open(model);
        ObjectNode json = folder.config();
        ConfigJson keys = new ConfigJson(json, folder.configFile().toString());
        DecoderFamily family = DecoderFamily.of(keys);
        DecoderConfig config = family.configuration(keys);
        SafetensorsCheckpoint weights = folder.weights();
        Map<String, Integer> dtypes = new TreeMap<>();
        weights.tensors()
                .values()
                .forEach(tensor -> dtypes.merge(tensor.dtype().toString(), 1, Integer::sum));
        long parameters =
                config.parameterShapes().values().stream()
                        .mapToLong(shape -> Arrays.stream(shape).reduce(1, Math::multiplyExact))
                        .sum();
        List<String> ignored = new ArrayList<>();
        json.fieldNames()
                .forEachRemaining(
                        key -> {
                            if (!keys.keysRead().contains(key)) {
                                ignored.add(key);
                            }
                        });
        PrintWriter err = spec.commandLine().getErr();
        weights.tensors()
                .forEach(
                        (name, tensor) ->
                                err.printf(
                                        Locale.ROOT,
                                        "%-60s %-5s %s%n",
                                        name,
                                        tensor.dtype(),
                                        tensor.shape()));
        Long adapted = adapterParameters(folder, config);
        double weightsGb = parameters * (double) FLOAT_BYTES / 1e9;
        return new Result(
                family.modelType(),
                parameters,
                adapted,
                config.layers(),
                config.hiddenSize(),
                config.vocabularySize(),
                config.maxPositions(),
                dtypes,
                folder.quantization().orElse(null),
                weightsGb,
                adapted == null
                        ? ARRAYS_IN_TRAINING * weightsGb
                        : weightsGb + ARRAYS_IN_TRAINING * adapted * (double) FLOAT_BYTES / 1e9,
                Files.exists(folder.tokenizerFolder().resolve("tokenizer.json")),
                hasChatTemplate(folder),
                keys.keysRead(),
                ignored);
    }

    /** How many parameters the adapter has; null without one. */
    private @Nullable Long adapterParameters(CheckpointFolder folder, DecoderConfig config) {
        LoraOptions options =
                folder.adapter().isPresent()
                        ? folder.adapter().get().loraOptions()
                        : lora.options();
        return options == null
                ? null
                : Lora.shapes(options, config, Map.of()).values().stream()
                        .mapToLong(shape -> shape[0] * shape[1])
                        .sum();
    }

    /** Whether there is a chat template that can be read. */
    private static boolean hasChatTemplate(CheckpointFolder folder) {
        try {
            ChatTemplate.of(TokenizerFiles.read(folder.tokenizerFolder()));
            return true;
        } catch (JepaException e) {
            return false;
        }
    }
}
