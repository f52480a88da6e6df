package io.github.dl4jjepa.models.verification;

import io.github.dl4jjepa.core.iterator.MultiViewBatch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Rows of a reference, put together to a batch. */
final class ReferenceRows {
    private static final int IGNORED = -100;

    private final List<int[]> rows = new ArrayList<>();
    private final List<Label> labels = new ArrayList<>();
    private final List<Integer> predictions = new ArrayList<>();
    private final List<Integer> targets = new ArrayList<>();

    private record Label(int row, int index, int id) {}

    /** Adds the language-model rows, with the labels that are not ignored. */
    ReferenceRows addLabelled(Reference reference) {
        int[][] ids = reference.integers("labels");
        int first = rows.size();
        add(reference, "input_ids", "attention_mask");
        for (int row = 0; row < ids.length; row++) {
            for (int t = 1; t < ids[row].length; t++) {
                if (ids[row][t] != IGNORED) {
                    labels.add(new Label(first + row, t - 1, ids[row][t]));
                }
            }
        }
        return this;
    }

    /** Adds rows whose last hidden states are Pred(Enc(Text)). */
    ReferenceRows addPredictions(Reference reference, String ids, String mask) {
        predictions.addAll(add(reference, ids, mask));
        return this;
    }

    /** Adds rows whose last hidden states are Enc(Code). */
    ReferenceRows addTargets(Reference reference) {
        targets.addAll(add(reference, "code_ids", "code_mask"));
        return this;
    }

    /** The batch; rows are padded on the right. */
    MultiViewBatch batch() {
        int time = rows.stream().mapToInt(row -> row.length).max().orElseThrow();
        int[][] ids = new int[rows.size()][];
        int[][] positions = new int[rows.size()][time];
        int[][] segments = new int[rows.size()][time];
        for (int row = 0; row < ids.length; row++) {
            int length = rows.get(row).length;
            ids[row] = Arrays.copyOf(rows.get(row), time);
            Arrays.setAll(positions[row], t -> t);
            Arrays.fill(segments[row], length, time, MultiViewBatch.PADDING_SEGMENT);
        }
        return new MultiViewBatch(
                Nd4j.createFromArray(ids),
                Nd4j.createFromArray(positions),
                Nd4j.createFromArray(segments),
                array(labels.stream().map(label -> label.row * time + label.index).toList()),
                array(labels.stream().map(Label::id).toList()),
                lastOf(predictions, time),
                lastOf(targets, time),
                rows.stream().mapToLong(row -> row.length).sum(),
                List.of("reference"));
    }

    private List<Integer> add(Reference reference, String idsName, String maskName) {
        int[][] ids = reference.integers(idsName);
        int[][] mask = reference.integers(maskName);
        List<Integer> added = new ArrayList<>();
        for (int row = 0; row < ids.length; row++) {
            added.add(rows.size());
            rows.add(Arrays.copyOf(ids[row], Arrays.stream(mask[row]).sum()));
        }
        return added;
    }

    private INDArray lastOf(List<Integer> indices, int time) {
        return array(indices.stream().map(row -> row * time + rows.get(row).length - 1).toList());
    }

    private static INDArray array(List<Integer> values) {
        return values.isEmpty()
                ? null
                : Nd4j.createFromArray(values.stream().mapToInt(i -> i).toArray());
    }
}
