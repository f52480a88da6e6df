package io.github.dl4jjepa.examples.spark;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.examples.cli.JepaCommand;
import java.io.IOException;
import org.apache.spark.api.java.JavaSparkContext;
import picocli.CommandLine.Option;

/** {@code jepa finetune} on a Spark cluster: the main class of {@code spark-finetune.jar}. */
public final class SparkFineTune {
    private static final int MEGABYTE = 1_000_000;

    private SparkFineTune() {}

    /** The options besides those of {@code jepa finetune}. */
    static final class Options {
        @Option(
                names = "--partitions",
                paramLabel = "N",
                description =
                        "The most parts that a step is divided into, of one micro-batch or more each"
                                + " (see --accumulate); 0 for the number of tasks that Spark runs at"
                                + " once.")
        private int partitions;

        @Option(
                names = "--broadcast-limit",
                paramLabel = "MB",
                description =
                        "Refuse to train more weights than this many megabytes, which each step sends"
                                + " to every executor.")
        private int broadcastLimit = 1000;

        int partitions(JavaSparkContext context) {
            if (partitions < 0) {
                throw new JepaException("partitions must be 0 or more, not " + partitions);
            }
            // The default parallelism is the number of cores, of which a task may take several.
            int coresOfTask = context.getConf().getInt("spark.task.cpus", 1);
            return partitions == 0
                    ? Math.max(1, context.defaultParallelism() / coresOfTask)
                    : partitions;
        }
    }

    /**
     * Runs {@code jepa finetune} on the cluster that spark-submit names, and ends the process with
     * its exit code.
     *
     * @param args the options of {@code jepa finetune}, and those of {@link Options}
     */
    public static void main(String[] args) throws IOException {
        SparkCommand.main("jepa finetune", (context, files) -> run(context, files, args));
    }

    /**
     * Runs {@code jepa finetune} on a cluster.
     *
     * @return the exit code
     */
    static int run(JavaSparkContext context, RemoteFiles files, String... args) {
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
                files,
                args);
    }
}
