/** What a data set asks for, and when a generated answer is right. */
@NullMarked
package io.github.dl4jjepa.models.evaluation;

import org.jspecify.annotations.NullMarked;
