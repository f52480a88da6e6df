package io.github.dl4jjepa.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jjepa.core.internal.samediff.Backend;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Asks the OpenMP library that ND4J brings along, which prints its settings when it is loaded. How
 * long threads spin tells the policy; the policy itself is printed as passive where none is set.
 */
@EnabledOnOs(OS.LINUX)
class OpenMpSettingsTest {
    @TempDir Path folder;

    @Test
    void letsThreadsWaitPassively() throws IOException, InterruptedException {
        assertThat(settingsOfNd4j(null)).contains("GOMP_SPINCOUNT = '0'");
    }

    @Test
    void leavesThePolicyOfTheEnvironmentAlone() throws IOException, InterruptedException {
        assertThat(settingsOfNd4j("ACTIVE")).contains("GOMP_SPINCOUNT = '30000000000'");
    }

    private String settingsOfNd4j(String policyOfEnvironment)
            throws IOException, InterruptedException {
        Map<String, String> environment = new HashMap<>();
        environment.put("OMP_DISPLAY_ENV", "verbose");
        environment.put("GOMP_SPINCOUNT", null);
        environment.put(Backend.WAIT_POLICY, policyOfEnvironment);
        JavaProcess nd4j = JavaProcess.run(folder, environment, UseNd4j.class);
        assertThat(nd4j.exitCode()).as(nd4j.err()).isZero();
        return nd4j.err();
    }

    /** Starts as the command line does, then loads ND4J. */
    static final class UseNd4j {
        private UseNd4j() {}

        public static void main(String[] args) {
            OpenMpSettings.waitPassively();
            Nd4j.zeros(1);
        }
    }
}
