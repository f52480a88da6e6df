/**
 * Generation of text: {@link io.github.dl4jjepa.models.generation.Generator} continues prompts with
 * the choices of {@link io.github.dl4jjepa.models.generation.GenerationOptions}, which are those of
 * transformers' {@code generate}.
 */
package io.github.dl4jjepa.models.generation;
