package io.github.dl4jjepa.models.verification;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.LayoutKind;
import io.github.dl4jjepa.models.Fixtures;
import io.github.dl4jjepa.models.decoder.TransformerDecoder;
import io.github.dl4jjepa.models.huggingface.CheckpointFolder;
import io.github.dl4jjepa.models.huggingface.DecoderLoader;
import io.github.dl4jjepa.models.safetensors.Dtype;
import io.github.dl4jjepa.models.safetensors.SafetensorsCheckpoint;
import io.github.dl4jjepa.models.safetensors.SafetensorsWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

class VerificationTest {
    @ParameterizedTest(name = "{0} with {1}")
    @CsvSource({
        "llama, config.json",
        "llama, config.v4.json",
        "llama-untied, config.json",
        "llama-untied, config.v4.json",
        "mistral, config.json",
        "mistral, config.v4.json",
        "qwen2, config.json",
        "qwen2, config.v4.json",
        "qwen3, config.json",
        "qwen3, config.v4.json",
        "gemma, config.json",
        "gemma, config.v4.json",
        "gemma2, config.json",
        "gemma2, config.v4.json",
        "gemma3, config.json",
        "gemma3, config.v4.json",
        "olmo, config.json",
        "olmo, config.v4.json",
        "olmo2, config.json",
        "olmo2, config.v4.json",
        "phi, config.json",
        "phi, config.v4.json",
        "phi3, config.json",
        "phi3, config.v4.json",
        "phi3-longrope-partial, config.json",
        "phi3-longrope-partial, config.v4.json",
        "gpt2, config.json",
        "gpt2, config.v4.json",
        "openelm, config.json"
    })
    void theImportAgreesWithTransformers(String model, String config, @TempDir Path folder)
            throws Exception {
        Fixtures.copy(model, folder);
        Files.copy(folder.resolve(config), folder.resolve("config.json.new"));
        Files.move(
                folder.resolve("config.json.new"),
                folder.resolve("config.json"),
                StandardCopyOption.REPLACE_EXISTING);

        TransformerDecoder decoder = DecoderLoader.load(CheckpointFolder.open(folder));
        Verification.Report report = Verification.run(decoder, folder, 1e-5);

        assertThat(report.checked())
                .allSatisfy(check -> assertThat(check.passed()).as("%s", check).isTrue());
        assertThat(report.checked())
                .extracting(Verification.Check::name)
                .contains("hidden", "logits", "enc_text", "pred_text", "enc_code")
                .contains("greedy tokens 1", "greedy tokens 2");
        for (LayoutKind layout : LayoutKind.values()) {
            assertThat(report.checked())
                    .extracting(Verification.Check::name)
                    .contains(
                            "loss lm, " + layout,
                            "loss cosine_k0, " + layout,
                            "loss cosine_k2, " + layout,
                            "loss total, " + layout,
                            "gradient " + decoder.config().names().embedding() + ", " + layout);
        }
        assertThat(report.skipped()).allMatch(name -> name.matches("(l2|mse|infonce.*)_k[02]"));
    }

    @Test
    void anAdapterAgreesWithPeft() {
        Path folder = Fixtures.model("llama-lora");
        TransformerDecoder decoder = DecoderLoader.load(CheckpointFolder.open(folder));
        Verification.Report report = Verification.run(decoder, folder, 1e-5);
        assertThat(report.checked())
                .allSatisfy(check -> assertThat(check.passed()).as("%s", check).isTrue());
        Set<String> trained = decoder.parameters().trainable().names();
        assertThat(trained).hasSize(28);
        assertThat(report.checked())
                .extracting(Verification.Check::name)
                .contains("hidden", "logits", "pred_text", "loss total, separate")
                .containsAll(trained.stream().map(name -> "gradient " + name + ", block").toList());
    }

    @Test
    void aWeightThatIsWrongFailsTheChecksThatDependOnIt() {
        TransformerDecoder decoder =
                DecoderLoader.load(CheckpointFolder.open(Fixtures.model("llama")));
        decoder.parameters().array("model.layers.1.mlp.up_proj.weight").muli(1.01);

        Verification.Report report = Verification.run(decoder, Fixtures.model("llama"), 1e-4);

        assertThat(report.failed()).isGreaterThan(10);
        assertThat(report.checked())
                .filteredOn(check -> !check.passed())
                .extracting(Verification.Check::name)
                .contains(
                        "hidden",
                        "logits",
                        "loss lm, shared-prefix",
                        "gradient model.norm.weight, block");
    }

    @Test
    void aFolderWithoutReferenceIsRefusedByName(@TempDir Path empty) {
        TransformerDecoder decoder =
                DecoderLoader.load(CheckpointFolder.open(Fixtures.model("llama")));
        assertThatThrownBy(() -> Verification.run(decoder, empty, 1e-4))
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("golden.json");
    }

    @Test
    void aReferenceWithARowThatHasNoAnswerIsRefusedByItsNumber(@TempDir Path folder)
            throws Exception {
        Fixtures.copy("llama", folder);
        Path file = folder.resolve("golden.safetensors");
        SafetensorsCheckpoint golden = SafetensorsCheckpoint.open(file);
        Map<String, INDArray> tensors = new LinkedHashMap<>();
        golden.tensors()
                .keySet()
                .forEach(name -> tensors.put(name, golden.read(name).castTo(DataType.FLOAT)));
        INDArray text = tensors.get("text_mask");
        INDArray row = tensors.get("attention_mask").getRow(1);
        row.assign(0);
        row.get(NDArrayIndex.interval(0, text.getRow(1).sumNumber().intValue())).assign(1);
        tensors.get("code_mask").getRow(1).assign(0);
        Path changed = folder.resolve("changed.safetensors");
        SafetensorsWriter.writeFile(changed, tensors, Dtype.F32);
        Files.move(changed, file, StandardCopyOption.REPLACE_EXISTING);

        TransformerDecoder decoder = DecoderLoader.load(CheckpointFolder.open(folder));
        assertThatThrownBy(() -> Verification.run(decoder, folder, 1e-4))
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("golden.json: example 2 has no answer")
                .hasMessageContaining("docs/verify.md");
    }
}
