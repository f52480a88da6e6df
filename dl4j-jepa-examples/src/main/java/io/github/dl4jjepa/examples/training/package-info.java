/**
 * From a checkpoint folder and a file of pairs to a trained folder: what the training commands
 * share.
 */
package io.github.dl4jjepa.examples.training;
