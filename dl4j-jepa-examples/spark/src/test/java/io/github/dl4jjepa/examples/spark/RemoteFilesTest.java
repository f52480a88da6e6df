package io.github.dl4jjepa.examples.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jjepa.core.JepaException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.EnabledForJreRange;
import org.junit.jupiter.api.condition.JRE;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

@DisabledOnOs(value = OS.WINDOWS, disabledReason = "Hadoop needs winutils.exe on Windows")
@EnabledForJreRange(max = JRE.JAVA_21, disabledReason = "Spark 3.5 does not run on it")
class RemoteFilesTest {
    @TempDir private Path folder;

    private String local(String argument) {
        return new RemoteFiles(new Configuration(), folder.resolve("copies")).local(argument);
    }

    @Test
    void aUriBecomesACopyWithTheSameNameAndWeight() throws IOException {
        Path file = Files.writeString(folder.resolve("pairs.jsonl"), "content");
        Path copy = folder.resolve("copies").resolve("0").resolve("pairs.jsonl");
        assertThat(local("--train=file://" + file + ":0.5")).isEqualTo("--train=" + copy + ":0.5");
        assertThat(copy).hasContent("content");
    }

    @Test
    void aCopyIsKnownByItsUriAndAnotherFileByItsPath() throws IOException {
        Path file = Files.writeString(folder.resolve("pairs.jsonl"), "content");
        RemoteFiles files = new RemoteFiles(new Configuration(), folder.resolve("copies"));
        Path copy = Path.of(files.local("file://" + file));
        assertThat(copy).isNotEqualTo(file);
        assertThat(files.name(copy)).isEqualTo("file://" + file);
        assertThat(files.name(file)).isEqualTo(file.toString());
    }

    @Test
    void otherWordsStayAsTheyAre() {
        assertThat(local("--train")).isEqualTo("--train");
        assertThat(local("/data/pairs.jsonl:0.5")).isEqualTo("/data/pairs.jsonl:0.5");
        assertThat(local("C:\\pairs.jsonl")).isEqualTo("C:\\pairs.jsonl");
    }

    @Test
    void aFileThatIsMissingIsNamed() {
        assertThatThrownBy(() -> local("file:///no/pairs.jsonl"))
                .isInstanceOf(JepaException.class)
                .hasMessageStartingWith("file:///no/pairs.jsonl: cannot be read: ");
    }

    @Test
    void aSchemeThatHadoopDoesNotKnowIsNamed() {
        assertThatThrownBy(() -> local("nowhere://host/pairs.jsonl"))
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("No FileSystem for scheme \"nowhere\"");
    }
}
