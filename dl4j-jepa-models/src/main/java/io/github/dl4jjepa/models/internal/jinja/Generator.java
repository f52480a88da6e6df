package io.github.dl4jjepa.models.internal.jinja;

import java.util.Iterator;

/** Python's generator: true, without a length, and visited once. */
record Generator(Iterator<Object> elements) {}
