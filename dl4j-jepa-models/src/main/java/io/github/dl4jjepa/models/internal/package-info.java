/** What only the packages of dl4j-jepa use. It may change with any release. */
@NullMarked
package io.github.dl4jjepa.models.internal;

import org.jspecify.annotations.NullMarked;
