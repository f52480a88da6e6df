package io.github.dl4jjepa.models.generation;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The processors of transformers' {@code generate}, in its order: each has the name, the formula
 * and the bounds of the one there.
 */
final class LogitsProcessors {
    private LogitsProcessors() {}

    /** What the options ask for, in the order of transformers. */
    static List<LogitsProcessor> of(GenerationOptions options) {
        List<LogitsProcessor> processors = new ArrayList<>();
        if (options.repetitionPenalty() != 1) {
            processors.add(repetitionPenalty(options.repetitionPenalty()));
        }
        if (options.noRepeatNgramSize() > 0) {
            processors.add(noRepeatNgram(options.noRepeatNgramSize()));
        }
        if (options.minNewTokens() > 0) {
            int[] ends = options.endTokenIds().stream().mapToInt(Integer::intValue).toArray();
            processors.add(minNewTokens(options.minNewTokens(), ends));
        }
        processors.addAll(options.processors());
        if (options.sampled()) {
            if (options.temperature() != 1) {
                processors.add(temperature(options.temperature()));
            }
            if (options.topK() > 0) {
                processors.add(topK(options.topK()));
            }
            if (options.topP() < 1) {
                processors.add(topP(options.topP()));
            }
            if (options.minP() > 0) {
                processors.add(minP(options.minP()));
            }
        }
        return List.copyOf(processors);
    }

    /** Logits of tokens that occurred are divided by the penalty, negative ones multiplied. */
    static LogitsProcessor repetitionPenalty(double penalty) {
        return (ids, promptLength, length, logits) -> {
            int[] occurred = Arrays.copyOf(ids, length);
            Arrays.sort(occurred);
            for (int i = 0; i < length; i++) {
                if (i == 0 || occurred[i] != occurred[i - 1]) {
                    float logit = logits[occurred[i]];
                    logits[occurred[i]] =
                            logit < 0 ? logit * (float) penalty : logit / (float) penalty;
                }
            }
        };
    }

    /** Rules out tokens that would make a sequence of {@code size} tokens occur again. */
    static LogitsProcessor noRepeatNgram(int size) {
        return (ids, promptLength, length, logits) -> {
            int start = length - size + 1;
            if (start < 0) {
                return;
            }
            for (int i = 0; i + size <= length; i++) {
                if (Arrays.equals(ids, i, i + size - 1, ids, start, length)) {
                    logits[ids[i + size - 1]] = Float.NEGATIVE_INFINITY;
                }
            }
        };
    }

    /** Rules end tokens out until there are enough new tokens. */
    static LogitsProcessor minNewTokens(int least, int... endTokens) {
        return (ids, promptLength, length, logits) -> {
            if (length - promptLength < least) {
                for (int end : endTokens) {
                    logits[end] = Float.NEGATIVE_INFINITY;
                }
            }
        };
    }

    static LogitsProcessor temperature(double temperature) {
        return (ids, promptLength, length, logits) -> {
            for (int i = 0; i < logits.length; i++) {
                logits[i] /= (float) temperature;
            }
        };
    }

    /** Keeps the {@code k} largest logits, and those equal to the smallest of them. */
    static LogitsProcessor topK(int k) {
        return (ids, promptLength, length, logits) -> {
            if (k >= logits.length) {
                return;
            }
            float[] sorted = logits.clone();
            Arrays.sort(sorted);
            float least = sorted[sorted.length - k];
            for (int i = 0; i < logits.length; i++) {
                if (logits[i] < least) {
                    logits[i] = Float.NEGATIVE_INFINITY;
                }
            }
        };
    }

    /** Keeps the fewest most probable tokens whose probabilities sum up to {@code p}. */
    static LogitsProcessor topP(double p) {
        return (ids, promptLength, length, logits) -> {
            // Ascending, as transformers does it: what is summed up to 1 - p is ruled out.
            int[] order = ascending(logits);
            double[] probabilities = probabilities(logits);
            double sum = 0;
            for (int i = 0; i < order.length - 1; i++) {
                sum += probabilities[order[i]];
                if (sum > 1 - p) {
                    break;
                }
                logits[order[i]] = Float.NEGATIVE_INFINITY;
            }
        };
    }

    /** Keeps tokens at least {@code p} times as probable as the most probable one. */
    static LogitsProcessor minP(double p) {
        return (ids, promptLength, length, logits) -> {
            double[] probabilities = probabilities(logits);
            double least = p * Arrays.stream(probabilities).max().orElseThrow();
            int best = best(logits);
            for (int i = 0; i < logits.length; i++) {
                if (i != best && probabilities[i] < least) {
                    logits[i] = Float.NEGATIVE_INFINITY;
                }
            }
        };
    }

    /** Indices of the finite logits, the smallest first; of equal ones the first first. */
    private static int[] ascending(float[] logits) {
        return IntStream.range(0, logits.length)
                .filter(i -> logits[i] != Float.NEGATIVE_INFINITY)
                .mapToLong(i -> (long) ordered(logits[i]) << Integer.SIZE | i)
                .sorted()
                .mapToInt(key -> (int) key)
                .toArray();
    }

    /** Bits that compare as the number does. */
    private static int ordered(float number) {
        int bits = Float.floatToIntBits(number);
        return bits ^ (bits >> (Integer.SIZE - 1) & Integer.MAX_VALUE);
    }

    /** The softmax of logits, of which one at least is finite. */
    static double[] probabilities(float[] logits) {
        double greatest = logits[best(logits)];
        double[] probabilities = new double[logits.length];
        double sum = 0;
        for (int i = 0; i < logits.length; i++) {
            probabilities[i] = Math.exp(logits[i] - greatest);
            sum += probabilities[i];
        }
        for (int i = 0; i < logits.length; i++) {
            probabilities[i] /= sum;
        }
        return probabilities;
    }

    /** Index of the largest logit, the first of equal ones. */
    static int best(float[] logits) {
        int best = 0;
        for (int i = 1; i < logits.length; i++) {
            if (logits[i] > logits[best]) {
                best = i;
            }
        }
        return best;
    }
}
