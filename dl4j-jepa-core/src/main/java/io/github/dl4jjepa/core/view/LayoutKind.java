package io.github.dl4jjepa.core.view;

import io.github.dl4jjepa.core.internal.OptionName;
import java.util.function.Function;

/** The layouts by name. */
public enum LayoutKind {
    /** {@link SeparateLayout}. */
    SEPARATE(SeparateLayout::new),
    /**
     * Two rows: the conversation, and all views, each a segment that sees itself only (LLM-JEPA,
     * arXiv 2509.14252, version 2, section 3.2).
     */
    BLOCK(BlockLayout::new),
    /** {@link SharedPrefixLayout}. */
    SHARED_PREFIX(SharedPrefixLayout::new);

    private final Function<ViewOptions, ViewLayout> constructor;

    LayoutKind(Function<ViewOptions, ViewLayout> constructor) {
        this.constructor = constructor;
    }

    /**
     * The layout.
     *
     * @param options what is compared
     */
    public ViewLayout of(ViewOptions options) {
        return constructor.apply(options);
    }

    /** The name as the command line has it: {@code shared-prefix}. */
    @Override
    public String toString() {
        return OptionName.of(this);
    }
}
