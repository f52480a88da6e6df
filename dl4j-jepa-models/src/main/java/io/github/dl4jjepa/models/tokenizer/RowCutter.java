package io.github.dl4jjepa.models.tokenizer;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.TokenSpan;
import io.github.dl4jjepa.core.view.TokenizedExample;
import io.github.dl4jjepa.core.view.TokenizedView;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Refuses rows that are too long, or cuts them and counts what it cut. */
final class RowCutter {
    private final EncoderOptions options;
    private EncoderOptions.Truncation truncation = EncoderOptions.Truncation.NONE;

    RowCutter(EncoderOptions options) {
        this.options = options;
    }

    /** What was cut so far. */
    EncoderOptions.Truncation truncation() {
        return truncation;
    }

    /**
     * An example whose row and views have the maximum length at most.
     *
     * @return nothing where no label, or nothing of a view, is left
     * @throws JepaException if something is too long and is not to be cut
     */
    Optional<TokenizedExample> fit(TokenizedExample example) {
        int maxLength = options.maxLength();
        int[] ids = example.ids();
        List<TokenizedView> views = example.views();
        if (ids.length <= maxLength
                && views.stream().allMatch(view -> view.ids().length <= maxLength)) {
            return Optional.of(example);
        }
        if (!options.truncate()) {
            requireLength("the row", ids);
            for (int i = 0; i < views.size(); i++) {
                requireLength("view " + (i + 1), views.get(i).ids());
            }
        }
        int[] row = Arrays.copyOf(ids, Math.min(ids.length, maxLength));
        List<TokenSpan> labels =
                example.labels().stream()
                        .filter(span -> span.start() < row.length)
                        .map(span -> new TokenSpan(span.start(), Math.min(span.end(), row.length)))
                        .toList();
        boolean viewIsCutOff =
                views.stream()
                        .map(TokenizedView::inRow)
                        .anyMatch(span -> span != null && span.start() >= row.length);
        if (labels.isEmpty() || viewIsCutOff) {
            truncation = truncation.withLeftOut();
            return Optional.empty();
        }
        if (row.length < ids.length) {
            truncation = truncation.withRow(ids.length - row.length);
        }
        List<TokenizedView> cut = new ArrayList<>();
        views.forEach(view -> cut.add(cut(view, row)));
        return Optional.of(new TokenizedExample(example.source(), row, labels, cut));
    }

    private TokenizedView cut(TokenizedView view, int[] row) {
        TokenSpan span = view.inRow();
        if (span != null) {
            int end = Math.min(span.end(), row.length);
            return TokenizedView.inRow(row, new TokenSpan(span.start(), end));
        }
        int over = view.ids().length - options.maxLength();
        if (over <= 0) {
            return view;
        }
        truncation = truncation.withRow(over);
        return TokenizedView.alone(Arrays.copyOf(view.ids(), options.maxLength()));
    }

    private void requireLength(String what, int[] ids) {
        if (ids.length > options.maxLength()) {
            throw new JepaException(
                    what
                            + " has "
                            + ids.length
                            + " tokens, more than the maximum "
                            + options.maxLength()
                            + "; raise maxLength, cut such rows (truncate), or drop the example");
        }
    }
}
