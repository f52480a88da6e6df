package io.github.dl4jjepa.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jjepa.core.JepaException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class ArgumentsTest {
    @TempDir Path folder;

    @Test
    void takesTheWordsThatTheLocaleCouldNotHoldFromTheCommandLine() {
        String[] decoded = {"--prompt", "zw\uFFFD\uFFFDlf", "--system", "x"};
        byte[] commandLine =
                "java\0-jar\0jepa.jar\0--prompt\0zwölf\0--system\0x\0"
                        .getBytes(StandardCharsets.UTF_8);

        assertThat(Arguments.restore(decoded, commandLine))
                .containsExactly("--prompt", "zwölf", "--system", "x");
    }

    @Test
    void refusesWordsThatAreNotUtf8() {
        byte[] commandLine = "java\0zw\u00f6lf\0".getBytes(StandardCharsets.ISO_8859_1);

        assertThatThrownBy(() -> Arguments.restore(new String[] {"zw\uFFFDlf"}, commandLine))
                .isInstanceOf(JepaException.class)
                .hasMessageContainingAll("argument 1", "LC_ALL=C.UTF-8");
    }

    @Test
    void refusesWhatIsNotOnTheCommandLine() {
        byte[] commandLine = "java\0other\0".getBytes(StandardCharsets.UTF_8);

        assertThatThrownBy(() -> Arguments.restore(new String[] {"zw\uFFFDlf"}, commandLine))
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("LC_ALL=C.UTF-8");
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void understandsOtherLettersWithoutALocale() throws IOException, InterruptedException {
        JavaProcess jepa = inPosixLocale("zwölf日本");

        assertThat(jepa.exitCode()).isEqualTo(2);
        assertThat(jepa.err()).contains("'zwölf日本'");
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void refusesAPathWithOtherLettersWithoutALocale() throws IOException, InterruptedException {
        JavaProcess model = inPosixLocale("inspect", "--model", "möbel");
        JavaProcess train =
                inPosixLocale("finetune", "--model", "m", "--train", "möbel", "--output", "o");

        assertThat(model.err()).contains("möbel", "LC_ALL=C.UTF-8").doesNotContain("bug");
        assertThat(train.err()).contains("--train", "möbel", "LC_ALL=C.UTF-8");
    }

    private JavaProcess inPosixLocale(String... args) throws IOException, InterruptedException {
        Map<String, String> environment = new HashMap<>();
        environment.put("LANG", null);
        environment.put("LC_CTYPE", null);
        environment.put("LC_ALL", "C");
        // The test's own JVM may not be able to hand such letters to a process; a shell can.
        Path script = Files.writeString(folder.resolve("script"), "exec " + quoted(args));
        return JavaProcess.runScript(folder, environment, script);
    }

    private static String quoted(String... args) {
        StringBuilder line = new StringBuilder();
        for (String word : JavaProcess.command(JepaCommand.class, args)) {
            line.append('\'').append(word).append("' ");
        }
        return line.toString();
    }
}
