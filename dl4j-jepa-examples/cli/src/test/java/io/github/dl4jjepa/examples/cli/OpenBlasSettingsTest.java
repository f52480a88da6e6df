package io.github.dl4jjepa.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.factory.Nd4j;

class OpenBlasSettingsTest {
    private static final String AVX_512 =
            "vendor_id\t: GenuineIntel\nmodel\t\t: 207\nflags\t\t: fpu sse2 avx2 fma avx512f"
                    + " avx512cd avx512bw avx512dq avx512vl\nbugs\t\t:\n";

    @TempDir Path folder;

    @Test
    void choosesTheWidestVectorsThatAnIntelProcessorHas() {
        assertThat(OpenBlasSettings.kernels(AVX_512)).contains("SkylakeX");
        assertThat(OpenBlasSettings.kernels(AVX_512.replace("avx512vl", ""))).contains("Haswell");
    }

    @Test
    void leavesOtherProcessorsToOpenBlas() {
        assertThat(OpenBlasSettings.kernels(AVX_512.replace("GenuineIntel", "AuthenticAMD")))
                .isEmpty();
        assertThat(OpenBlasSettings.kernels("vendor_id\t: GenuineIntel\nflags\t\t: fpu sse2\n"))
                .isEmpty();
        assertThat(OpenBlasSettings.kernels("CPU implementer\t: 0x41\n")).isEmpty();
    }

    @Test
    @EnabledOnOs(value = OS.LINUX, architectures = "amd64")
    void leavesTheKernelsOfTheEnvironmentAlone() throws IOException, InterruptedException {
        Map<String, String> environment = new HashMap<>();
        environment.put("OPENBLAS_VERBOSE", "2");
        environment.put(OpenBlasSettings.CORE_TYPE, "Nehalem");
        JavaProcess nd4j = JavaProcess.run(folder, environment, UseNd4j.class);
        assertThat(nd4j.exitCode()).as(nd4j.err()).isZero();
        assertThat(nd4j.err() + nd4j.out()).contains("Core: Nehalem");
    }

    @Test
    @EnabledOnOs(value = OS.LINUX, architectures = "amd64")
    void anIntelProcessorWithAvx2HasKernelsForIt() throws IOException, InterruptedException {
        Map<String, String> environment = new HashMap<>();
        environment.put("OPENBLAS_VERBOSE", "2");
        environment.put(OpenBlasSettings.CORE_TYPE, null);
        JavaProcess nd4j = JavaProcess.run(folder, environment, UseNd4j.class);
        assertThat(nd4j.exitCode()).as(nd4j.err()).isZero();
        assertThat(nd4j.err() + nd4j.out()).contains("Core: ").doesNotContain("Core: Prescott");
    }

    /** Starts as the command line does, then loads ND4J. */
    static final class UseNd4j {
        private UseNd4j() {}

        public static void main(String[] args) {
            OpenBlasSettings.chooseKernels();
            Nd4j.zeros(1);
        }
    }
}
