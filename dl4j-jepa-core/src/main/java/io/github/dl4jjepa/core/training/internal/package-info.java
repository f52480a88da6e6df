/** What writers of a training's files share. */
@NullMarked
package io.github.dl4jjepa.core.training.internal;

import org.jspecify.annotations.NullMarked;
