/** Data for the examples and the quickstart, made without a network: pairs from a grammar. */
package io.github.dl4jjepa.examples.data;
