package io.github.dl4jjepa.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jjepa.core.JepaException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ArgumentFilesTest {
    @TempDir Path folder;

    private String file(String name, String text) throws IOException {
        return "@" + Files.writeString(folder.resolve(name), text);
    }

    @Test
    void putsTheWordsOfAFileInItsPlace() throws IOException {
        String file = file("args", "# what is asked\n--prompt 'zwölf 日本'\n--system \"a b\"\n");

        assertThat(ArgumentFiles.expand("generate", file, "--verbose"))
                .containsExactly(
                        "generate", "--prompt", "zwölf 日本", "--system", "a b", "--verbose");
    }

    @Test
    void readsOverAByteOrderMark() throws IOException {
        assertThat(ArgumentFiles.expand(file("args", "\uFEFF--prompt x")))
                .containsExactly("--prompt", "x");
    }

    @Test
    void readsFilesThatFilesName() throws IOException {
        String inner = file("inner", "--seed 1");
        assertThat(ArgumentFiles.expand(file("outer", inner + " --epochs 2")))
                .containsExactly("--seed", "1", "--epochs", "2");
    }

    @Test
    void leavesAnArgumentThatNamesNoFile() {
        assertThat(ArgumentFiles.expand("@alice", "a@b")).containsExactly("@alice", "a@b");
    }

    @Test
    void takesOneSignOfTwo() throws IOException {
        String file = file("args", "x");
        assertThat(ArgumentFiles.expand("@" + file)).containsExactly(file);
    }

    @Test
    void refusesAFileThatContainsItself() throws IOException {
        Path file = folder.resolve("args");
        Files.writeString(file, "@" + file);
        assertThatThrownBy(() -> ArgumentFiles.expand("@" + file))
                .isInstanceOf(JepaException.class)
                .hasMessageContainingAll(file.toString(), "itself");
    }

    @Test
    void refusesAFileThatIsNotUtf8() throws IOException {
        Path file = Files.write(folder.resolve("args"), new byte[] {'a', (byte) 0xF6});
        assertThatThrownBy(() -> ArgumentFiles.expand("@" + file))
                .isInstanceOf(JepaException.class)
                .hasMessageContainingAll(file.toString(), "UTF-8");
    }
}
