package io.github.dl4jjepa.examples.report;

/** Text in HTML. */
final class Html {
    private Html() {}

    /** A text that HTML shows as it is, between tags and in attributes. */
    static String escape(String text) {
        StringBuilder escaped = new StringBuilder();
        text.codePoints()
                .forEach(
                        c -> {
                            switch (c) {
                                case '&' -> escaped.append("&amp;");
                                case '<' -> escaped.append("&lt;");
                                case '>' -> escaped.append("&gt;");
                                case '"' -> escaped.append("&quot;");
                                case '\'' -> escaped.append("&#39;");
                                default -> escaped.appendCodePoint(isText(c) ? c : 0xFFFD);
                            }
                        });
        return escaped.toString();
    }

    private static boolean isText(int c) {
        return c >= ' ' && c != 0x7F && (c < 0xD800 || c > 0xDFFF) || c == '\n' || c == '\t';
    }
}
