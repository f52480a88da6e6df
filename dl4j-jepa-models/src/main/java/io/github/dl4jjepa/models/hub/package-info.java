/**
 * Models of the Hugging Face hub, as Python's {@code huggingface_hub} downloads and caches them.
 *
 * <p>{@link io.github.dl4jjepa.models.hub.HuggingFaceHub} turns a model's name into a folder: a
 * snapshot in the cache that both libraries share. docs/hub.md lists the environment variables.
 */
@NullMarked
package io.github.dl4jjepa.models.hub;

import org.jspecify.annotations.NullMarked;
