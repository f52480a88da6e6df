package io.github.dl4jjepa.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class ConsoleProgressTest {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final PrintStream err = new PrintStream(bytes, true, StandardCharsets.UTF_8);

    @Test
    void writesFewPlainLinesWhereThereIsNoTerminal() {
        try (ConsoleProgress progress =
                ConsoleProgress.inLines("finetune", 0, 1_000, err, 60_000)) {
            for (int i = 0; i < 1_000; i++) {
                progress.step();
                progress.message("lm 1.25, jepa 0.5, " + i + " tokens/s");
            }
        }

        assertThat(printed().lines().toList()).hasSizeBetween(1, 3);
        assertThat(printed()).doesNotContain("\r", "\u001b");
        assertThat(printed().lines().reduce((first, last) -> last))
                .hasValueSatisfying(
                        last ->
                                assertThat(last)
                                        .startsWith("finetune 100% [")
                                        .contains("1000/1000 (")
                                        .endsWith("lm 1.25, jepa 0.5, 999 tokens/s"));
    }

    @Test
    void writesALineFromTimeToTime() throws InterruptedException {
        try (ConsoleProgress progress = ConsoleProgress.inLines("finetune", 0, 3, err, 20)) {
            for (int i = 0; i < 3; i++) {
                progress.step();
                Thread.sleep(100);
            }
        }

        assertThat(printed()).contains(" 1/3 ", " 2/3 ", " 3/3 ");
    }

    @Test
    void countsFromWhereTheTaskIsResumed() {
        try (ConsoleProgress progress = ConsoleProgress.inLines("finetune", 40, 50, err, 60_000)) {
            progress.step();
        }

        assertThat(printed()).contains(" 41/50 ");
    }

    @Test
    void redrawsOneLineOnATerminal() {
        try (ConsoleProgress progress =
                ConsoleProgress.onTerminal(
                        "finetune", 0, 10, new ConsoleProgress.Terminal(err, 80))) {
            progress.step();
            progress.message("lm 1.25");
        }

        assertThat(printed()).startsWith("\rfinetune").contains(" 1/10 ").contains("lm 1.25");
        assertThat(printed()).containsOnlyOnce("\n").endsWith(System.lineSeparator());
    }

    private String printed() {
        return bytes.toString(StandardCharsets.UTF_8);
    }
}
