/**
 * LoRA (arXiv 2106.09685) with the names, defaults of initialization and matching rules of peft:
 * {@link io.github.dl4jjepa.models.lora.LoraOptions} says which linear maps get an adapter, {@link
 * io.github.dl4jjepa.models.lora.Lora} adds it to a decoder and merges it.
 */
package io.github.dl4jjepa.models.lora;
