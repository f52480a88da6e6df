/** Imported decoders as parts of Deeplearning4j's networks. */
@NullMarked
package io.github.dl4jjepa.models.layer;

import org.jspecify.annotations.NullMarked;
