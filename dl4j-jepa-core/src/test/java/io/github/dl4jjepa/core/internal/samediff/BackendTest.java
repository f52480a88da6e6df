package io.github.dl4jjepa.core.internal.samediff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.environment.Nd4jEnvironment;

class BackendTest {
    @ParameterizedTest(name = "{0} {1}.{2}")
    @CsvSource({"H100, 9, 0", "B200, 10, 0", "GTX 680, 3, 0"})
    void refusesAGpuThatThePublishedBackendHasNoCodeFor(String name, int major, int minor) {
        assertThat(Backend.refusal(cuda(name, major, minor)).orElseThrow())
                .contains(name, major + "." + minor, "CPU", "CUDA_VISIBLE_DEVICES");
    }

    @ParameterizedTest(name = "{0} {1}.{2}")
    @CsvSource({"K80, 3, 7", "T4, 7, 5", "A100, 8, 0", "RTX 3090, 8, 6"})
    void acceptsAGpuThatItHasCodeFor(String name, int major, int minor) {
        assertThat(Backend.refusal(cuda(name, major, minor))).isEmpty();
    }

    @Test
    void warnsOfAGpuThatRunsTheCodeOfAnEarlierOneOfItsMajorVersion() {
        Properties ada = cuda("RTX 4070", 8, 9);
        assertThat(Backend.refusal(ada)).isEmpty();
        assertThat(Backend.caution(ada).orElseThrow())
                .contains("RTX 4070", "8.9", "not tried by us", "11.8");
    }

    @Test
    void doesNotWarnOfAGpuThatItHasCodeFor() {
        assertThat(Backend.caution(cuda("A100", 8, 0))).isEmpty();
    }

    @Test
    void namesTheCauseAndTheSettingWhereNativeLibrariesCannotBeLoaded() {
        Throwable root = new UnsatisfiedLinkError("failed to map segment from shared object");
        LinkageError error = new ExceptionInInitializerError(new RuntimeException("ND4J", root));
        assertThat(Backend.notLoaded(error))
                .contains(root.getMessage(), "org.bytedeco.javacpp.cachedir", "noexec");
    }

    @Test
    void acceptsTheCpu() {
        assertThatCode(Backend::requireUsable).doesNotThrowAnyException();
    }

    @Test
    void advisesAgainstThreadsThatSpin() {
        assertThat(Backend.advice(null).orElseThrow()).contains("OMP_WAIT_POLICY is not set");
        assertThat(Backend.advice("ACTIVE").orElseThrow()).contains("OMP_WAIT_POLICY is ACTIVE");
        assertThat(Backend.advice("passive")).isEmpty();
    }

    private static Properties cuda(String name, int major, int minor) {
        Properties environment = new Properties();
        environment.put("backend", "CUDA");
        environment.put(
                Nd4jEnvironment.CUDA_DEVICE_INFORMATION_KEY,
                List.of(
                        Map.of(
                                Nd4jEnvironment.CUDA_DEVICE_NAME_KEY,
                                name,
                                Nd4jEnvironment.CUDA_DEVICE_MAJOR_VERSION_KEY,
                                major,
                                Nd4jEnvironment.CUDA_DEVICE_MINOR_VERSION_KEY,
                                minor)));
        return environment;
    }
}
