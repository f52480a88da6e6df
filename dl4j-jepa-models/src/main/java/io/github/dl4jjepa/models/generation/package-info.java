/** Text generation with imported decoders. */
package io.github.dl4jjepa.models.generation;
