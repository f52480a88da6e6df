/**
 * The parameters of a model, and what each of them is: trainable or frozen, decayed or not, part of
 * a layer, of the embedding or of an adapter.
 */
@NullMarked
package io.github.dl4jjepa.core.parameters;

import org.jspecify.annotations.NullMarked;
