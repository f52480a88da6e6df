/** What only the packages of dl4j-jepa use. It may change with any release. */
@NullMarked
package io.github.dl4jjepa.core.internal;

import org.jspecify.annotations.NullMarked;
