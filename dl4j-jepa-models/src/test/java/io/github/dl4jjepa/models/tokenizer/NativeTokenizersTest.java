package io.github.dl4jjepa.models.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.engine.EngineException;
import io.github.dl4jjepa.core.JepaException;
import org.junit.jupiter.api.Test;

class NativeTokenizersTest {
    @Test
    void loadsOnThisPlatform() {
        assertThatCode(NativeTokenizers::load).doesNotThrowAnyException();
    }

    @Test
    void namesAPlatformWithoutALibrary() {
        assertThatThrownBy(() -> NativeTokenizers.requirePlatform("osx-x86_64"))
                .isInstanceOf(JepaException.class)
                .hasMessageContainingAll("osx-x86_64", "docs/backends.md");
    }

    @Test
    void namesTheCauseAndTheSettingWhereTheLibraryCannotBeLoaded() {
        Throwable root = new UnsatisfiedLinkError("failed to map segment from shared object");
        assertThat(NativeTokenizers.notLoaded(new EngineException("Failed to load", root)))
                .contains(root.getMessage(), ".djl.ai", "DJL_CACHE_DIR", "noexec");
    }
}
