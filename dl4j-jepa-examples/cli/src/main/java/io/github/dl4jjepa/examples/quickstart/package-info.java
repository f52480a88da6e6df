/**
 * What the main job needs when there is no network. The decoder and the tokenizer made for the
 * pairs of {@link io.github.dl4jjepa.examples.data.RegexGrammar} lie in the resource folder {@code
 * /quickstart}, written by {@code src/main/python/quickstart_folder.py}.
 */
@NullMarked
package io.github.dl4jjepa.examples.quickstart;

import org.jspecify.annotations.NullMarked;
