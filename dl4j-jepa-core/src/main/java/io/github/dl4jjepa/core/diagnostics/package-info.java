/** What the embeddings of two views look like: whether they tell pairs apart, or have collapsed. */
@NullMarked
package io.github.dl4jjepa.core.diagnostics;

import org.jspecify.annotations.NullMarked;
