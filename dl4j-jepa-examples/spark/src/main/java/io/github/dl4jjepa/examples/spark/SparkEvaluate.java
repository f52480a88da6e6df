package io.github.dl4jjepa.examples.spark;

import io.github.dl4jjepa.examples.cli.JepaCommand;
import java.io.IOException;
import org.apache.spark.api.java.JavaSparkContext;

/** {@code jepa evaluate} on a Spark cluster: another main class of {@code spark-finetune.jar}. */
public final class SparkEvaluate {
    private SparkEvaluate() {}

    /**
     * Runs {@code jepa evaluate} on the cluster that spark-submit names, and ends the process with
     * its exit code.
     *
     * @param args the options of {@code jepa evaluate}
     */
    public static void main(String[] args) throws IOException {
        SparkCommand.main("jepa evaluate", (context, files) -> run(context, files, args));
    }

    /**
     * Runs {@code jepa evaluate} on a cluster.
     *
     * @return the exit code
     */
    static int run(JavaSparkContext context, RemoteFiles files, String... args) {
        return JepaCommand.evaluate(
                replica -> new SparkOutcomeSource(context, replica), files, args);
    }
}
