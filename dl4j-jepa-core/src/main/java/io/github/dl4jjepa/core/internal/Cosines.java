package io.github.dl4jjepa.core.internal;

import java.util.Arrays;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The cosines of every text with every code. */
public final class Cosines {
    private final double[][] cosines;
    private final int[] answerIds;

    /**
     * Compares them; a zero vector has cosine 0 with any other.
     *
     * @param text {@code [pairs, hidden]}
     * @param code {@code [pairs, hidden]}
     * @param answerIds the same for pairs with the same code
     */
    public Cosines(INDArray text, INDArray code, int[] answerIds) {
        cosines = normalized(text).mmul(normalized(code).transpose()).toDoubleMatrix();
        this.answerIds = answerIds.clone();
    }

    private static INDArray normalized(INDArray embeddings) {
        INDArray norms = embeddings.norm2(1);
        return embeddings.divColumnVector(norms.addi(norms.eq(0).castTo(norms.dataType())));
    }

    /** The cosines of texts with their own codes, by pair. */
    public double[] pairedCosines() {
        return IntStream.range(0, cosines.length).mapToDouble(i -> cosines[i][i]).toArray();
    }

    /** The cosines of texts with the codes of other answers. */
    public double[] unpairedCosines() {
        return IntStream.range(0, cosines.length)
                .boxed()
                .flatMapToDouble(
                        i ->
                                IntStream.range(0, cosines.length)
                                        .filter(j -> answerIds[i] != answerIds[j])
                                        .mapToDouble(j -> cosines[i][j]))
                .toArray();
    }

    /** Mean of {@link #pairedCosines}. */
    public double paired() {
        return IntStream.range(0, cosines.length)
                .mapToDouble(i -> cosines[i][i])
                .average()
                .orElseThrow();
    }

    /** Mean of {@link #unpairedCosines}; NaN where all answers are the same. */
    public double unpaired() {
        return Arrays.stream(unpairedCosines()).average().orElse(Double.NaN);
    }

    /** The share of texts that have a code of their answer among the nearest. */
    public double textRetrieval(int nearest) {
        return share(i -> retrieves(i, nearest, (text, code) -> cosines[text][code]));
    }

    /** The share of codes that have a text of their answer among the nearest. */
    public double codeRetrieval(int nearest) {
        return share(i -> retrieves(i, nearest, (code, text) -> cosines[text][code]));
    }

    private double share(IntPredicate retrieved) {
        return (double) IntStream.range(0, cosines.length).filter(retrieved).count()
                / cosines.length;
    }

    private interface Similarity {
        double of(int query, int candidate);
    }

    private boolean retrieves(int query, int nearest, Similarity similarity) {
        double own =
                IntStream.range(0, cosines.length)
                        .filter(i -> answerIds[i] == answerIds[query])
                        .mapToDouble(i -> similarity.of(query, i))
                        .max()
                        .orElseThrow();
        long nearer =
                IntStream.range(0, cosines.length)
                        .filter(i -> answerIds[i] != answerIds[query])
                        .filter(i -> similarity.of(query, i) >= own)
                        .count();
        return nearer < nearest;
    }
}
