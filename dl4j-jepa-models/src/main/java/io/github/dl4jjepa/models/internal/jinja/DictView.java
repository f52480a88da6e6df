package io.github.dl4jjepa.models.internal.jinja;

import java.util.AbstractCollection;
import java.util.Iterator;
import java.util.Map;

/** What {@code keys()}, {@code values()} and {@code items()} of a dict return. */
final class DictView extends AbstractCollection<Object> {
    private final String kind;
    private final Map<?, ?> map;

    DictView(String kind, Map<?, ?> map) {
        this.kind = kind;
        this.map = map;
    }

    /** {@code keys}, {@code values} or {@code items}. */
    String kind() {
        return kind;
    }

    @Override
    public Iterator<Object> iterator() {
        Iterator<? extends Map.Entry<?, ?>> entries = map.entrySet().iterator();
        return new Iterator<>() {
            @Override
            public boolean hasNext() {
                return entries.hasNext();
            }

            @Override
            public Object next() {
                Map.Entry<?, ?> entry = entries.next();
                return switch (kind) {
                    case "keys" -> entry.getKey();
                    case "values" -> entry.getValue();
                    default -> Tuple.of(entry.getKey(), entry.getValue());
                };
            }
        };
    }

    @Override
    public int size() {
        return map.size();
    }
}
