/** Decoders as the objective sees them. */
@NullMarked
package io.github.dl4jjepa.core.decoder;

import org.jspecify.annotations.NullMarked;
