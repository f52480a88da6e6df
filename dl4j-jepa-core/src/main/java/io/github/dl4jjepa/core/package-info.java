/** What all parts share: the exception for a user's mistakes, and schedules of weights. */
@NullMarked
package io.github.dl4jjepa.core;

import org.jspecify.annotations.NullMarked;
