package io.github.dl4jjepa.models.decoder;

/**
 * Rotary position embedding (arXiv 2104.09864): pair {@code (i, i + headDim / 2)} of a head is
 * turned by {@code position * frequency(i)}.
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
        /** The frequency to use in place of a plain one, in radians per position. */
        double scale(double frequency);
    }

    /** No stretching. */
    public record Plain() implements Scaling {
        @Override
        public double scale(double frequency) {
            return frequency;
        }
    }

    /**
     * Positions divided by a factor (arXiv 2306.15595).
     *
     * @param factor how many times longer rows become
     */
    public record Linear(double factor) implements Scaling {
        @Override
        public double scale(double frequency) {
            return frequency / factor;
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
        public double scale(double frequency) {
            double wavesInOriginal = originalPositions * frequency / (2 * Math.PI);
            double kept =
                    (wavesInOriginal - lowFrequencyFactor)
                            / (highFrequencyFactor - lowFrequencyFactor);
            double smooth = Math.min(1, Math.max(0, kept));
            return (1 - smooth) * frequency / factor + smooth * frequency;
        }
    }

    /** How much of a head of some width is turned, an even number. */
    int turnedWidth(int headDim) {
        return (int) (headDim * part) / 2 * 2;
    }

    /**
     * The frequencies of a head's pairs.
     *
     * @param headDim width of the head
     * @return one for each pair that is turned, in radians per position
     */
    double[] frequencies(int headDim) {
        int turned = turnedWidth(headDim);
        double[] frequencies = new double[turned / 2];
        for (int i = 0; i < frequencies.length; i++) {
            frequencies[i] = scaling.scale(Math.pow(theta, -2.0 * i / turned));
        }
        return frequencies;
    }
}
