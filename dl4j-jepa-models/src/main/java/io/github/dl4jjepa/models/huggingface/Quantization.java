package io.github.dl4jjepa.models.huggingface;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.dl4jjepa.models.safetensors.Dtype;
import io.github.dl4jjepa.models.safetensors.SafetensorsCheckpoint;
import java.util.Collection;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/** How the weights of a checkpoint are quantized, by its configuration or by their looks. */
final class Quantization {
    /** Where tools say so: transformers, older compressed-tensors, MLX. */
    private static final List<String> KEYS =
            List.of("quantization_config", "compression_config", "quantization");

    /** Tensors that a method adds, in the order in which they are told apart. */
    private static final Map<String, Pattern> TENSORS = new LinkedHashMap<>();

    static {
        TENSORS.put(
                "bitsandbytes",
                Pattern.compile(".*(\\.absmax|\\.quant_map|\\.quant_state\\..*|\\.SCB)"));
        TENSORS.put("gptq", Pattern.compile(".*\\.g_idx"));
        TENSORS.put("gptq or awq", Pattern.compile(".*\\.(qweight|qzeros)"));
        TENSORS.put("exl2", Pattern.compile(".*\\.q_(weight|scale|perm|groups)"));
        TENSORS.put("hqq", Pattern.compile(".*\\.W_q"));
        TENSORS.put("aqlm", Pattern.compile(".*\\.codebooks"));
        TENSORS.put("compressed-tensors", Pattern.compile(".*\\.weight_(packed|zero_point)"));
        TENSORS.put(
                "fp8", Pattern.compile(".*\\.(weight_scale(_inv)?|weight_scale_2|input_scale)"));
        TENSORS.put("mxfp4", Pattern.compile(".*_(blocks|scales)"));
    }

    private static final Set<Dtype> NARROW_FLOATS =
            EnumSet.of(
                    Dtype.F8_E4M3,
                    Dtype.F8_E5M2,
                    Dtype.F8_E4M3FNUZ,
                    Dtype.F8_E5M2FNUZ,
                    Dtype.F8_E8M0,
                    Dtype.F6_E2M3,
                    Dtype.F6_E3M2,
                    Dtype.F4);

    private static final Set<Dtype> PACKED = EnumSet.of(Dtype.I8, Dtype.U8, Dtype.I32, Dtype.U32);

    private Quantization() {}

    /** The method that a configuration names. */
    static Optional<String> of(ObjectNode config) {
        for (String key : KEYS) {
            JsonNode settings = config.path(key);
            if (settings.isMissingNode() || settings.isNull() || settings.isEmpty()) {
                continue;
            }
            JsonNode method = settings.path("quant_method");
            if (method.isTextual()) {
                return Optional.of(method.textValue());
            }
            if (settings.path("load_in_4bit").asBoolean()
                    || settings.path("load_in_8bit").asBoolean()) {
                return Optional.of("bitsandbytes");
            }
            return Optional.of(
                    switch (key) {
                        case "compression_config" -> "compressed-tensors";
                        case "quantization" -> "mlx";
                        default -> "unknown";
                    });
        }
        return Optional.empty();
    }

    /** The method by whose tensors weights are recognized. */
    static Optional<String> of(Collection<SafetensorsCheckpoint.TensorInfo> tensors) {
        for (Map.Entry<String, Pattern> method : TENSORS.entrySet()) {
            if (tensors.stream()
                    .anyMatch(tensor -> method.getValue().matcher(tensor.name()).matches())) {
                return Optional.of(method.getKey());
            }
        }
        return tensors.stream()
                .filter(
                        tensor ->
                                NARROW_FLOATS.contains(tensor.dtype())
                                        || PACKED.contains(tensor.dtype())
                                                && tensor.name().endsWith(".weight"))
                .findFirst()
                .map(tensor -> tensor.dtype() + " weights");
    }
}
