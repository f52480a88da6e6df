/**
 * The command line {@code jepa.jar}: what is the same for all commands.
 *
 * <p>A command is a {@link java.util.concurrent.Callable} whose result is printed as one line of
 * JSON, the last of standard output; progress and the log go to standard error. It exits with 0
 * when all went well, 1 when it failed and 2 when it was called wrongly.
 */
@NullMarked
package io.github.dl4jjepa.examples.cli;

import org.jspecify.annotations.NullMarked;
