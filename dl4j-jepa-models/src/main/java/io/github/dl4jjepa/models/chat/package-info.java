/** Models that answer: a checkpoint, its tokenizer and its chat template as one object. */
@NullMarked
package io.github.dl4jjepa.models.chat;

import org.jspecify.annotations.NullMarked;
