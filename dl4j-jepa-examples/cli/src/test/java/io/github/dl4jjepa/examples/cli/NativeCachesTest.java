package io.github.dl4jjepa.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NativeCachesTest {
    @TempDir Path folder;

    @Test
    void usesAFolderFromWhichFilesCanBeRun() {
        assertThat(NativeCaches.isUsable(folder.resolve("a/b"))).isTrue();
        assertThat(folder.resolve("a/b")).isEmptyDirectory();
    }

    @Test
    void doesNotUseAFolderThatCannotBeMade() throws IOException {
        Path file = Files.createFile(folder.resolve("file"));
        assertThat(NativeCaches.isUsable(file.resolve("cache"))).isFalse();
    }

    @Test
    void movesTheCachesWhereTheHomeCannotBeUsed() throws IOException, InterruptedException {
        Path home = Files.createFile(folder.resolve("home"));
        assertThat(caches(home, "x").out())
                .isEqualTo(
                        temporary().resolve(".javacpp/cache")
                                + "\n"
                                + temporary().resolve(".djl.ai")
                                + "\n");
    }

    @Test
    void leavesTheCachesOfAnOrdinaryHomeAlone() throws IOException, InterruptedException {
        Path home = Files.createDirectory(folder.resolve("home"));
        assertThat(caches(home, "x").out()).isEqualTo("null\nnull\n");
    }

    @Test
    void leavesAFolderThatTheUserNames() throws IOException, InterruptedException {
        Path home = Files.createFile(folder.resolve("home"));
        assertThat(caches(home, "DJL_CACHE_DIR").out()).endsWith("\nnull\n");
    }

    private Path temporary() {
        return folder.resolve("jepa-" + System.getProperty("user.name"));
    }

    private JavaProcess caches(Path home, String variable)
            throws IOException, InterruptedException {
        return JavaProcess.run(
                folder,
                Map.of(variable, "named"),
                Choose.class,
                home.toString(),
                folder.toString());
    }

    /** Prints where the caches are, for a home and a temporary folder. */
    static final class Choose {
        private Choose() {}

        public static void main(String[] args) {
            System.setProperty("user.home", args[0]);
            System.setProperty("java.io.tmpdir", args[1]);
            NativeCaches.choose();
            System.out.print(System.getProperty("org.bytedeco.javacpp.cachedir") + "\n");
            System.out.print(System.getProperty("DJL_CACHE_DIR") + "\n");
        }
    }
}
