/** The Spider task, which runs SQL; it is not in the library because of SQLite's native code. */
@NullMarked
package io.github.dl4jjepa.examples.spider;

import org.jspecify.annotations.NullMarked;
