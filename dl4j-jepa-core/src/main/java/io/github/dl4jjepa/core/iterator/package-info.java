/**
 * From files and records to batches: readers of examples, the batch's arrays, and the iterator that
 * trainers draw them from.
 *
 * <p>Readers know text and no token; batches know tokens and no text. {@link
 * io.github.dl4jjepa.core.iterator.JepaMultiViewIterator} stands between the two and refuses bad
 * data before training starts.
 */
@NullMarked
package io.github.dl4jjepa.core.iterator;

import org.jspecify.annotations.NullMarked;
