/** Models that answer: a checkpoint, its tokenizer and its chat template as one object. */
package io.github.dl4jjepa.models.chat;
