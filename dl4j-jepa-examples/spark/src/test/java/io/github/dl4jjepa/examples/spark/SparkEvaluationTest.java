package io.github.dl4jjepa.examples.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.examples.training.TinyModel;
import io.github.dl4jjepa.models.chat.ChatModel;
import io.github.dl4jjepa.models.chat.ChatReplica;
import io.github.dl4jjepa.models.evaluation.OutcomeSource;
import io.github.dl4jjepa.models.evaluation.Task;
import io.github.dl4jjepa.models.evaluation.TaskEvaluation;
import io.github.dl4jjepa.models.evaluation.Tasks;
import io.github.dl4jjepa.models.tokenizer.ChatTemplate;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.EnabledForJreRange;
import org.junit.jupiter.api.condition.JRE;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The same evaluation in this process, and by tasks of Spark within it. */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "Hadoop needs winutils.exe on Windows")
@EnabledForJreRange(max = JRE.JAVA_21, disabledReason = "Spark 3.5 does not run on it")
class SparkEvaluationTest {
    private static JavaSparkContext context;

    @TempDir private Path folder;

    private Path model;
    private Path data;

    @BeforeAll
    static void startSpark() {
        context =
                new JavaSparkContext(
                        new SparkConf()
                                .setMaster("local[2]")
                                .setAppName("test")
                                .set("spark.ui.enabled", "false")
                                .set("spark.driver.host", "127.0.0.1")
                                .set("spark.driver.bindAddress", "127.0.0.1"));
    }

    @AfterAll
    static void stopSpark() {
        context.close();
    }

    @BeforeEach
    void writeModelAndPairs() throws IOException {
        model = TinyModel.write(folder.resolve("model"));
        data = TinyModel.writePairs(folder.resolve("pairs.jsonl"), 14);
    }

    /** One generates, one compares likelihoods. */
    @ParameterizedTest
    @ValueSource(strings = {"nl-rx", "paraphrase"})
    void executorsAnswerAsOneMachineDoes(String task) throws IOException {
        EvaluatedRun alone = EvaluatedRun.of(task, model, data, folder.resolve("alone"), null);
        EvaluatedRun spark = EvaluatedRun.of(task, model, data, folder.resolve("spark"), context);
        assertThat(spark).isEqualTo(alone);
    }

    @Test
    void anEvaluationThatBreaksOffIsContinuedByExecutors() throws IOException {
        EvaluatedRun whole = EvaluatedRun.of("nl-rx", model, data, folder.resolve("whole"), null);
        Path output = folder.resolve("output");
        try (ChatModel chat = ChatModel.open(model.toString())) {
            OutcomeSource executors = new SparkOutcomeSource(context, EvaluatedRun.replica(chat));
            AtomicInteger answered = new AtomicInteger();
            OutcomeSource failing =
                    groups ->
                            executors
                                    .answer(groups)
                                    .peek(
                                            outcomes -> {
                                                if (answered.incrementAndGet() == 3) {
                                                    throw new JepaException("broken off");
                                                }
                                            });
            List<Example> examples = Tasks.named("nl-rx").examples(data).readAll();
            assertThatThrownBy(() -> evaluation(chat, output, failing).build().run(examples))
                    .hasMessage("broken off");
            assertThat(Files.readAllLines(output)).hasSize(8);

            evaluation(chat, output, executors).optResume(true).build().run(examples);
        }
        assertThat(Files.readAllLines(output)).isEqualTo(whole.predictions());
    }

    private static TaskEvaluation.Builder evaluation(
            ChatModel chat, Path output, OutcomeSource source) {
        Task task = Tasks.named("nl-rx");
        return TaskEvaluation.builder()
                .setModel(chat)
                .setTask(task)
                .optBatchSize(1)
                .optMaxNewTokens(6)
                .optOutput(output)
                .optOutcomeSource(source);
    }

    private void refused(Path file, Sabotage sabotage, String message) throws IOException {
        try (ChatModel chat = ChatModel.open(model.toString())) {
            ChatReplica replica =
                    new ChatReplica(
                            chat.folder(),
                            new ChatTemplate.Options(
                                    file.toString().endsWith(".jinja") ? file.toString() : null,
                                    null));
            sabotage.befall(file);
            List<Example> examples = Tasks.named("nl-rx").examples(data).readAll();
            TaskEvaluation evaluation =
                    evaluation(
                                    chat,
                                    folder.resolve("out"),
                                    new SparkOutcomeSource(context, replica))
                            .build();
            assertThatThrownBy(() -> evaluation.run(examples))
                    .isInstanceOf(JepaException.class)
                    .hasMessageStartingWith("Executor driver on 127.0.0.1: ")
                    .hasMessageContaining(message)
                    .hasMessageContaining("Every executor reads the model itself");
        }
    }

    /** What happens to a file between the driver's reading and the executors'. */
    private interface Sabotage {
        void befall(Path file) throws IOException;
    }

    @Test
    void anExecutorWithOtherWeightsIsRefused() throws IOException {
        refused(
                model.resolve("model.safetensors"),
                file -> {
                    byte[] bytes = Files.readAllBytes(file);
                    bytes[bytes.length - 1] ^= 1;
                    Files.write(file, bytes);
                },
                "model.safetensors differs here from the one");
    }

    @Test
    void anExecutorWithAnotherTokenizerIsRefused() throws IOException {
        refused(
                model.resolve("tokenizer.json"),
                file -> Files.writeString(file, Files.readString(file) + "\n"),
                "tokenizer.json differs here from the one");
    }

    @Test
    void anExecutorWithoutTheChatTemplatesFileIsRefused() throws IOException {
        refused(
                Files.writeString(folder.resolve("other.jinja"), "{{ messages[0].content }}"),
                Files::delete,
                "other.jinja: is missing here, the chat template");
    }
}
