package io.github.dl4jjepa.core.diagnostics;

import io.github.dl4jjepa.core.internal.Cosines;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Whether the embeddings of two views tell pairs apart.
 *
 * @param pairedCosine mean cosine of a text and its own code
 * @param unpairedCosine mean cosine of a text and the codes of other answers
 * @param pairedCosineCentered the same after each view's mean is subtracted
 * @param unpairedCosineCentered the same after each view's mean is subtracted
 * @param textRetrievalAt1 the share of texts to which, of all codes, one of their own answer is the
 *     nearest by the centered cosine; a tie counts as missed
 * @param textRetrievalAt5 the share where one is among the five nearest
 * @param codeRetrievalAt1 the share of codes to which a text of their own answer is the nearest
 * @param codeRetrievalAt5 the share where one is among the five nearest
 * @param textEffectiveRank {@code exp} of the entropy of the singular values, as shares of their
 *     sum (Roy and Vetterli, 2007), of the texts' embeddings as they are; from 1, all in one line,
 *     to the smaller of pairs and hidden size
 * @param codeEffectiveRank that of the codes' embeddings
 * @param textNorm mean Euclidean norm of a text's embedding
 * @param textNormDeviation standard deviation of those norms
 * @param codeNorm mean Euclidean norm of a code's embedding
 * @param codeNormDeviation standard deviation of those norms
 * @param linearMapError {@code min_X |Text X - Code|^2 / |Code - mean(Code)|^2}: the part of the
 *     codes' variance that no linear map of the texts explains. The paper's table 14 does not
 *     divide, so that a collapse looks like success. NaN where there is no variance, or where the
 *     texts' embeddings are linearly independent, as they must be for there to be no more pairs
 *     than hidden dimensions: a map then fits any codes
 * @param answers how the model continues the prompts
 * @param differenceSingularValues the largest singular values of {@code Text - Code}, at most 100,
 *     in descending order (the paper's figure 3)
 */
public record ViewDiagnostics(
        double pairedCosine,
        double unpairedCosine,
        double pairedCosineCentered,
        double unpairedCosineCentered,
        double textRetrievalAt1,
        double textRetrievalAt5,
        double codeRetrievalAt1,
        double codeRetrievalAt5,
        double textEffectiveRank,
        double codeEffectiveRank,
        double textNorm,
        double textNormDeviation,
        double codeNorm,
        double codeNormDeviation,
        double linearMapError,
        AnswerAccuracy answers,
        double[] differenceSingularValues) {
    /** Paired and unpaired cosines closer than this are said to have collapsed. */
    public static final double COLLAPSED_COSINE_GAP = 0.02;

    /** An effective rank below this is said to have collapsed. */
    public static final double COLLAPSED_RANK = 2;

    private static final ViewDiagnostics ZERO =
            new ViewDiagnostics(
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    new AnswerAccuracy(0, 0, 0),
                    new double[0]);

    private static final double CONE_COSINE = 0.9;
    private static final int LARGEST_SINGULAR_VALUES = 100;

    /**
     * Looks at embeddings. Takes the time of three singular value decompositions.
     *
     * @param views the embeddings
     * @param answers how the same model continues the prompts
     */
    public static ViewDiagnostics of(ViewEmbeddings views, AnswerAccuracy answers) {
        INDArray text = views.text();
        INDArray code = views.code();
        Cosines raw = new Cosines(text, code, views.answerIds());
        Cosines centered =
                new Cosines(
                        text.subRowVector(text.mean(0)),
                        code.subRowVector(code.mean(0)),
                        views.answerIds());
        Svd textSvd = Svd.of(text);
        double[] textNorms = text.norm2(1).toDoubleVector();
        double[] codeNorms = code.norm2(1).toDoubleVector();
        double[] differences = Svd.of(text.sub(code)).singularValues();
        return new ViewDiagnostics(
                raw.paired(),
                raw.unpaired(),
                centered.paired(),
                centered.unpaired(),
                centered.textRetrieval(1),
                centered.textRetrieval(5),
                centered.codeRetrieval(1),
                centered.codeRetrieval(5),
                textSvd.effectiveRank(),
                Svd.of(code).effectiveRank(),
                mean(textNorms),
                deviation(textNorms),
                mean(codeNorms),
                deviation(codeNorms),
                linearMapError(textSvd, code),
                answers,
                Arrays.copyOf(differences, Math.min(differences.length, LARGEST_SINGULAR_VALUES)));
    }

    private static double linearMapError(Svd text, INDArray code) {
        INDArray basis = text.rangeBasis();
        if (basis.columns() == code.rows()) {
            return Double.NaN;
        }
        INDArray residual = code.sub(basis.mmul(basis.transpose().mmul(code)));
        double variance = squares(code.subRowVector(code.mean(0)));
        return variance == 0 ? Double.NaN : squares(residual) / variance;
    }

    private static double squares(INDArray array) {
        double norm = array.norm2Number().doubleValue();
        return norm * norm;
    }

    private static double mean(double[] values) {
        return Arrays.stream(values).average().orElseThrow();
    }

    private static double deviation(double[] values) {
        double mean = mean(values);
        IntToDoubleFunction square = i -> (values[i] - mean) * (values[i] - mean);
        return Math.sqrt(
                IntStream.range(0, values.length).mapToDouble(square).average().orElseThrow());
    }

    /** What is wrong with the embeddings, in words; empty if they have not collapsed. */
    public Optional<String> collapse() {
        if (pairedCosine - unpairedCosine < COLLAPSED_COSINE_GAP) {
            return Optional.of(
                    String.format(
                            Locale.ROOT,
                            "The embeddings do not tell pairs apart: a text's cosine with its own"
                                    + " code is %.3f, with those of others %.3f%s.",
                            pairedCosine,
                            unpairedCosine,
                            unpairedCosine > CONE_COSINE
                                    ? "; they have collapsed into a cone"
                                    : ""));
        }
        double rank = Math.min(textEffectiveRank, codeEffectiveRank);
        if (rank < COLLAPSED_RANK) {
            return Optional.of(
                    String.format(
                            Locale.ROOT,
                            "The embeddings have collapsed: the effective rank of a view is %.2f.",
                            rank));
        }
        return Optional.empty();
    }

    /** All names that {@link #values} may have, in their order. */
    public static List<String> names() {
        return List.copyOf(ZERO.values().keySet());
    }

    /**
     * The numbers by the names they have in files, in a fixed order; those that are NaN, and the
     * singular values, are left out.
     */
    public Map<String, Double> values() {
        Map<String, Double> values = new LinkedHashMap<>();
        values.put("paired_cosine", pairedCosine);
        values.put("unpaired_cosine", unpairedCosine);
        values.put("paired_cosine_centered", pairedCosineCentered);
        values.put("unpaired_cosine_centered", unpairedCosineCentered);
        values.put("text_retrieval_at_1", textRetrievalAt1);
        values.put("text_retrieval_at_5", textRetrievalAt5);
        values.put("code_retrieval_at_1", codeRetrievalAt1);
        values.put("code_retrieval_at_5", codeRetrievalAt5);
        values.put("text_effective_rank", textEffectiveRank);
        values.put("code_effective_rank", codeEffectiveRank);
        values.put("text_norm", textNorm);
        values.put("text_norm_deviation", textNormDeviation);
        values.put("code_norm", codeNorm);
        values.put("code_norm_deviation", codeNormDeviation);
        values.put("linear_map_error", linearMapError);
        values.put("exact_match", answers.exact());
        values.put("content_match", answers.content());
        values.put("stop_accuracy", answers.stops());
        values.values().removeIf(value -> value.isNaN());
        return values;
    }
}
