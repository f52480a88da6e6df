package io.github.dl4jjepa.models.huggingface;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.github.dl4jjepa.core.JepaException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CheckpointFolderTest {
    @TempDir Path folder;

    private static void assertRefused(ThrowingCallable call, String... message) {
        assertThatExceptionOfType(JepaException.class)
                .isThrownBy(call)
                .withMessageContainingAll(message);
    }

    @Test
    void findsWhatAFolderHolds() {
        CheckpointFolder model = ModelFolder.whole(folder).open();

        assertThat(model.path()).isEqualTo(folder);
        assertThat(model.config().path("model_type").textValue()).isEqualTo("llama");
        assertThat(model.generationConfig()).isPresent();
        assertThat(model.weights().tensors()).containsOnlyKeys("embed", "norm");
        assertThat(model.tokenizerFile()).isEqualTo(folder.resolve("tokenizer.json"));
        assertThat(model.tokenizerConfigFile()).contains(folder.resolve("tokenizer_config.json"));
        assertThat(model.chatTemplateFile()).contains(folder.resolve("chat_template.jinja"));
    }

    @Test
    void followsTheLinksOfAHubCacheSnapshot() throws IOException {
        ModelFolder.whole(folder.resolve("blobs"));
        Path snapshot = Files.createDirectories(folder.resolve("snapshots").resolve("12af"));
        for (String name : List.of("config.json", "model.safetensors", "tokenizer.json")) {
            Files.createSymbolicLink(snapshot.resolve(name), Path.of("../../blobs/" + name));
        }

        CheckpointFolder model = CheckpointFolder.open(snapshot);

        assertThat(model.config()).isNotEmpty();
        assertThat(model.weights().tensors()).hasSize(2);
        assertThat(model.tokenizerFile()).exists();
    }

    @Test
    void opensWithoutWeightsAndRefusesOnlyWhenTheyAreAskedFor() {
        CheckpointFolder model =
                new ModelFolder(folder).resource("config.json", "config.v4.json").open();

        assertThat(model.config()).isNotEmpty();
        assertThat(model.generationConfig()).isEmpty();
        assertThat(model.tokenizerConfigFile()).isEmpty();
        assertThat(model.chatTemplateFile()).isEmpty();
        assertRefused(model::weights, folder.toString(), "model.safetensors", "Download");
        assertRefused(model::tokenizerFile, "tokenizer.json", "no such file", "save_pretrained");
    }

    @Test
    void refusesAFolderThatIsNotThere() {
        assertRefused(
                () -> CheckpointFolder.open(folder.resolve("gone")), "gone", "no such folder");
    }

    @ParameterizedTest
    @CsvSource({
        "org\\model, org/model",
        "./org/model, org/name@revision",
        "datasets/org/data, dataset",
        "https://huggingface.co/org/model, name alone"
    })
    void saysWhatToWriteWhereThereIsNeitherAFolderNorAName(String text, String advice) {
        assertRefused(() -> CheckpointFolder.of(text), text + ": no such folder", advice);
    }

    @Test
    void refusesATextThatCannotBeAPath() {
        assertRefused(() -> CheckpointFolder.of("a\0b"), "no such folder");
    }

    @Test
    void opensAFolderByItsPath() {
        CheckpointFolder model = ModelFolder.whole(folder).open();
        assertThat(CheckpointFolder.of(folder.toString()).path()).isEqualTo(model.path());
    }

    @Test
    void refusesAFileInPlaceOfAFolder() {
        new ModelFolder(folder).file("x", "");
        assertRefused(() -> CheckpointFolder.open(folder.resolve("x")), "x: is not a folder");
    }

    @Test
    void refusesAMissingConfiguration() {
        CheckpointFolder model = new ModelFolder(folder).open();
        assertRefused(model::config, "config.json: no such file", "folder that holds a model");
    }

    @Test
    void refusesABrokenConfigurationWithItsLineAndColumn() {
        CheckpointFolder model =
                new ModelFolder(folder).file("config.json", "{\n  \"a\": 1,\n  \"b\" 2\n}").open();
        assertRefused(model::config, "config.json, line 3, column 7", "download");
    }

    @Test
    void refusesAConfigurationThatIsNestedBeyondReading() {
        CheckpointFolder model =
                new ModelFolder(folder).file("config.json", "{\"a\":" + "[".repeat(100_000)).open();
        assertRefused(model::config, "config.json", "not valid JSON");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "[]", "null", "1"})
    void refusesAConfigurationThatIsNoObject(String content) {
        CheckpointFolder model = new ModelFolder(folder).file("config.json", content).open();
        assertRefused(model::config, "config.json", "JSON object");
    }

    @Test
    void refusesTextAfterTheConfiguration() {
        CheckpointFolder model = new ModelFolder(folder).file("config.json", "{}\n{}").open();
        assertRefused(model::config, "config.json, line 2");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            nullValues = "absent",
            value = {
                "{\"eos_token_id\": 2}       | {\"eos_token_id\": 5} | 2",
                "{\"eos_token_id\": [9, 8]}  | {\"eos_token_id\": 5} | 9,8",
                "{\"eos_token_id\": null}    | {\"eos_token_id\": 5} | 5",
                "{}                          | {\"eos_token_id\": [5, 6]} | 5,6",
                "absent                      | {\"eos_token_id\": 5} | 5",
                "absent                      | {\"eos_token_id\": null} | ''",
                "absent                      | {}                    | ''"
            })
    void takesEndTokensFromTheGenerationConfigurationFirst(
            String generation, String config, String expected) {
        ModelFolder model = new ModelFolder(folder).file("config.json", config);
        if (generation != null) {
            model.file("generation_config.json", generation);
        }
        assertThat(model.open().endTokenIds())
                .map(String::valueOf)
                .containsExactly(expected.isEmpty() ? new String[0] : expected.split(","));
    }

    @ParameterizedTest
    @ValueSource(strings = {"\"</s>\"", "[1, \"2\"]", "-1", "1.5", "99999999999", "{}"})
    void refusesEndTokensThatAreNoIds(String value) {
        CheckpointFolder model =
                new ModelFolder(folder)
                        .file("config.json", "{\"eos_token_id\": 1}")
                        .file("generation_config.json", "{\"eos_token_id\": " + value + "}")
                        .open();
        assertRefused(model::endTokenIds, "generation_config.json", "eos_token_id");
    }
}
