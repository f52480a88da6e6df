/** A run's report: one HTML page that needs no other file. */
@NullMarked
package io.github.dl4jjepa.examples.report;

import org.jspecify.annotations.NullMarked;
