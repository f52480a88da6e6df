/** Measurements: figures a user can repeat, as ratios that hold on other machines. */
package io.github.dl4jjepa.examples.benchmark;
