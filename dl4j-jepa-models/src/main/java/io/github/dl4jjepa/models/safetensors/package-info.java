/**
 * Tensors in Hugging Face's safetensors format: one file, or shards with an index.
 *
 * <p>Files are checked as the <a href="https://github.com/huggingface/safetensors">format's own
 * specification</a> demands before a tensor is read: what a header claims is never trusted.
 */
package io.github.dl4jjepa.models.safetensors;
