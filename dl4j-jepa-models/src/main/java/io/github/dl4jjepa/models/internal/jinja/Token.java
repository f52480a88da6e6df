package io.github.dl4jjepa.models.internal.jinja;

/**
 * A token of a template.
 *
 * @param value the text of a name, operator or piece of data; the value of a string or number
 * @param line where it begins, from 1
 */
record Token(Kind kind, Object value, int line) {
    enum Kind {
        DATA("text"),
        OUTPUT_BEGIN("'{{'"),
        OUTPUT_END("'}}'"),
        BLOCK_BEGIN("'{%'"),
        BLOCK_END("'%}'"),
        NAME("a name"),
        STRING("a string"),
        NUMBER("a number"),
        OPERATOR("an operator"),
        END("the end of the template");

        private final String words;

        Kind(String words) {
            this.words = words;
        }

        @Override
        public String toString() {
            return words;
        }
    }

    boolean is(Kind kind, String value) {
        return this.kind == kind && this.value.equals(value);
    }

    String text() {
        return (String) value;
    }

    /** The token in a message. */
    String describe() {
        return kind == Kind.NAME || kind == Kind.OPERATOR ? "'" + value + "'" : kind.toString();
    }
}
