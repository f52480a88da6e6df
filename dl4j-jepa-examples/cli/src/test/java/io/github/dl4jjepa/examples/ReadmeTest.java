package io.github.dl4jjepa.examples;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jjepa.examples.training.TinyModel;
import java.io.File;
import java.io.StringWriter;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** README's programs compile and run as they stand there. */
class ReadmeTest {
    private static final Path PROJECT = Path.of("../..");
    private static final Path TEMPLATE = PROJECT.resolve("project-template");

    @TempDir private Path folder;

    @Test
    void theProgramForDeeplearning4jIsTheTemplates() throws Exception {
        assertThat(program("JepaLstm"))
                .isEqualTo(Files.readString(TEMPLATE.resolve("src/main/java/JepaLstm.java")));
    }

    @Test
    void theProgramForDeeplearning4jTrainsAndSavesANetwork() throws Exception {
        File saved = folder.resolve("jepa-lstm.zip").toFile();

        run(
                "JepaLstm",
                program("JepaLstm"),
                TEMPLATE.resolve("pairs.csv").toString(),
                saved.toString());

        assertThat(MultiLayerNetwork.load(saved, true).getLayers()).hasSize(3);
    }

    @Test
    void theFirstLinesFineTuneAModelThatAnswers() throws Exception {
        Path model = TinyModel.write(folder.resolve("model"));
        Path pairs = TinyModel.writePairs(folder.resolve("pairs.jsonl"), 20);
        Path output = folder.resolve("finetuned");
        String lines =
                blocks("README.md")
                        .filter(block -> block.contains("FineTuning.of("))
                        .findFirst()
                        .orElseThrow()
                        .replace("HuggingFaceTB/SmolLM2-135M-Instruct", model.toString())
                        .replace("\"pairs.jsonl\"", "\"" + pairs + "\"")
                        .replace("\"finetuned\"", "\"" + output + "\"")
                        .strip();
        String imports =
                Stream.of(
                                "core.objective.JepaObjective",
                                "models.chat.ChatModel",
                                "models.finetuning.FineTuning",
                                "models.finetuning.FineTuningResult")
                        .map(name -> "import io.github.dl4jjepa." + name + ";\n")
                        .collect(Collectors.joining());

        run(
                "TenLines",
                "import java.nio.file.Path;\n"
                        + imports
                        + "public class TenLines { public static void main(String[] args) {\n"
                        + lines
                        + "}}");

        assertThat(output).isDirectoryContaining("glob:**/model.safetensors");
    }

    @Test
    void theProgramOfThePartsFineTunesAFolder() throws Exception {
        Path model = TinyModel.write(folder.resolve("model"));
        Path pairs = TinyModel.writePairs(folder.resolve("pairs.jsonl"), 4);
        Path output = folder.resolve("finetuned");

        run("FineTune", program("FineTune"), model.toString(), pairs.toString(), output.toString());

        assertThat(output).isDirectoryContaining("glob:**/model.safetensors");
    }

    /** The one code block that declares a class. */
    private static String program(String className) throws Exception {
        List<String> programs =
                Stream.concat(blocks("README.md"), blocks("docs/library.md"))
                        .filter(block -> block.contains("public class " + className + " "))
                        .toList();
        assertThat(programs).hasSize(1);
        return programs.get(0);
    }

    private static Stream<String> blocks(String page) throws Exception {
        return Pattern.compile("```java\n(.*?)```", Pattern.DOTALL)
                .matcher(Files.readString(PROJECT.resolve(page)))
                .results()
                .map(block -> block.group(1));
    }

    private void run(String className, String program, String... arguments) throws Exception {
        Path source = Files.writeString(folder.resolve(className + ".java"), program);
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        StringWriter messages = new StringWriter();
        try (StandardJavaFileManager files = compiler.getStandardFileManager(null, null, null)) {
            boolean compiled =
                    compiler.getTask(
                                    messages,
                                    files,
                                    null,
                                    List.of("-proc:none", "-d", folder.toString()),
                                    null,
                                    files.getJavaFileObjects(source))
                            .call();
            assertThat(compiled).as(messages.toString()).isTrue();
        }
        URL[] classes = {folder.toUri().toURL()};
        try (URLClassLoader loader = new URLClassLoader(classes, getClass().getClassLoader())) {
            loader.loadClass(className)
                    .getMethod("main", String[].class)
                    .invoke(null, (Object) arguments);
        }
    }
}
