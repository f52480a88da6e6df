/**
 * Reads and writes safetensors, the file format of Hugging Face weights.
 *
 * <p>{@link io.github.dl4jjepa.models.safetensors.SafetensorsCheckpoint} maps a file, or the shards
 * of a folder, and puts each tensor straight from the mapped bytes into the array that is to hold
 * it. {@link io.github.dl4jjepa.models.safetensors.SafetensorsWriter} streams arrays out. Neither
 * ever holds a second copy of a model. A file that breaks the format's rules is refused whole,
 * before anything is read from it.
 */
@NullMarked
package io.github.dl4jjepa.models.safetensors;

import org.jspecify.annotations.NullMarked;
