package io.github.dl4jjepa.core.view;

import java.util.List;

/**
 * One row per example, the conversation; the views are left out.
 *
 * <p>The layout of plain fine-tuning, lambda = 0.
 */
public final class LanguageModelLayout implements ViewLayout {
    private static final long serialVersionUID = 1L;

    @Override
    public List<Row> rows(TokenizedExample example) {
        return List.of(RowBuilder.conversation(example).build());
    }
}
