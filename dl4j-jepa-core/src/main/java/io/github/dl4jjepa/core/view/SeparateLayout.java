package io.github.dl4jjepa.core.view;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * Each view in a row of its own, under ordinary causal attention (LLM-JEPA, arXiv 2509.14252,
 * version 1): works with any decoder, recurrent ones too. Two views make three rows, the first of
 * them the conversation.
 */
public final class SeparateLayout implements ViewLayout {
    private static final long serialVersionUID = 1L;

    private final ViewOptions options;

    /**
     * @param options what is compared
     */
    public SeparateLayout(ViewOptions options) {
        this.options = Objects.requireNonNull(options, "options");
    }

    @Override
    public List<Row> rows(TokenizedExample example) {
        List<Row> rows = new ArrayList<>();
        rows.add(RowBuilder.conversation(example).build());
        for (Encoding encoding : Encoding.of(example, options)) {
            rows.add(new RowBuilder().alone(encoding.path(example), encoding).build());
        }
        return rows;
    }
}
