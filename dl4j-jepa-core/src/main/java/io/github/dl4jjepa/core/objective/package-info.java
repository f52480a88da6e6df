/**
 * What is minimised: the language-model loss and the JEPA term, its distances, regularisers and
 * targets, and their gradients for any decoder.
 */
package io.github.dl4jjepa.core.objective;
