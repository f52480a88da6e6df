/**
 * Generation of text: {@link io.github.dl4jjepa.models.generation.Generator} continues prompts with
 * the choices of {@link io.github.dl4jjepa.models.generation.GenerationOptions}, which are those of
 * transformers' {@code generate}.
 */
@NullMarked
package io.github.dl4jjepa.models.generation;

import org.jspecify.annotations.NullMarked;
