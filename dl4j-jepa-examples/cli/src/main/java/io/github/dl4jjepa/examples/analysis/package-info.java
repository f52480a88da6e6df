/** Looks at the embeddings of a trained model: numbers, tables and figures. */
package io.github.dl4jjepa.examples.analysis;
