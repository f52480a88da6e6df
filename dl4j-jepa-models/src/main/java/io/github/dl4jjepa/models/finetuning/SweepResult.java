package io.github.dl4jjepa.models.finetuning;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/**
 * What a {@link Sweep} found.
 *
 * @param metric what the arms are compared by, of the validation data
 * @param largerIsBetter whether a larger value of it is better
 * @param arms the settings that were tried, in the sweep's order
 * @param comparisons how many arms are compared with a plain one
 * @param winner the best of the arms whose runs all succeeded
 * @param test the winner's scores on the test data, by metric, one for each seed; null without test
 *     data
 */
public record SweepResult(
        String metric,
        boolean largerIsBetter,
        List<Arm> arms,
        int comparisons,
        Arm winner,
        @Nullable Map<String, List<Double>> test) {
    public SweepResult {
        arms = List.copyOf(arms);
    }

    /**
     * Settings, and their runs.
     *
     * @param name the settings as text, {@code lambda=0.5_predictors=1}
     * @param settings by name
     * @param runs one for each seed
     * @param versusPlain the comparison with the plain arm; null where there is none, or it is one
     */
    public record Arm(
            String name,
            Map<String, Object> settings,
            List<Run> runs,
            @Nullable Comparison versusPlain) {
        /** Whether all runs succeeded. */
        public boolean succeeded() {
            return runs.stream().allMatch(run -> run.failure() == null);
        }

        /**
         * The mean of a metric over the seeds.
         *
         * @return empty if a run failed
         */
        public OptionalDouble mean(String metric) {
            return succeeded()
                    ? runs.stream().mapToDouble(run -> run.value(metric)).average()
                    : OptionalDouble.empty();
        }

        /**
         * The standard deviation of a metric over the seeds, as of a sample.
         *
         * @return empty if a run failed, or there is one
         */
        public OptionalDouble deviation(String metric) {
            if (runs.size() < 2 || !succeeded()) {
                return OptionalDouble.empty();
            }
            double mean = mean(metric).orElseThrow();
            double squares =
                    runs.stream().mapToDouble(run -> Math.pow(run.value(metric) - mean, 2)).sum();
            return OptionalDouble.of(Math.sqrt(squares / (runs.size() - 1)));
        }
    }

    /**
     * A run.
     *
     * @param name the arm's name with the seed
     * @param seed the seed
     * @param output its folder
     * @param metrics what the validation data say of it, by name; empty if it failed
     * @param failure why it failed, or null
     * @param seconds how long it took
     */
    public record Run(
            String name,
            long seed,
            Path output,
            Map<String, Double> metrics,
            @Nullable String failure,
            double seconds) {
        double value(String metric) {
            Double value = metrics.get(metric);
            if (value == null) {
                throw new IllegalArgumentException(
                        "there is no metric '" + metric + "' among " + metrics.keySet());
            }
            return value;
        }
    }

    /**
     * A paired t-test of an arm against the plain one, over the seeds.
     *
     * @param plain the plain arm's name
     * @param difference the mean of the arm's values less the plain arm's
     * @param p the probability of such a difference without an effect, two-sided
     * @param adjustedP the same by Holm's method for the number of comparisons
     */
    public record Comparison(String plain, double difference, double p, double adjustedP) {}
}
