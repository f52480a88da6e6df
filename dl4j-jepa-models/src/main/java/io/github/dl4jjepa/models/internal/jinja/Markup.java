package io.github.dl4jjepa.models.internal.jinja;

/**
 * What the filters {@code safe} and {@code escape} return: text that is written as it stands.
 *
 * <p>Joined to other text it would escape that; such uses are refused.
 */
record Markup(String text) {
    static Markup escape(String text) {
        return new Markup(
                text.replace("&", "&amp;")
                        .replace(">", "&gt;")
                        .replace("<", "&lt;")
                        .replace("'", "&#39;")
                        .replace("\"", "&#34;"));
    }
}
