/**
 * Transformer decoders as SameDiff graphs.
 *
 * <p>{@link io.github.dl4jjepa.models.decoder.DecoderConfig} holds as data everything in which
 * families differ; the graph is drawn from it by blocks that all families share. Parameters have
 * the names and shapes that Hugging Face gives them, matrices as {@code [out, in]}.
 */
@NullMarked
package io.github.dl4jjepa.models.decoder;

import org.jspecify.annotations.NullMarked;
