/** Compares an imported model with what transformers computes from the same checkpoint. */
package io.github.dl4jjepa.models.verification;
