/**
 * What the main job needs when there is no network: pairs of sentences and regular expressions from
 * a grammar of our own. The decoder and the tokenizer made for them lie in the resource folder
 * {@code /quickstart}, written by {@code src/main/python/quickstart_folder.py}.
 */
package io.github.dl4jjepa.examples.quickstart;
