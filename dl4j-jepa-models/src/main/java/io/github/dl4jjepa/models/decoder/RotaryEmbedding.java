package io.github.dl4jjepa.models.decoder;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.IntToDoubleFunction;

/**
 * Rotary position embedding (arXiv 2104.09864): of a head's first {@code 2 * pairs} numbers, {@code
 * (i, i + pairs)} are turned by {@code position * frequency(i)}.
 *
 * @param theta base of the frequencies
 * @param scaling how they are stretched for longer rows than the model was first trained on
 * @param part the part of a head's width that is turned, from its beginning; 1 for all of it
 */
public record RotaryEmbedding(double theta, Scaling scaling, double part)
        implements PositionEmbedding {
    /**
     * Of whole heads.
     *
     * @param theta base of the frequencies
     * @param scaling how they are stretched
     */
    public RotaryEmbedding(double theta, Scaling scaling) {
        this(theta, scaling, 1);
    }

    /** How frequencies are stretched. */
    public sealed interface Scaling {
        /**
         * The frequencies to use in place of plain ones.
         *
         * @param theta base of the plain ones
         * @param width of the turned part; an odd one is rounded up to whole pairs
         * @return one for each pair, radians per position
         */
        double[] frequencies(double theta, int width);

        /** What queries and keys are multiplied with besides. */
        default double attentionFactor() {
            return 1;
        }

        /** Other frequencies for batches with rows longer than some number of tokens. */
        default Optional<LongRows> longRows(double theta, int width) {
            return Optional.empty();
        }
    }

    /**
     * Frequencies for batches that have a row longer than some.
     *
     * @param longerThan tokens
     * @param frequencies one for each pair, radians per position
     */
    public record LongRows(int longerThan, double[] frequencies) {}

    private static double[] frequencies(double theta, int width, IntToDoubleFunction factor) {
        double[] frequencies = new double[(width + 1) / 2];
        Arrays.setAll(
                frequencies, i -> Math.pow(theta, -2.0 * i / width) * factor.applyAsDouble(i));
        return frequencies;
    }

    /** No stretching. */
    public record Plain() implements Scaling {
        @Override
        public double[] frequencies(double theta, int width) {
            return RotaryEmbedding.frequencies(theta, width, i -> 1);
        }
    }

    /**
     * Positions divided by a factor (arXiv 2306.15595).
     *
     * @param factor how many times longer rows become
     */
    public record Linear(double factor) implements Scaling {
        @Override
        public double[] frequencies(double theta, int width) {
            return RotaryEmbedding.frequencies(theta, width, i -> 1 / factor);
        }
    }

    /**
     * Llama 3.1's: long wavelengths are stretched, short ones kept, those between interpolated.
     *
     * @param factor how many times longer rows become
     * @param lowFrequencyFactor wavelengths above {@code originalPositions / lowFrequencyFactor}
     *     are stretched
     * @param highFrequencyFactor wavelengths below {@code originalPositions / highFrequencyFactor}
     *     are kept
     * @param originalPositions the longest row before stretching
     */
    public record Llama3(
            double factor,
            double lowFrequencyFactor,
            double highFrequencyFactor,
            int originalPositions)
            implements Scaling {
        @Override
        public double[] frequencies(double theta, int width) {
            return Arrays.stream(new Plain().frequencies(theta, width)).map(this::scale).toArray();
        }

        private double scale(double frequency) {
            double wavesInOriginal = originalPositions * frequency / (2 * Math.PI);
            if (wavesInOriginal < lowFrequencyFactor) {
                return frequency / factor;
            }
            if (wavesInOriginal > highFrequencyFactor) {
                return frequency;
            }
            double smooth =
                    (wavesInOriginal - lowFrequencyFactor)
                            / (highFrequencyFactor - lowFrequencyFactor);
            return (1 - smooth) * frequency / factor + smooth * frequency;
        }
    }

    /**
     * YaRN (arXiv 2309.00071): pairs that turn often are kept, those that turn seldom stretched,
     * those between interpolated.
     *
     * @param factor how many times longer rows become
     * @param originalPositions the longest row before stretching
     * @param betaFast pairs that turn more often than this in it are kept
     * @param betaSlow pairs that turn less often than this in it are stretched
     * @param truncate whether the range between is widened to whole pairs
     * @param attentionFactor what queries and keys are multiplied with
     */
    public record Yarn(
            double factor,
            int originalPositions,
            double betaFast,
            double betaSlow,
            boolean truncate,
            double attentionFactor)
            implements Scaling {
        @Override
        public double[] frequencies(double theta, int width) {
            if (width % 2 != 0) {
                throw new IllegalArgumentException(
                        "YaRN turns whole pairs, not " + width + " numbers of a head");
            }
            double fast = pairThatTurns(betaFast, theta, width);
            double slow = pairThatTurns(betaSlow, theta, width);
            double low = Math.max(0, truncate ? Math.floor(fast) : fast);
            double high = Math.min(width - 1, truncate ? Math.ceil(slow) : slow);
            double range = low == high ? 0.001 : high - low;
            return RotaryEmbedding.frequencies(
                    theta,
                    width,
                    i -> {
                        double stretched = Math.min(1, Math.max(0, (i - low) / range));
                        return stretched / factor + 1 - stretched;
                    });
        }

        private double pairThatTurns(double often, double theta, int width) {
            return width
                    * Math.log(originalPositions / (often * 2 * Math.PI))
                    / (2 * Math.log(theta));
        }
    }

    /**
     * LongRoPE (arXiv 2402.13753): a factor for each pair, of which there is one set for short
     * batches and one for long.
     *
     * @param shortFactors what frequencies are divided by
     * @param longFactors what they are divided by where a row is longer than {@code
     *     originalPositions}
     * @param originalPositions the longest row before stretching
     * @param attentionFactor what queries and keys are multiplied with
     */
    public record LongRope(
            List<Double> shortFactors,
            List<Double> longFactors,
            int originalPositions,
            double attentionFactor)
            implements Scaling {
        public LongRope {
            shortFactors = List.copyOf(shortFactors);
            longFactors = List.copyOf(longFactors);
        }

        @Override
        public double[] frequencies(double theta, int width) {
            int pairs = (width + 1) / 2;
            if (shortFactors.size() != pairs || longFactors.size() != pairs) {
                throw new IllegalArgumentException(
                        String.format(
                                Locale.ROOT,
                                "short_factor and long_factor have %d and %d numbers; heads with %d"
                                        + " pairs to turn need as many",
                                shortFactors.size(),
                                longFactors.size(),
                                pairs));
            }
            return RotaryEmbedding.frequencies(theta, width, i -> 1 / shortFactors.get(i));
        }

        @Override
        public Optional<LongRows> longRows(double theta, int width) {
            return Optional.of(
                    new LongRows(
                            originalPositions,
                            RotaryEmbedding.frequencies(
                                    theta, width, i -> 1 / longFactors.get(i))));
        }
    }

    /**
     * The frequencies of a head's pairs.
     *
     * @param headDim width of the head
     * @return one for each pair that is turned, in radians per position
     */
    public double[] frequencies(int headDim) {
        return scaling.frequencies(theta, turnedWidth(headDim));
    }

    /**
     * Other frequencies for batches with long rows.
     *
     * @param headDim width of the head
     */
    public Optional<LongRows> longRows(int headDim) {
        return scaling.longRows(theta, turnedWidth(headDim));
    }

    private int turnedWidth(int headDim) {
        return (int) (headDim * part);
    }
}
