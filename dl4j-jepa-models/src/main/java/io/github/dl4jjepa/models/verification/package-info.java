/** Compares an imported model with what transformers computes from the same checkpoint. */
@NullMarked
package io.github.dl4jjepa.models.verification;

import org.jspecify.annotations.NullMarked;
