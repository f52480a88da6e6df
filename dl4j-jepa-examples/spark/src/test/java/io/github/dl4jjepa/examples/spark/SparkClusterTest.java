package io.github.dl4jjepa.examples.spark;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jjepa.examples.spark.TrainedRun.Kind;
import io.github.dl4jjepa.examples.training.TinyModel;
import io.github.dl4jjepa.models.finetuning.FineTuning;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerTaskStart;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A master and two workers, each with an executor, in processes of their own.
 *
 * <pre>
 * pip install pyspark==3.5.9
 * SPARK_HOME=$(python -c "import pyspark; print(pyspark.__path__[0])") mvn verify
 * </pre>
 */
@EnabledIfEnvironmentVariable(
        named = "SPARK_HOME",
        matches = ".+",
        disabledReason = "SPARK_HOME does not name a distribution of Spark 3.5")
class SparkClusterTest {
    private static final String HOST = "127.0.0.1";
    private static final List<Process> PROCESSES = new ArrayList<>();

    @TempDir private static Path folder;

    private static String master;
    private static Path model;
    private static Path train;

    @BeforeAll
    static void startTheCluster() throws Exception {
        model = TinyModel.write(folder.resolve("model"));
        train = TinyModel.writePairs(folder.resolve("train.jsonl"), 14);
        int port = freePort();
        master = "spark://" + HOST + ":" + port;
        start("master", "org.apache.spark.deploy.master.Master", "--port", String.valueOf(port));
        await(() -> isOpen(port));
        for (int i = 0; i < 2; i++) {
            start(
                    "worker" + i,
                    "org.apache.spark.deploy.worker.Worker",
                    "--cores",
                    "1",
                    "--memory",
                    "2g",
                    "--work-dir",
                    folder.resolve("work" + i).toString(),
                    master);
        }
    }

    private static void start(String name, String mainClass, String... args) throws IOException {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                Path.of(System.getenv("SPARK_HOME"), "bin", "spark-class")
                                        .toString(),
                                mainClass,
                                "--host",
                                HOST,
                                "--webui-port",
                                "0"));
        command.addAll(List.of(args));
        PROCESSES.add(launch(name, command));
    }

    private static Process launch(String name, List<String> command) throws IOException {
        ProcessBuilder builder =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(folder.resolve(name + ".log").toFile());
        builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
        builder.environment().put("SPARK_LOCAL_IP", HOST);
        return builder.start();
    }

    @AfterAll
    static void stopTheCluster() throws InterruptedException {
        List<ProcessHandle> all = new ArrayList<>();
        for (Process process : PROCESSES) {
            process.descendants().forEach(all::add);
            all.add(process.toHandle());
        }
        all.forEach(ProcessHandle::destroyForcibly);
        for (Process process : PROCESSES) {
            process.waitFor();
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private static boolean isOpen(int port) {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            return socket.isConnected();
        } catch (IOException e) {
            return false;
        }
    }

    private interface Condition {
        boolean holds() throws IOException;
    }

    private static void await(Condition condition) throws Exception {
        long end = System.nanoTime() + TimeUnit.MINUTES.toNanos(5);
        while (!condition.holds()) {
            assertThat(System.nanoTime()).isLessThan(end);
            Thread.sleep(100);
        }
    }

    /** The settings of an application whose executors have the class path of this process. */
    private static SparkConf configuration() {
        return new SparkConf()
                .setMaster(master)
                .setAppName("test")
                .set("spark.ui.enabled", "false")
                .set("spark.driver.host", HOST)
                .set("spark.driver.bindAddress", HOST)
                .set("spark.executor.memory", "1g")
                .set("spark.executor.extraClassPath", System.getProperty("java.class.path"))
                .set("spark.scheduler.minRegisteredResourcesRatio", "1.0")
                .set("spark.scheduler.maxRegisteredResourcesWaitingTime", "120s");
    }

    private static TrainedRun alone(Kind kind, String name) {
        Path output = folder.resolve(name);
        return TrainedRun.of(TrainedRun.builder(kind, model, train, output), output);
    }

    private static TrainedRun onCluster(Kind kind, JavaSparkContext context, String name) {
        Path output = folder.resolve(name);
        FineTuning.Builder builder =
                TrainedRun.builder(kind, model, train, output)
                        .optGradientSource(
                                (graph, replica) ->
                                        new SparkGradientSource(
                                                context, graph, replica, 2, Long.MAX_VALUE));
        return TrainedRun.of(builder, output);
    }

    @ParameterizedTest
    @EnumSource(names = {"COSINE", "INFO_NCE_LORA"})
    void twoExecutorsTrainAsOneMachineDoes(Kind kind) {
        TrainedRun alone = alone(kind, "alone-" + kind);
        try (JavaSparkContext context = new JavaSparkContext(configuration())) {
            TrainedRun first = onCluster(kind, context, "first-" + kind);
            TrainedRun second = onCluster(kind, context, "second-" + kind);
            first.assertCloseTo(alone);
            second.assertIs(first);
        }
    }

    @Test
    void anExecutorThatIsKilledInMidStepChangesNothing() {
        AtomicReference<String> killed = new AtomicReference<>();
        try (JavaSparkContext context = new JavaSparkContext(configuration())) {
            TrainedRun undisturbed = onCluster(Kind.INFO_NCE, context, "undisturbed");
            context.sc()
                    .addSparkListener(
                            new SparkListener() {
                                private int tasks;

                                @Override
                                public void onTaskStart(SparkListenerTaskStart start) {
                                    // A task of the second step: each has two that embed, two that
                                    // differentiate,
                                    // and one that adds.
                                    if (++tasks == 9) {
                                        String executor = start.taskInfo().executorId();
                                        killed.set(executor);
                                        executor(executor).orElseThrow().destroyForcibly();
                                    }
                                }
                            });
            TrainedRun disturbed = onCluster(Kind.INFO_NCE, context, "disturbed");
            assertThat(killed.get()).isNotNull();
            disturbed.assertIs(undisturbed);
        }
    }

    @Test
    void anExecutorThatIsKilledWhileItAnswersChangesNothing() throws IOException {
        EvaluatedRun alone =
                EvaluatedRun.of("nl-rx", model, train, folder.resolve("answers-alone"), null);
        AtomicReference<String> killed = new AtomicReference<>();
        try (JavaSparkContext context = new JavaSparkContext(configuration())) {
            context.sc()
                    .addSparkListener(
                            new SparkListener() {
                                private int tasks;

                                @Override
                                public void onTaskStart(SparkListenerTaskStart start) {
                                    if (++tasks == 3) {
                                        String executor = start.taskInfo().executorId();
                                        killed.set(executor);
                                        executor(executor).orElseThrow().destroyForcibly();
                                    }
                                }
                            });
            EvaluatedRun disturbed =
                    EvaluatedRun.of(
                            "nl-rx", model, train, folder.resolve("answers-disturbed"), context);
            assertThat(killed.get()).isNotNull();
            assertThat(disturbed).isEqualTo(alone);
        }
    }

    /** A process that a worker has started. */
    private static Optional<ProcessHandle> executor(String id) {
        return PROCESSES.stream()
                .flatMap(Process::descendants)
                .filter(
                        process -> {
                            List<String> arguments =
                                    Arrays.asList(process.info().arguments().orElse(new String[0]));
                            int option = arguments.indexOf("--executor-id");
                            return option >= 0 && arguments.get(option + 1).equals(id);
                        })
                .findFirst();
    }

    @Test
    void aDriverThatIsKilledResumesFromItsCheckpoint() throws Exception {
        Path undisturbed = folder.resolve("whole");
        assertThat(launch("whole", driver(undisturbed)).waitFor()).isZero();

        Path output = folder.resolve("resumed");
        Process driver = launch("killed", driver(output));
        await(() -> hasCheckpoint(output) || !driver.isAlive());
        driver.destroyForcibly().waitFor();
        assertThat(output.resolve("model.safetensors")).doesNotExist();
        List<String> resume = new ArrayList<>(driver(output));
        resume.add("--resume");
        assertThat(launch("resumed", resume).waitFor()).isZero();

        Map<String, float[]> weights = TrainedRun.weights(output);
        TrainedRun.assertSame(weights, TrainedRun.weights(undisturbed));
    }

    private static boolean hasCheckpoint(Path output) throws IOException {
        Path checkpoints = output.resolve("checkpoints").resolve("checkpoints.json");
        return Files.exists(checkpoints);
    }

    /** The main class, as spark-submit runs it. */
    private static List<String> driver(Path output) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(
                java.lang.management.ManagementFactory.getRuntimeMXBean()
                        .getInputArguments()
                        .stream()
                        .filter(argument -> argument.startsWith("--add-opens"))
                        .toList());
        Stream.of(configuration().getAll())
                .forEach(setting -> command.add("-D" + setting._1() + "=" + setting._2()));
        command.addAll(
                List.of(
                        "-cp",
                        System.getProperty("java.class.path"),
                        SparkFineTune.class.getName(),
                        "--model",
                        model.toString(),
                        "--train",
                        train.toUri().toString(),
                        "--output",
                        output.toString(),
                        "--partitions",
                        "2",
                        "--batch-size",
                        "2",
                        "--accumulate",
                        "4",
                        "--max-steps",
                        "8",
                        "--checkpoint-every",
                        "2",
                        "--learning-rate",
                        "1e-3"));
        return command;
    }
}
