package io.github.dl4jjepa.core.view;

import java.util.List;
import java.util.Objects;

/**
 * Two rows: the conversation, and all views, each a segment that sees itself only (LLM-JEPA, arXiv
 * 2509.14252, version 2, section 3.2).
 *
 * <p>For decoders that heed segments. Positions begin anew in every segment, so the result is that
 * of {@link SeparateLayout}.
 */
final class BlockLayout implements ViewLayout {
    private static final long serialVersionUID = 1L;

    private final ViewOptions options;

    /**
     * @param options what is compared
     */
    public BlockLayout(ViewOptions options) {
        this.options = Objects.requireNonNull(options, "options");
    }

    @Override
    public List<Row> rows(TokenizedExample example) {
        RowBuilder views = new RowBuilder();
        for (Encoding encoding : Encoding.of(example, options)) {
            views.alone(encoding.path(example), encoding);
        }
        return List.of(RowBuilder.conversation(example).build(), views.build());
    }
}
