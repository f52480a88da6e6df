/**
 * From an example to rows of token ids: what the views are, where each is read out, and how they
 * are laid out for a decoder.
 *
 * <p>Everything here is plain data; tokenizers stay behind {@link
 * io.github.dl4jjepa.core.view.ExampleEncoder}, arrays begin in {@code iterator}.
 */
@NullMarked
package io.github.dl4jjepa.core.view;

import org.jspecify.annotations.NullMarked;
