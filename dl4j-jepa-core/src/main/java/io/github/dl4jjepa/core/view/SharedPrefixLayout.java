package io.github.dl4jjepa.core.view;

import java.util.List;
import java.util.Objects;

/**
 * One row: the conversation, and after it as further segments what the views need beyond it.
 *
 * <p>Attention is causal, so Enc(Text) in context is a by-product of the conversation: the [PRED]
 * tokens follow as a segment that continues the conversation's beginning up to Text, and a second
 * copy of Code as a segment that sees itself only. The JEPA term costs k + |Code| tokens more,
 * where {@link SeparateLayout} and {@link LayoutKind#BLOCK} read Text and its context once more,
 * with the same result. A Text that is to be seen alone becomes a segment as well.
 *
 * <p>For decoders that heed segments and their prefixes.
 */
public final class SharedPrefixLayout implements ViewLayout {
    private static final long serialVersionUID = 1L;

    private final ViewOptions options;

    /**
     * @param options what is compared
     */
    public SharedPrefixLayout(ViewOptions options) {
        this.options = Objects.requireNonNull(options, "options");
    }

    @Override
    public List<Row> rows(TokenizedExample example) {
        List<Encoding> encodings = Encoding.of(example, options);
        // Only the first view is seen in context, so there is one place to cut at most.
        int cut =
                encodings.stream()
                        .filter(encoding -> encoding.ids().length > 0)
                        .mapToInt(Encoding::prefix)
                        .max()
                        .orElse(0);
        RowBuilder row = RowBuilder.conversation(example, cut);
        encodings.forEach(row::continued);
        return List.of(row.build());
    }
}
