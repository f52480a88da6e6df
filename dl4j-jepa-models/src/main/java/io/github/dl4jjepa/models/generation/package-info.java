/** Text generation with imported decoders. */
@NullMarked
package io.github.dl4jjepa.models.generation;

import org.jspecify.annotations.NullMarked;
