/** Data for the examples and the quickstart, made without a network: pairs from a grammar. */
@NullMarked
package io.github.dl4jjepa.examples.data;

import org.jspecify.annotations.NullMarked;
