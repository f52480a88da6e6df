/**
 * One small class per model family: how its config.json is read and what its tensors are called.
 */
package io.github.dl4jjepa.models.internal.family;
