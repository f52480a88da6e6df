package io.github.dl4jjepa.core.iterator;

import io.github.dl4jjepa.core.internal.OptionName;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** How a batch's arrays are passed to Deeplearning4j. */
public enum MultiDataSetForm {
    /**
     * Every array by itself, as {@link MultiViewBatch#toMultiDataSet()} orders them: four features
     * and five labels. For SameDiff, and for graphs of vertices.
     */
    ARRAYS {
        @Override
        MultiDataSet of(MultiViewBatch batch) {
            return batch.toMultiDataSet();
        }
    },
    /**
     * The four features of {@link #ARRAYS}, and {@link PackedLabels} as the one label array. For a
     * {@code ComputationGraph} whose body keeps the segments of a row apart, such as a decoder.
     */
    PACKED {
        @Override
        MultiDataSet of(MultiViewBatch batch) {
            return packed(
                    batch,
                    batch.inputIds(),
                    batch.positionIds(),
                    batch.segmentIds(),
                    batch.prefixIds());
        }
    },
    /**
     * Token ids {@code [rows, time]} as the one feature array, and {@link PackedLabels} as the one
     * label array. For bodies that read a row from left to right, such as an embedding and an LSTM;
     * each view must have a row of its own.
     */
    SEQUENCE {
        @Override
        MultiDataSet of(MultiViewBatch batch) {
            return packed(batch, batch.inputIds());
        }
    };

    abstract MultiDataSet of(MultiViewBatch batch);

    private static MultiDataSet packed(MultiViewBatch batch, INDArray... features) {
        MultiDataSet data =
                new org.nd4j.linalg.dataset.MultiDataSet(
                        features, new INDArray[] {PackedLabels.pack(batch)});
        data.setExampleMetaData(batch.sources());
        return data;
    }

    /** The name as the command line would have it: {@code sequence}. */
    @Override
    public String toString() {
        return OptionName.of(this);
    }
}
