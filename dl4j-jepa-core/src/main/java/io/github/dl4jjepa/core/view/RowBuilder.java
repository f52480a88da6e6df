package io.github.dl4jjepa.core.view;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Puts a row together, segment by segment. */
final class RowBuilder {
    private static final int NONE = -1;

    private final IntStream.Builder ids = IntStream.builder();
    private final IntStream.Builder positions = IntStream.builder();
    private final IntStream.Builder segments = IntStream.builder();
    private final IntStream.Builder prefixes = IntStream.builder();
    private final List<Row.Readout> readouts = new ArrayList<>();
    private int length;
    private int segment;
    private @Nullable TokenizedExample labeled;

    /** The conversation as one segment, trained to produce its labeled tokens. */
    static RowBuilder conversation(TokenizedExample example) {
        return conversation(example, 0);
    }

    /**
     * The conversation, trained to produce its labeled tokens.
     *
     * @param cut how many of its tokens make a segment of their own, segment 0, that others may
     *     have as their prefix; 0 where none do
     */
    static RowBuilder conversation(TokenizedExample example, int cut) {
        RowBuilder row = new RowBuilder();
        row.labeled = example;
        int[] ids = example.ids();
        if (cut == 0) {
            row.segment(ids, 0, NONE);
        } else {
            row.segment(Arrays.copyOf(ids, cut), 0, NONE);
            row.segment(Arrays.copyOfRange(ids, cut, ids.length), cut, 0);
        }
        return row;
    }

    /** An encoding's whole path, as a segment that sees itself only. */
    RowBuilder alone(int[] path, Encoding encoding) {
        int start = length;
        segment(path, 0, NONE);
        read(encoding, index -> start + index);
        return this;
    }

    /** An encoding whose whole path is the beginning of this row. */
    RowBuilder shared(Encoding encoding) {
        read(encoding, index -> index);
        return this;
    }

    /** An encoding whose prefix is the beginning of this row. */
    RowBuilder continued(Encoding encoding) {
        int start = length - encoding.prefix();
        if (encoding.ids().length > 0) {
            segment(encoding.ids(), encoding.prefix(), encoding.prefix() > 0 ? 0 : NONE);
        }
        read(encoding, index -> index < encoding.prefix() ? index : start + index);
        return this;
    }

    Row build() {
        int[] targets = new int[length];
        Arrays.fill(targets, Row.NO_TARGET);
        if (labeled != null) {
            for (TokenSpan span : labeled.labels()) {
                System.arraycopy(
                        labeled.ids(), span.start(), targets, span.start() - 1, span.length());
            }
        }
        return new Row(
                ids.build().toArray(),
                positions.build().toArray(),
                segments.build().toArray(),
                prefixes.build().toArray(),
                targets,
                readouts);
    }

    private void segment(int[] tokens, int firstPosition, int prefix) {
        for (int i = 0; i < tokens.length; i++) {
            ids.add(tokens[i]);
            positions.add(firstPosition + i);
            segments.add(segment);
            prefixes.add(prefix == NONE ? segment : prefix);
        }
        length += tokens.length;
        segment++;
    }

    private void read(Encoding encoding, IntUnaryOperator indexInRow) {
        for (Row.Readout readout : encoding.readouts()) {
            readouts.add(
                    new Row.Readout(
                            readout.pair(),
                            readout.side(),
                            readout.indices().stream().map(indexInRow::applyAsInt).toList()));
        }
    }
}
