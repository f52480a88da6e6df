/**
 * Checkpoint folders as Hugging Face's libraries keep them.
 *
 * <p>{@link io.github.dl4jjepa.models.huggingface.CheckpointFolder} is one folder as one object:
 * configuration, weights, tokenizer, chat template. {@link
 * io.github.dl4jjepa.models.huggingface.CheckpointExporter} writes a trained model back as such a
 * folder, and {@link io.github.dl4jjepa.models.huggingface.CheckpointDirectory} keeps a run's
 * checkpoints, each of which is one too.
 *
 * <p>What is written appears whole or not at all: it is built under a temporary name, forced to the
 * disk, and renamed.
 */
@NullMarked
package io.github.dl4jjepa.models.huggingface;

import org.jspecify.annotations.NullMarked;
