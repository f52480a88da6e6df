/** Examples in Deeplearning4j's manner: each a class to read from top to bottom, and to run. */
@NullMarked
package io.github.dl4jjepa.examples.dl4j;

import org.jspecify.annotations.NullMarked;
