/**
 * One small class per model family: how its config.json is read and what its tensors are called.
 */
@NullMarked
package io.github.dl4jjepa.models.internal.family;

import org.jspecify.annotations.NullMarked;
