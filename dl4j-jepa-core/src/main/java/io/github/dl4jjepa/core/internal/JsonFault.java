package io.github.dl4jjepa.core.internal;

import com.fasterxml.jackson.core.JacksonException;

/** Where a file is not valid JSON, for messages. */
public final class JsonFault {
    private JsonFault() {}

    /**
     * The place of a fault, to follow a file's name: {@code ", line 3, column 7"}. What exceeds a
     * limit of the parser, such as its depth, has no place, and the text is empty.
     */
    public static String place(JacksonException fault) {
        return fault.getLocation() == null
                ? ""
                : ", line "
                        + fault.getLocation().getLineNr()
                        + ", column "
                        + fault.getLocation().getColumnNr();
    }

    /** The line of a fault, to follow a file's name: {@code ":3"}, or nothing. */
    public static String line(JacksonException fault) {
        return fault.getLocation() == null ? "" : ":" + fault.getLocation().getLineNr();
    }

    /** The place of a fault in its line: {@code " at column 7"}, or nothing. */
    public static String column(JacksonException fault) {
        return fault.getLocation() == null ? "" : " at column " + fault.getLocation().getColumnNr();
    }
}
