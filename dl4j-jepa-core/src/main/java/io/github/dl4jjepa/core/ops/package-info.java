/**
 * Operators of SameDiff graphs whose gradients are right: what a distance of your own is drawn
 * with.
 */
@NullMarked
package io.github.dl4jjepa.core.ops;

import org.jspecify.annotations.NullMarked;
