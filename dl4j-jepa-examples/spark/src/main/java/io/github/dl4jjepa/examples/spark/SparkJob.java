package io.github.dl4jjepa.examples.spark;

import io.github.dl4jjepa.core.JepaException;
import java.util.concurrent.Callable;
import org.apache.spark.SparkException;

/** Reports the failures of Spark's jobs. */
final class SparkJob {
    private SparkJob() {}

    /** Waits for a job; what a user can put right is reported as on one machine. */
    static <T> T await(Callable<T> job) {
        try {
            return job.call();
        } catch (Exception e) {
            SparkException ofSpark = null;
            for (Throwable cause = e; cause != null; cause = cause.getCause()) {
                if (cause instanceof JepaException) {
                    throw new JepaException(String.valueOf(cause.getMessage()), e);
                }
                if (cause instanceof SparkException found && ofSpark == null) {
                    ofSpark = found;
                }
            }
            if (ofSpark != null) {
                throw new JepaException(
                        "Spark has given up: "
                                + ofSpark.getMessage()
                                + " The logs of the executors say more. Once it is mended, --resume"
                                + " continues from what is saved.",
                        e);
            }
            throw e instanceof RuntimeException unchecked
                    ? unchecked
                    : new IllegalStateException(e);
        }
    }
}
