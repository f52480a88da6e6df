/**
 * From a checkpoint and a file of pairs to a fine-tuned folder, in one call: {@link
 * io.github.dl4jjepa.models.finetuning.FineTuning}.
 */
@NullMarked
package io.github.dl4jjepa.models.finetuning;

import org.jspecify.annotations.NullMarked;
