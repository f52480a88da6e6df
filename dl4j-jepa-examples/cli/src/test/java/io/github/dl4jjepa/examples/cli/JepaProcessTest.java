package io.github.dl4jjepa.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JepaProcessTest {
    @TempDir Path folder;

    @Test
    void printsHelpOnStandardOutput() throws IOException, InterruptedException {
        JavaProcess jepa = JavaProcess.run(folder, Map.of(), JepaCommand.class, "--help");

        assertThat(jepa.exitCode()).isZero();
        assertThat(jepa.out()).startsWith("Usage: jepa");
        assertThat(jepa.err()).isEmpty();
    }

    @Test
    void reportsWrongUsageOnStandardError() throws IOException, InterruptedException {
        JavaProcess jepa = JavaProcess.run(folder, Map.of(), JepaCommand.class, "--no-such-option");

        assertThat(jepa.exitCode()).isEqualTo(2);
        assertThat(jepa.out()).isEmpty();
        assertThat(jepa.err()).startsWith("jepa: Unknown option: '--no-such-option'");
    }
}
