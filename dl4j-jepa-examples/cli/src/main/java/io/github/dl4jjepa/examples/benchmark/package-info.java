/** Measurements: figures a user can repeat, as ratios that hold on other machines. */
@NullMarked
package io.github.dl4jjepa.examples.benchmark;

import org.jspecify.annotations.NullMarked;
