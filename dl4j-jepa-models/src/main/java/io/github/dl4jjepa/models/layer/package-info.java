/** Imported decoders as parts of Deeplearning4j's networks. */
package io.github.dl4jjepa.models.layer;
