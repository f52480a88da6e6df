package io.github.dl4jjepa.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The script {@code jepa} of the distribution, with a stand-in for Java that tells how it is
 * called.
 */
@DisabledOnOs(OS.WINDOWS)
class LauncherTest {
    private static final Path SCRIPT = Path.of("src/main/dist/bin/jepa");

    @TempDir private Path folder;

    private Path script;
    private final Map<String, String> environment = new HashMap<>();

    @BeforeEach
    void unpack() throws IOException {
        Path bin = Files.createDirectories(folder.resolve("a distribution/bin"));
        script = Files.copy(SCRIPT, bin.resolve("jepa"));
        for (String name : List.of("OMP_WAIT_POLICY", "LC_ALL", "LC_CTYPE", "LANG", "JAVA_HOME")) {
            environment.put(name, null);
        }
        environment.put("XDG_CACHE_HOME", folder.resolve("a cache").toString());
    }

    /** A home of Java whose java tells its version, environment and arguments. */
    private Path java(String version) throws IOException {
        Path java = Files.createDirectories(folder.resolve("a java/bin")).resolve("java");
        return executable(
                        java,
                        """
                        if [ "$1" = -version ]; then
                            echo 'Picked up JAVA_TOOL_OPTIONS: -Xmx1g' >&2
                            echo 'openjdk version "%s" 2026-01-01' >&2
                            exit
                        fi
                        echo "$OMP_WAIT_POLICY $LC_ALL"
                        for word in "$@"; do
                            echo "<$word>"
                            case $word in
                                -XX:ArchiveClassesAtExit=*) echo classes > "${word#*=}" ;;
                            esac
                        done
                        exit 7
                        """
                                .formatted(version))
                .resolve("../..")
                .normalize();
    }

    private static Path executable(Path file, String text) throws IOException {
        Files.writeString(file, "#!/bin/sh\n" + text);
        return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private JavaProcess run(Path jepa, String... arguments)
            throws IOException, InterruptedException {
        String words = String.join(" ", arguments);
        Path call = executable(folder.resolve("call"), "exec '" + jepa + "' " + words + "\n");
        return JavaProcess.runScript(folder, environment, call);
    }

    @ParameterizedTest
    @ValueSource(strings = {"17", "17.0.9", "21-ea", "25.0.1+8"})
    void runsTheJarWithTheArgumentsAndTheExitCode(String version) throws Exception {
        environment.put("JAVA_HOME", java(version).toString());
        environment.put("JEPA_JAVA_OPTS", "-Xmx1g -Da=b");

        JavaProcess jepa = run(script, "inspect", "--prompt", "'two words'", "''");

        assertThat(jepa.out().lines())
                .containsExactly(
                        "PASSIVE C.UTF-8",
                        "<-Xmx1g>",
                        "<-Da=b>",
                        "<-jar>",
                        "<" + folder.toRealPath().resolve("a distribution/lib/jepa.jar") + ">",
                        "<inspect>",
                        "<--prompt>",
                        "<two words>",
                        "<>");
        assertThat(jepa.exitCode()).isEqualTo(7);
    }

    @Test
    void startsWithTheClassesThatTheFirstGenerationLeftBehind() throws Exception {
        environment.put("JAVA_HOME", java("17.0.9").toString());
        Path jar = script.resolve("../../lib/jepa.jar").normalize();
        Files.createDirectories(jar.getParent());
        Files.setLastModifiedTime(Files.createFile(jar), FileTime.fromMillis(0));

        assertThat(run(script, "inspect").out()).doesNotContain("-XX:");
        JavaProcess first = run(script, "generate");
        assertThat(first.exitCode()).isEqualTo(7);
        assertThat(first.out()).contains("<-XX:ArchiveClassesAtExit=").contains("<generate>");

        List<Path> archives;
        try (Stream<Path> files = Files.list(folder.resolve("a cache/dl4j-jepa"))) {
            archives = files.toList();
        }
        assertThat(archives).hasSize(1);
        for (String command : List.of("generate", "inspect")) {
            JavaProcess next = run(script, command);
            assertThat(next.exitCode()).isEqualTo(7);
            assertThat(next.out())
                    .contains("<-XX:SharedArchiveFile=" + archives.get(0) + ">")
                    .contains("<" + command + ">");
        }
        Files.setLastModifiedTime(jar, FileTime.from(Instant.now().plusSeconds(60)));
        assertThat(run(script, "generate").out()).contains("<-XX:ArchiveClassesAtExit=");
    }

    @Test
    void leavesWhatTheUserHasSet() throws Exception {
        environment.put("JAVA_HOME", java("17").toString());
        environment.put("OMP_WAIT_POLICY", "ACTIVE");
        environment.put("LANG", "de_DE.UTF-8");

        assertThat(run(script).out()).startsWith("ACTIVE \n");
    }

    @Test
    void isFoundByWayOfLinks() throws Exception {
        environment.put("JAVA_HOME", java("17").toString());
        Path link = Files.createSymbolicLink(folder.resolve("jepa"), script);
        Path relative = Files.createSymbolicLink(folder.resolve("again"), Path.of("jepa"));

        assertThat(run(relative).out()).contains("a distribution/lib/jepa.jar");
        assertThat(run(link).out()).contains("a distribution/lib/jepa.jar");
    }

    @Test
    void findsJavaInThePath() throws Exception {
        environment.put("PATH", java("17").resolve("bin") + ":" + System.getenv("PATH"));

        assertThat(run(script).exitCode()).isEqualTo(7);
    }

    @ParameterizedTest
    @ValueSource(strings = {"1.8.0_392", "11.0.21", "16", "none"})
    void refusesAnOlderJavaWithItsPlace(String version) throws Exception {
        environment.put("JAVA_HOME", java(version).toString());

        JavaProcess jepa = run(script);

        assertThat(jepa.exitCode()).isEqualTo(1);
        assertThat(jepa.err())
                .isEqualTo(
                        "jepa: "
                                + folder.resolve("a java/bin/java")
                                + " is of version "
                                + version
                                + ", but 17 or later is needed: install one, or set JAVA_HOME to"
                                + " it\n");
    }

    @Test
    void saysThatJavaHomeIsWrong() throws Exception {
        environment.put("JAVA_HOME", "/no/java");

        assertThat(run(script).err()).startsWith("jepa: JAVA_HOME is /no/java, where there is no");
    }

    @Test
    void saysThatThereIsNoJava() throws Exception {
        Path tools = Files.createDirectory(folder.resolve("tools"));
        for (String tool : List.of("sh", "dirname", "sed", "readlink")) {
            for (String place : List.of("/bin/", "/usr/bin/")) {
                if (Files.exists(Path.of(place + tool)) && !Files.exists(tools.resolve(tool))) {
                    Files.createSymbolicLink(tools.resolve(tool), Path.of(place + tool));
                }
            }
        }
        Path call =
                executable(
                        folder.resolve("bare"),
                        "PATH='" + tools + "'; export PATH; exec '" + script + "'\n");

        JavaProcess jepa = JavaProcess.runScript(folder, environment, call);

        assertThat(jepa.exitCode()).isEqualTo(1);
        assertThat(jepa.err()).startsWith("jepa: no Java was found: install").contains("adoptium");
    }
}
