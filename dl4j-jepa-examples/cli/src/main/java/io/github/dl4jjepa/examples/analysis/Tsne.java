package io.github.dl4jjepa.examples.analysis;

import java.util.Arrays;
import java.util.Random;

/**
 * t-SNE (van der Maaten and Hinton, 2008): places points in the plane so that neighbors stay
 * neighbors.
 *
 * <p>Exact, in time and memory of the number of points squared, and as scikit-learn's {@code
 * TSNE(method="exact")} does it: a search for the width of each point's Gaussian, 250 steps with
 * affinities that are 12 times as large and momentum 0.5, the other steps with momentum 0.8, the
 * learning rate {@code max(points / 48, 50)}.
 */
final class Tsne {
    private static final int STEPS = 1000;
    private static final int EXPLORATION_STEPS = 250;
    private static final double EXAGGERATION = 12;
    private static final double EXPLORATION_MOMENTUM = 0.5;
    private static final double MOMENTUM = 0.8;
    private static final double MIN_LEARNING_RATE = 50;
    private static final double MIN_GAIN = 0.01;
    private static final double INITIAL_DEVIATION = 1e-4;

    private static final int SEARCH_STEPS = 100;
    private static final double ENTROPY_TOLERANCE = 1e-5;
    private static final double EPSILON = Math.ulp(1.0);

    private final double[][] affinities;
    private final int points;

    /** 1 / (1 + squared distance in the plane) of the last gradient. */
    private final double[][] kernel;

    /**
     * @param affinities {@code [points, points]}, as {@link #affinities} makes them
     */
    Tsne(double[][] affinities) {
        this.affinities = affinities;
        points = affinities.length;
        kernel = new double[points][points];
    }

    /**
     * Places points in the plane.
     *
     * @param vectors {@code [points, size]}
     * @param perplexity how many neighbors a point has, about; less than the number of points
     * @param seed decides where the points start
     * @return {@code [points, 2]}
     */
    static double[][] embed(double[][] vectors, double perplexity, long seed) {
        Random random = new Random(seed);
        double[][] places = new double[vectors.length][2];
        for (double[] place : places) {
            Arrays.setAll(place, axis -> INITIAL_DEVIATION * random.nextGaussian());
        }
        new Tsne(affinities(vectors, perplexity))
                .descend(places, EXPLORATION_STEPS, STEPS - EXPLORATION_STEPS);
        return places;
    }

    /**
     * The joint probabilities of being neighbors.
     *
     * @param vectors {@code [points, size]}
     * @param perplexity 2 to the power of the entropy, in bits, of each point's neighbors
     * @return {@code [points, points]}, symmetric, with the sum 1
     */
    static double[][] affinities(double[][] vectors, double perplexity) {
        int points = vectors.length;
        double[][] conditional = new double[points][];
        for (int i = 0; i < points; i++) {
            double[] distances = new double[points];
            for (int j = 0; j < points; j++) {
                distances[j] = squaredDistance(vectors[i], vectors[j]);
            }
            conditional[i] = neighbors(distances, i, Math.log(perplexity));
        }
        double sum = Arrays.stream(conditional).flatMapToDouble(Arrays::stream).sum();
        double[][] joint = new double[points][points];
        for (int i = 0; i < points; i++) {
            for (int j = 0; j < points; j++) {
                if (i != j) {
                    double both = conditional[i][j] + conditional[j][i];
                    joint[i][j] = Math.max(both / (2 * sum), EPSILON);
                }
            }
        }
        return joint;
    }

    /** The Gaussian around a point, its width such that its entropy (in nats) is the given one. */
    private static double[] neighbors(double[] squaredDistances, int point, double entropy) {
        double[] probabilities = new double[squaredDistances.length];
        double precision = 1;
        double low = 0;
        double high = Double.POSITIVE_INFINITY;
        for (int step = 0; step < SEARCH_STEPS; step++) {
            double sum = 0;
            for (int j = 0; j < probabilities.length; j++) {
                probabilities[j] = j == point ? 0 : Math.exp(-squaredDistances[j] * precision);
                sum += probabilities[j];
            }
            sum = Math.max(sum, Double.MIN_NORMAL);
            double meanDistance = 0;
            for (int j = 0; j < probabilities.length; j++) {
                probabilities[j] /= sum;
                meanDistance += squaredDistances[j] * probabilities[j];
            }
            double excess = Math.log(sum) + precision * meanDistance - entropy;
            if (Math.abs(excess) <= ENTROPY_TOLERANCE) {
                break;
            }
            if (excess > 0) {
                low = precision;
                precision = high == Double.POSITIVE_INFINITY ? 2 * low : (low + high) / 2;
            } else {
                high = precision;
                precision = (low + high) / 2;
            }
        }
        return probabilities;
    }

    /**
     * Moves points downhill.
     *
     * @param places {@code [points, 2]}, changed
     * @param explorationSteps steps with exaggerated affinities
     * @param steps steps after these
     */
    void descend(double[][] places, int explorationSteps, int steps) {
        descend(places, explorationSteps, EXAGGERATION, EXPLORATION_MOMENTUM);
        descend(places, steps, 1, MOMENTUM);
    }

    private void descend(double[][] places, int steps, double exaggeration, double momentum) {
        double learningRate = Math.max(points / EXAGGERATION / 4, MIN_LEARNING_RATE);
        double[][] gains = new double[points][2];
        double[][] updates = new double[points][2];
        for (double[] gain : gains) {
            Arrays.fill(gain, 1);
        }
        for (int step = 0; step < steps; step++) {
            double[][] gradient = gradient(places, exaggeration);
            for (int i = 0; i < points; i++) {
                for (int axis = 0; axis < 2; axis++) {
                    boolean onward = updates[i][axis] * gradient[i][axis] < 0;
                    double gain = onward ? gains[i][axis] + 0.2 : gains[i][axis] * 0.8;
                    gains[i][axis] = Math.max(gain, MIN_GAIN);
                    updates[i][axis] =
                            momentum * updates[i][axis]
                                    - learningRate * gains[i][axis] * gradient[i][axis];
                    places[i][axis] += updates[i][axis];
                }
            }
        }
    }

    /** Fills the kernel and returns the sum of all its elements. */
    private double fillKernel(double[][] places) {
        double sum = 0;
        for (int i = 0; i < points; i++) {
            for (int j = 0; j < i; j++) {
                double value = 1 / (1 + squaredDistance(places[i], places[j]));
                kernel[i][j] = value;
                sum += 2 * value;
            }
        }
        return sum;
    }

    /**
     * The gradient of {@link #divergence} with respect to the places.
     *
     * @param exaggeration what the affinities are multiplied by
     * @return {@code [points, 2]}
     */
    double[][] gradient(double[][] places, double exaggeration) {
        double sum = fillKernel(places);
        double[][] gradient = new double[points][2];
        for (int i = 0; i < points; i++) {
            for (int j = 0; j < i; j++) {
                double difference =
                        exaggeration * affinities[i][j] - Math.max(kernel[i][j] / sum, EPSILON);
                double pull = 4 * difference * kernel[i][j];
                for (int axis = 0; axis < 2; axis++) {
                    double force = pull * (places[i][axis] - places[j][axis]);
                    gradient[i][axis] += force;
                    gradient[j][axis] -= force;
                }
            }
        }
        return gradient;
    }

    /** The Kullback-Leibler divergence of the affinities in the plane from the given ones. */
    double divergence(double[][] places) {
        double sum = fillKernel(places);
        double divergence = 0;
        for (int i = 0; i < points; i++) {
            for (int j = 0; j < i; j++) {
                double inPlane = Math.max(kernel[i][j] / sum, EPSILON);
                divergence += 2 * affinities[i][j] * Math.log(affinities[i][j] / inPlane);
            }
        }
        return divergence;
    }

    private static double squaredDistance(double[] a, double[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            double difference = a[i] - b[i];
            sum += difference * difference;
        }
        return sum;
    }
}
