/**
 * Hugging Face checkpoint folders as one object: read, exported, and written as a run's
 * checkpoints.
 */
package io.github.dl4jjepa.models.huggingface;
