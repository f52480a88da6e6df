package io.github.dl4jjepa.examples.spark;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.examples.cli.JepaCommand;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.apache.commons.io.FileUtils;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.serializer.JavaSerializer;
import picocli.CommandLine.Option;

/** {@code jepa finetune} on a Spark cluster: the main class of {@code spark-finetune.jar}. */
public final class SparkFineTune {
    private static final String SPARK = "3.5.";
    private static final int MEGABYTE = 1_000_000;

    private SparkFineTune() {}

    /** The options besides those of {@code jepa finetune}. */
    static final class Options {
        @Option(
                names = "--partitions",
                paramLabel = "N",
                description =
                        "The most parts that a step is divided into, of one micro-batch or more each"
                                + " (see --accumulate); 0 for Spark's default parallelism.")
        private int partitions;

        @Option(
                names = "--broadcast-limit",
                paramLabel = "MB",
                description =
                        "Refuse to train more weights than this many megabytes, which each step sends"
                                + " to every executor.")
        private int broadcastLimit = 1000;

        private int partitions(JavaSparkContext context) {
            if (partitions < 0) {
                throw new JepaException("partitions must be 0 or more, not " + partitions);
            }
            return partitions == 0 ? context.defaultParallelism() : partitions;
        }
    }

    /**
     * Runs {@code jepa finetune} on the cluster that spark-submit names, and ends the process with
     * its exit code.
     *
     * @param args the options of {@code jepa finetune}, and those of {@link Options}
     */
    public static void main(String[] args) throws IOException {
        SparkConf configuration = configuration();
        if (!configuration.contains("spark.master")) {
            System.err.println("jepa: start this jar by spark-submit --master URL");
            System.exit(2);
        }
        int exitCode;
        try (JavaSparkContext context = new JavaSparkContext(configuration)) {
            exitCode = run(context, args);
        }
        System.exit(exitCode);
    }

    private static SparkConf configuration() {
        SparkConf configuration =
                new SparkConf()
                        .setIfMissing("spark.app.name", "jepa finetune")
                        // Kryo does not know ND4J's arrays.
                        .set("spark.serializer", JavaSerializer.class.getName())
                        // The gradient is as large as the weights, which have a limit of their own.
                        .setIfMissing("spark.driver.maxResultSize", "0")
                        // Weights and gradients do not get smaller.
                        .setIfMissing("spark.broadcast.compress", "false")
                        .setIfMissing("spark.shuffle.compress", "false")
                        .setIfMissing("spark.executorEnv.OMP_WAIT_POLICY", "PASSIVE");
        if (configuration.contains("spark.executor.cores")) {
            // ND4J uses all cores of an executor for one part.
            configuration.setIfMissing(
                    "spark.task.cpus", configuration.get("spark.executor.cores"));
        }
        return configuration;
    }

    /**
     * Runs {@code jepa finetune} on a cluster.
     *
     * @return the exit code
     */
    static int run(JavaSparkContext context, String... args) throws IOException {
        if (!context.version().startsWith(SPARK)) {
            System.err.println(
                    "jepa: this jar is for Spark " + SPARK + "x, not " + context.version());
            return 1;
        }
        Path copies = Files.createTempDirectory("jepa-spark");
        try {
            RemoteFiles files = new RemoteFiles(context.hadoopConfiguration(), copies);
            Options options = new Options();
            return JepaCommand.finetune(
                    (graph, replica) ->
                            new SparkGradientSource(
                                    context,
                                    graph,
                                    replica,
                                    options.partitions(context),
                                    (long) options.broadcastLimit * MEGABYTE),
                    options,
                    Arrays.stream(args).map(files::local).toArray(String[]::new));
        } catch (JepaException e) {
            System.err.println("jepa: " + e.getMessage());
            return 1;
        } finally {
            FileUtils.deleteDirectory(copies.toFile());
        }
    }
}
