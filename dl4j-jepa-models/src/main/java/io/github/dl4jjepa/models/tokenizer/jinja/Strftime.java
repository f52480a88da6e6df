package io.github.dl4jjepa.models.tokenizer.jinja;

import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.Map;

/** Python's strftime in the C locale. */
final class Strftime {
    private static final Map<Character, String> PATTERNS =
            Map.ofEntries(
                    Map.entry('a', "EEE"),
                    Map.entry('A', "EEEE"),
                    Map.entry('b', "MMM"),
                    Map.entry('B', "MMMM"),
                    Map.entry('d', "dd"),
                    Map.entry('m', "MM"),
                    Map.entry('y', "yy"),
                    Map.entry('Y', "yyyy"),
                    Map.entry('j', "DDD"),
                    Map.entry('H', "HH"),
                    Map.entry('I', "hh"),
                    Map.entry('M', "mm"),
                    Map.entry('S', "ss"),
                    Map.entry('p', "a"));

    private Strftime() {}

    static String format(String format, LocalDateTime time) {
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < format.length(); i++) {
            char c = format.charAt(i);
            if (c != '%') {
                out.append(c);
                continue;
            }
            char directive = ++i < format.length() ? format.charAt(i) : ' ';
            if (directive == '%') {
                out.append('%');
            } else if (PATTERNS.containsKey(directive)) {
                out.append(
                        DateTimeFormatter.ofPattern(PATTERNS.get(directive), Locale.US)
                                .format(time));
            } else {
                throw new TemplateException(
                        "the date format '%" + directive + "' is not known to this renderer");
            }
        }
        return out.toString();
    }
}
