package io.github.dl4jjepa.examples.spark;

import io.github.dl4jjepa.core.JepaException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.commons.io.FileUtils;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.serializer.JavaSerializer;
import scala.util.Properties;

/** What the main classes of {@code spark-finetune.jar} have in common. */
final class SparkCommand {
    private static final String SPARK = "3.5";
    private static final String SCALA = "2.12";

    private SparkCommand() {}

    /** A command of {@code jepa} on a cluster. */
    @FunctionalInterface
    interface Command {
        /**
         * Runs the command.
         *
         * @param files reads URIs of files
         * @return the exit code
         */
        int run(JavaSparkContext context, RemoteFiles files);
    }

    /**
     * Runs a command on the cluster that spark-submit names, and ends the process with its exit
     * code.
     *
     * @param name that of the application, unless it has one
     */
    static void main(String name, Command command) throws IOException {
        SparkConf configuration = configuration().setIfMissing("spark.app.name", name);
        if (!configuration.contains("spark.master")) {
            System.err.println("jepa: start this jar by spark-submit --master URL");
            System.exit(2);
        }
        int exitCode;
        try (JavaSparkContext context = new JavaSparkContext(configuration)) {
            exitCode = run(context, command);
        }
        System.exit(exitCode);
    }

    private static SparkConf configuration() {
        SparkConf configuration =
                new SparkConf()
                        // Kryo does not know ND4J's arrays.
                        .set("spark.serializer", JavaSerializer.class.getName())
                        // The gradient is as large as the weights, which have a limit of their own.
                        .setIfMissing("spark.driver.maxResultSize", "0")
                        // Weights and gradients do not get smaller.
                        .setIfMissing("spark.broadcast.compress", "false")
                        .setIfMissing("spark.shuffle.compress", "false")
                        .setIfMissing("spark.executorEnv.OMP_WAIT_POLICY", "PASSIVE");
        if (configuration.contains("spark.executor.cores")) {
            // ND4J uses all cores of an executor for one task.
            configuration.setIfMissing(
                    "spark.task.cpus", configuration.get("spark.executor.cores"));
        }
        return configuration;
    }

    /**
     * Runs a command on a cluster.
     *
     * @return the exit code
     */
    static int run(JavaSparkContext context, Command command) throws IOException {
        Path copies = Files.createTempDirectory("jepa-spark");
        try {
            requireVersions(context.version(), Properties.versionNumberString());
            return command.run(context, new RemoteFiles(context.hadoopConfiguration(), copies));
        } catch (JepaException e) {
            System.err.println("jepa: " + e.getMessage());
            return 1;
        } finally {
            FileUtils.deleteDirectory(copies.toFile());
        }
    }

    /**
     * Refuses what this jar was not built for.
     *
     * @param spark the version of Spark that runs
     * @param scala the version of Scala that it was built for
     */
    static void requireVersions(String spark, String scala) {
        if (!spark.startsWith(SPARK + ".") || !scala.startsWith(SCALA + ".")) {
            throw new JepaException(
                    "this jar is for Spark "
                            + SPARK
                            + " with Scala "
                            + SCALA
                            + ", not for Spark "
                            + spark
                            + " with Scala "
                            + scala
                            + "; take the spark-submit of a Spark "
                            + SPARK);
        }
    }
}
