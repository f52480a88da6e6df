/**
 * Text to token ids and back, as a Hugging Face model's own files say.
 *
 * <p>{@link io.github.dl4jjepa.models.tokenizer.TokenizerFiles} are the files, {@link
 * io.github.dl4jjepa.models.tokenizer.ModelTokenizer} runs tokenizer.json through DJL, {@link
 * io.github.dl4jjepa.models.tokenizer.ChatTemplate} writes a conversation as text, and {@link
 * io.github.dl4jjepa.models.tokenizer.ChatExampleEncoder} puts them together: it knows which tokens
 * of a conversation are the answer's. Nothing here reads the network.
 */
@NullMarked
package io.github.dl4jjepa.models.tokenizer;

import org.jspecify.annotations.NullMarked;
