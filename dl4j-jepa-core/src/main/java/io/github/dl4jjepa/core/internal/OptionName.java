package io.github.dl4jjepa.core.internal;

import java.util.Locale;

/** Names of choices as command lines and reports have them. */
public final class OptionName {
    private OptionName() {}

    /** {@code SHARED_PREFIX} becomes {@code shared-prefix}. */
    public static String of(Enum<?> choice) {
        return choice.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
