package io.github.dl4jjepa.models.finetuning;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;
import org.apache.commons.math3.stat.inference.TTest;

/** Student's t-test on pairs of values, and Holm's correction for several of them. */
final class PairedTest {
    private PairedTest() {}

    /**
     * The two-sided p-value.
     *
     * @param values two or more
     * @param others as many
     */
    static double p(double[] values, double[] others) {
        double[] differences =
                IntStream.range(0, values.length).mapToDouble(i -> values[i] - others[i]).toArray();
        if (Arrays.stream(differences).distinct().count() == 1) {
            return differences[0] == 0 ? 1 : 0; // no spread: t is 0 / 0, or infinite
        }
        return new TTest().pairedTTest(values, others);
    }

    /**
     * Adjusts p-values by Holm's step-down method.
     *
     * @return in the order of what was given
     */
    static double[] holm(double... p) {
        int[] byValue =
                IntStream.range(0, p.length)
                        .boxed()
                        .sorted(Comparator.comparingDouble(i -> p[i]))
                        .mapToInt(Integer::intValue)
                        .toArray();
        double[] adjusted = new double[p.length];
        double least = 0;
        for (int rank = 0; rank < p.length; rank++) {
            least = Math.max(least, Math.min(1, (p.length - rank) * p[byValue[rank]]));
            adjusted[byValue[rank]] = least;
        }
        return adjusted;
    }
}
