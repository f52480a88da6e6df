package io.github.dl4jjepa.core.objective;

import io.github.dl4jjepa.core.decoder.Decoder;
import io.github.dl4jjepa.core.diagnostics.AnswerAccuracy;
import io.github.dl4jjepa.core.diagnostics.ViewDiagnostics;
import io.github.dl4jjepa.core.diagnostics.ViewEmbeddings;
import io.github.dl4jjepa.core.internal.samediff.Arena;
import io.github.dl4jjepa.core.internal.samediff.GraphExecutor;
import io.github.dl4jjepa.core.internal.samediff.Graphs;
import io.github.dl4jjepa.core.iterator.BatchSource;
import io.github.dl4jjepa.core.iterator.MultiViewBatch;
import io.github.dl4jjepa.core.iterator.ShapeBuckets;
import io.github.dl4jjepa.core.ops.Ops;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Reads the embeddings of both views out of a decoder, and how it continues the prompts; the
 * decoder may be trained between one reading and the next.
 *
 * <p>Not for use by several threads.
 */
public final class ViewProbe implements Supplier<ViewDiagnostics>, AutoCloseable {
    private static final String TEXT = "text";
    private static final String CODE = "code";
    private static final String NEXT_IDS = "next_ids";

    private final BatchSource batches;
    private final Arena arena;
    private final GraphExecutor executor;

    /**
     * A reading.
     *
     * @param views the embeddings of all pairs, in the order of the batches
     * @param answers how the model continues the prompts
     */
    public record Reading(ViewEmbeddings views, AnswerAccuracy answers) {}

    /**
     * @param decoder the model; its parameters are shared, not copied
     * @param batches the views to look at, with [PRED] tokens to read Pred(Enc(Text)) or without to
     *     read Enc(Text); one epoch of it is a reading
     */
    public ViewProbe(Decoder decoder, BatchSource batches) {
        this(decoder, batches, null);
    }

    /**
     * @param decoder the model; its parameters are shared, not copied
     * @param batches the views to look at; one epoch of it is a reading
     * @param predictor applied to the readouts of Text; null for none
     */
    public ViewProbe(Decoder decoder, BatchSource batches, @Nullable LinearPredictor predictor) {
        this.batches = batches;
        SameDiff graph = Graphs.createForExecutor();
        SDVariable hidden = decoder.hiddenStates(graph, BatchInputs.tokens(graph));
        SDVariable text =
                Readouts.mean(hidden, BatchInputs.matrix(graph, BatchInputs.PREDICTION_INDICES));
        (predictor == null ? text : predictor.apply(text)).rename(TEXT);
        Readouts.mean(hidden, BatchInputs.matrix(graph, BatchInputs.TARGET_INDICES)).rename(CODE);
        SDVariable labels = graph.placeHolder(BatchInputs.LABEL_INDICES, DataType.INT32, -1);
        graph.argmax(decoder.logits(Ops.gather(hidden, labels)), 1).rename(NEXT_IDS);
        arena = new Arena(decoder.parameters().dataType());
        executor = new GraphExecutor(graph, List.of(TEXT, CODE, NEXT_IDS), arena, List.of());
    }

    /** Looks at the model as it is. */
    @Override
    public ViewDiagnostics get() {
        Reading reading = read();
        return ViewDiagnostics.of(reading.views(), reading.answers());
    }

    /** Reads all batches. */
    public Reading read() {
        List<INDArray> text = new ArrayList<>();
        List<INDArray> code = new ArrayList<>();
        List<INDArray> answerIds = new ArrayList<>();
        AnswerCount answers = new AnswerCount();
        batches.seek(0, 0);
        for (int i = 0; i < batches.batchesPerEpoch(); i++) {
            try (MultiViewBatch batch = batches.nextBatch();
                    MultiViewBatch filled = ShapeBuckets.fill(batch)) {
                Map<String, INDArray> inputs = new HashMap<>(BatchInputs.of(filled));
                inputs.put(BatchInputs.LABEL_INDICES, filled.labelIndices());
                inputs.put(
                        BatchInputs.PREDICTION_INDICES,
                        Objects.requireNonNull(filled.predictionIndices()));
                inputs.put(
                        BatchInputs.TARGET_INDICES, Objects.requireNonNull(filled.targetIndices()));
                executor.run(
                        inputs,
                        (name, value) -> {
                            switch (name) {
                                case TEXT -> text.add(value.castTo(DataType.DOUBLE).dup());
                                case CODE -> code.add(value.castTo(DataType.DOUBLE).dup());
                                default -> answers.add(batch, value.toIntVector());
                            }
                        });
                answerIds.add(Objects.requireNonNull(batch.answerIds()).dup());
            }
        }
        return new Reading(
                new ViewEmbeddings(
                        Nd4j.concat(0, text.toArray(INDArray[]::new)),
                        Nd4j.concat(0, code.toArray(INDArray[]::new)),
                        Nd4j.concat(0, answerIds.toArray(INDArray[]::new)).toIntVector()),
                answers.accuracy());
    }

    private static final class AnswerCount {
        private int answers;
        private int exact;
        private int content;
        private int stops;

        /** Counts the answers of a batch: runs of labels in one row. */
        void add(MultiViewBatch batch, int[] nextIds) {
            int[] indices = batch.labelIndices().toIntVector();
            int[] ids = batch.labelIds().toIntVector();
            int time = Math.toIntExact(batch.inputIds().size(1));
            int start = 0;
            for (int i = 1; i <= ids.length; i++) {
                if (i == ids.length || indices[i] / time != indices[start] / time) {
                    add(Arrays.copyOfRange(ids, start, i), Arrays.copyOfRange(nextIds, start, i));
                    start = i;
                }
            }
        }

        /** Counts an answer, whose last token ends it. */
        private void add(int[] ids, int[] nextIds) {
            int end = ids.length - 1;
            boolean right = Arrays.equals(ids, 0, end, nextIds, 0, end);
            boolean stopped =
                    nextIds[end] == ids[end]
                            && Arrays.stream(nextIds, 0, end).noneMatch(id -> id == ids[end]);
            answers++;
            content += right ? 1 : 0;
            stops += stopped ? 1 : 0;
            exact += right && stopped ? 1 : 0;
        }

        AnswerAccuracy accuracy() {
            return new AnswerAccuracy(
                    (double) exact / answers, (double) content / answers, (double) stops / answers);
        }
    }

    /** Frees the memory of intermediate results. */
    @Override
    public void close() {
        executor.close();
        arena.close();
    }
}
