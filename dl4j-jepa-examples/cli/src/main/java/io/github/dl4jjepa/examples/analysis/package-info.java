/** Looks at the embeddings of a trained model: numbers, tables and figures. */
@NullMarked
package io.github.dl4jjepa.examples.analysis;

import org.jspecify.annotations.NullMarked;
