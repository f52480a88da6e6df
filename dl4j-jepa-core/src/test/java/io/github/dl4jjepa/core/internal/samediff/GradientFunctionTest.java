package io.github.dl4jjepa.core.internal.samediff;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class GradientFunctionTest {
    private final ByteArrayOutputStream printed = new ByteArrayOutputStream();
    private final PrintStream standard = System.out;

    @BeforeEach
    void captureStandardOutput() {
        System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_16BE));
    }

    @AfterEach
    void restoreStandardOutput() {
        System.setOut(standard);
    }

    @Test
    void onlyTheDifferentiatingThreadIsSilenced() {
        GradientFunction.withoutStandardOutput(
                () -> {
                    System.out.println("Added differentiated op");
                    System.out.print('x');
                    System.out.write(120);
                    CompletableFuture.runAsync(() -> System.out.print("Ünaffected")).join();
                });

        assertThat(printed.toString(StandardCharsets.UTF_16BE)).isEqualTo("Ünaffected");
    }

    @Test
    void standardOutputIsTheProgramsAgainAfterwards() {
        PrintStream before = System.out;
        GradientFunction.withoutStandardOutput(() -> {});
        assertThat(System.out).isSameAs(before);
    }

    @Test
    void aStreamThatTheProgramSetsMeanwhileStays() {
        PrintStream set = new PrintStream(new ByteArrayOutputStream());
        GradientFunction.withoutStandardOutput(() -> System.setOut(set));
        assertThat(System.out).isSameAs(set);
    }
}
