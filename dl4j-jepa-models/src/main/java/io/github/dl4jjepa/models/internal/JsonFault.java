package io.github.dl4jjepa.models.internal;

import com.fasterxml.jackson.core.JsonProcessingException;

/** Where a file is not valid JSON, for messages. */
public final class JsonFault {
    private JsonFault() {}

    /**
     * The place of a fault, to follow a file's name: {@code ", line 3, column 7"}. What exceeds a
     * limit of the parser, such as its depth, has no place, and the text is empty.
     */
    public static String place(JsonProcessingException fault) {
        return fault.getLocation() == null
                ? ""
                : ", line "
                        + fault.getLocation().getLineNr()
                        + ", column "
                        + fault.getLocation().getColumnNr();
    }
}
