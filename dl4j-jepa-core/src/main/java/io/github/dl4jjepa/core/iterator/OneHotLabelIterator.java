package io.github.dl4jjepa.core.iterator;

import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.DataSetPreProcessor;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The language model's part of batches in the form that Deeplearning4j's own layers and evaluations
 * have: token ids {@code [rows, time]}, one-hot labels {@code [rows, vocabulary, time]} and their
 * mask {@code [rows, time]}.
 *
 * <pre>{@code
 * Evaluation evaluation = network.evaluate(new OneHotLabelIterator(test, vocabulary));
 * rnnOutputLayerNetwork.fit(new OneHotLabelIterator(train, vocabulary), epochs);
 * }</pre>
 *
 * <p>The batches are those of a {@link JepaMultiViewIterator} with {@link
 * MultiDataSetForm#SEQUENCE}. With a {@link io.github.dl4jjepa.core.view.LanguageModelLayout} they
 * have no rows but the language model's; rows of views have no labels, and masks of zeros.
 */
public final class OneHotLabelIterator implements DataSetIterator {
    private static final long serialVersionUID = 1L;

    private final MultiDataSetIterator batches;
    private final int vocabulary;

    @SuppressWarnings(
            "serial") // most preprocessors are serializable, though their interface is not
    private @Nullable DataSetPreProcessor preProcessor;

    /**
     * @param batches batches with packed labels
     * @param vocabulary how many classes a label has: the {@code nOut} of the output layer
     */
    public OneHotLabelIterator(MultiDataSetIterator batches, int vocabulary) {
        this.batches = Objects.requireNonNull(batches, "batches");
        this.vocabulary = vocabulary;
    }

    /**
     * The next batch.
     *
     * @throws IllegalArgumentException if its features are not one array, its labels are not
     *     packed, or a label is not below the size of the vocabulary
     */
    @Override
    public DataSet next() {
        return convert(batches.next());
    }

    @Override
    public DataSet next(int size) {
        return convert(batches.next(size));
    }

    private DataSet convert(MultiDataSet batch) {
        if (batch.numFeatureArrays() != 1 || batch.numLabelsArrays() != 1) {
            throw new IllegalArgumentException(
                    "a batch has "
                            + batch.numFeatureArrays()
                            + " feature arrays and "
                            + batch.numLabelsArrays()
                            + " label arrays; it must have one each, as those of a"
                            + " JepaMultiViewIterator with MultiDataSetForm.SEQUENCE");
        }
        int[][] labels = PackedLabels.labels(batch.getLabels(0));
        int time = labels[0].length;
        float[][][] oneHot = new float[labels.length][vocabulary][time];
        float[][] mask = new float[labels.length][time];
        for (int row = 0; row < labels.length; row++) {
            for (int t = 0; t < time; t++) {
                int label = labels[row][t];
                if (label >= vocabulary) {
                    throw new IllegalArgumentException(
                            "a label is token "
                                    + label
                                    + ", the vocabulary has "
                                    + vocabulary
                                    + " tokens");
                }
                if (label >= 0) {
                    oneHot[row][label][t] = 1;
                    mask[row][t] = 1;
                }
            }
        }
        DataSet data =
                new DataSet(
                        batch.getFeatures(0),
                        Nd4j.createFromArray(oneHot),
                        null,
                        Nd4j.createFromArray(mask));
        if (preProcessor != null) {
            preProcessor.preProcess(data);
        }
        return data;
    }

    @Override
    public boolean hasNext() {
        return batches.hasNext();
    }

    @Override
    public void reset() {
        batches.reset();
    }

    @Override
    public boolean resetSupported() {
        return batches.resetSupported();
    }

    @Override
    public boolean asyncSupported() {
        return batches.asyncSupported();
    }

    /** The size of the vocabulary. */
    @Override
    public int totalOutcomes() {
        return vocabulary;
    }

    /** One: an id for each token. */
    @Override
    public int inputColumns() {
        return 1;
    }

    /** Not known: -1. */
    @Override
    public int batch() {
        return -1;
    }

    /** Tokens have no names here: null. */
    @Override
    public @Nullable List<String> getLabels() {
        return null;
    }

    @Override
    public void setPreProcessor(DataSetPreProcessor preProcessor) {
        this.preProcessor = preProcessor;
    }

    @Override
    public @Nullable DataSetPreProcessor getPreProcessor() {
        return preProcessor;
    }
}
