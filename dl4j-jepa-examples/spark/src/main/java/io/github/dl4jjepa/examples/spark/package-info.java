/**
 * Fine-tuning on Apache Spark: executors compute the gradient of the parts of a step, the driver
 * updates the weights.
 */
@NullMarked
package io.github.dl4jjepa.examples.spark;

import org.jspecify.annotations.NullMarked;
