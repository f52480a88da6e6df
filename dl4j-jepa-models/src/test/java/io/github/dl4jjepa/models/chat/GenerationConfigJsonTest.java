package io.github.dl4jjepa.models.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.models.generation.GenerationOptions;
import io.github.dl4jjepa.models.huggingface.CheckpointFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GenerationConfigJsonTest {
    @TempDir private Path folder;

    private GenerationOptions read(String json) throws IOException {
        Files.writeString(folder.resolve("config.json"), "{\"model_type\": \"llama\"}");
        Files.writeString(folder.resolve("generation_config.json"), json);
        return GenerationConfigJson.read(CheckpointFolder.open(folder)).build();
    }

    @Test
    void takesWhatTheFileSays() throws IOException {
        GenerationOptions options =
                read(
                        "{\"do_sample\": true, \"temperature\": 0.6, \"top_p\": 0.9, \"top_k\": 20,"
                                + " \"min_p\": 0.1, \"repetition_penalty\": 1.05,"
                                + " \"no_repeat_ngram_size\": 3, \"max_new_tokens\": 2048}");
        assertThat(options.sampled()).isTrue();
        assertThat(options.temperature()).isEqualTo(0.6);
        assertThat(options.topP()).isEqualTo(0.9);
        assertThat(options.topK()).isEqualTo(20);
        assertThat(options.minP()).isEqualTo(0.1);
        assertThat(options.repetitionPenalty()).isEqualTo(1.05);
        assertThat(options.noRepeatNgramSize()).isEqualTo(3);
        assertThat(options.maxNewTokens()).isEqualTo(2048);
    }

    @Test
    void hasTransformersDefaultsForWhatIsNotGiven() throws IOException {
        GenerationOptions options = read("{\"eos_token_id\": 2, \"temperature\": null}");
        assertThat(options.sampled()).isFalse();
        assertThat(options.temperature()).isEqualTo(1);
        assertThat(options.topK()).isEqualTo(50);
        assertThat(options.topP()).isEqualTo(1);
    }

    @Test
    void aGreedyModelsTemperatureOfZeroHasNoEffect() throws IOException {
        assertThat(read("{\"do_sample\": false, \"temperature\": 0.0}").temperature()).isEqualTo(1);
    }

    @Test
    void refusesAValueOutOfItsRange() {
        assertThatThrownBy(() -> read("{\"do_sample\": true, \"top_p\": 1.5}"))
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("generation_config.json")
                .hasMessageContaining("topP must be above 0 and at most 1, not 1.5");
    }

    @Test
    void refusesAValueOfAnotherType() {
        assertThatThrownBy(() -> read("{\"do_sample\": \"yes\"}"))
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("do_sample must be true or false, not \"yes\"");
        assertThatThrownBy(() -> read("{\"top_k\": \"50\"}"))
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("top_k must be a number, not \"50\"");
    }
}
