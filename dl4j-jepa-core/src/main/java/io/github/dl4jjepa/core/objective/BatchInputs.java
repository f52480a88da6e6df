package io.github.dl4jjepa.core.objective;

import io.github.dl4jjepa.core.decoder.Decoder;
import io.github.dl4jjepa.core.iterator.MultiViewBatch;
import java.util.Map;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The names that a batch's arrays have as inputs of a graph. */
final class BatchInputs {
    static final String INPUT_IDS = "input_ids";
    static final String POSITION_IDS = "position_ids";
    static final String SEGMENT_IDS = "segment_ids";
    static final String PREFIX_IDS = "prefix_ids";
    static final String LABEL_INDICES = "label_indices";
    static final String LABEL_IDS = "label_ids";
    static final String PREDICTION_INDICES = "prediction_indices";
    static final String TARGET_INDICES = "target_indices";

    private BatchInputs() {}

    /** Draws the inputs that a decoder reads. */
    static Decoder.TokenInputs tokens(SameDiff graph) {
        return new Decoder.TokenInputs(
                matrix(graph, INPUT_IDS),
                matrix(graph, POSITION_IDS),
                matrix(graph, SEGMENT_IDS),
                matrix(graph, PREFIX_IDS));
    }

    /** Draws an INT32 matrix of any size. */
    static SDVariable matrix(SameDiff graph, String name) {
        return graph.placeHolder(name, DataType.INT32, -1, -1);
    }

    /** The arrays that {@link #tokens} reads. */
    static Map<String, INDArray> of(MultiViewBatch batch) {
        return Map.of(
                INPUT_IDS, batch.inputIds(),
                POSITION_IDS, batch.positionIds(),
                SEGMENT_IDS, batch.segmentIds(),
                PREFIX_IDS, batch.prefixIds());
    }
}
