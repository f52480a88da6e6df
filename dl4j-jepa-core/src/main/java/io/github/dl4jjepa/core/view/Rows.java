package io.github.dl4jjepa.core.view;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** Rows of one segment with positions from 0: what any causal decoder reads. */
final class Rows {
    private Rows() {}

    /** The conversation, trained to produce its labelled tokens. */
    static Row languageModel(TokenizedExample example) {
        int[] ids = example.ids();
        TokenSpan labels = example.labels();
        int[] targets = noTargets(ids.length);
        System.arraycopy(ids, labels.start(), targets, labels.start() - 1, labels.length());
        return row(ids, targets, List.of());
    }

    /** A view on its own, read out at its last token. */
    static Row view(int[] ids, int pair, Readout.Side side) {
        Readout readout = new Readout(pair, side, ids.length - 1);
        return row(ids, noTargets(ids.length), List.of(readout));
    }

    private static Row row(int[] ids, int[] targets, List<Readout> readouts) {
        int[] positions = IntStream.range(0, ids.length).toArray();
        return new Row(ids, positions, new int[ids.length], targets, readouts);
    }

    private static int[] noTargets(int length) {
        int[] targets = new int[length];
        Arrays.fill(targets, Row.NO_TARGET);
        return targets;
    }
}
