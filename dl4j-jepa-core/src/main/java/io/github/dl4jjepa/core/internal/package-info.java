/** What only the packages of dl4j-jepa use. It may change with any release. */
package io.github.dl4jjepa.core.internal;
