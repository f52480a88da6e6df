/**
 * The one room that knows the faults of SameDiff 1.0.0-M2.1, and mends them.
 *
 * <p>Operators whose stock gradient is wrong or slow are drawn with {@link
 * io.github.dl4jjepa.core.ops.Ops}; gradient graphs are made by {@link
 * io.github.dl4jjepa.core.internal.samediff.GradientFunction}. Every fault has a test, {@code
 * StockFaultsTest}, that fails when upstream mends it, so that the cure can go.
 */
package io.github.dl4jjepa.core.internal.samediff;
