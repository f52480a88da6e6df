package io.github.dl4jjepa.models.internal.jinja;

import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.Map;

/** Python's strftime in the C locale, of a time without a zone. */
final class Strftime {
    private static final Map<Character, String> PATTERNS =
            Map.ofEntries(
                    Map.entry('a', "EEE"),
                    Map.entry('A', "EEEE"),
                    Map.entry('b', "MMM"),
                    Map.entry('B', "MMMM"),
                    Map.entry('c', "EEE MMM ppd HH:mm:ss yyyy"),
                    Map.entry('d', "dd"),
                    Map.entry('D', "MM/dd/yy"),
                    Map.entry('e', "ppd"),
                    Map.entry('f', "SSSSSS"),
                    Map.entry('F', "yyyy-MM-dd"),
                    Map.entry('h', "MMM"),
                    Map.entry('H', "HH"),
                    Map.entry('I', "hh"),
                    Map.entry('j', "DDD"),
                    Map.entry('m', "MM"),
                    Map.entry('M', "mm"),
                    Map.entry('p', "a"),
                    Map.entry('R', "HH:mm"),
                    Map.entry('S', "ss"),
                    Map.entry('T', "HH:mm:ss"),
                    Map.entry('x', "MM/dd/yy"),
                    Map.entry('X', "HH:mm:ss"),
                    Map.entry('y', "yy"),
                    Map.entry('Y', "yyyy"));

    private static final String NUMERIC = "dHIjmMSy";

    private Strftime() {}

    static String format(String format, LocalDateTime time) {
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < format.length(); i++) {
            char c = format.charAt(i);
            if (c != '%') {
                out.append(c);
                continue;
            }
            boolean unpadded = format.startsWith("-", i + 1);
            i += unpadded ? 2 : 1;
            char directive = i < format.length() ? format.charAt(i) : ' ';
            String text = directive(directive, time);
            if (text == null || unpadded && NUMERIC.indexOf(directive) < 0) {
                throw new TemplateException(
                        "the date format '%"
                                + (unpadded ? "-" : "")
                                + directive
                                + "' is not known to this renderer");
            }
            out.append(unpadded ? text.replaceFirst("^0+(?=.)", "") : text);
        }
        return out.toString();
    }

    private static String directive(char directive, LocalDateTime time) {
        return switch (directive) {
            case '%' -> "%";
            case 'n' -> "\n";
            case 't' -> "\t";
            case 'z', 'Z' -> "";
            case 'u' -> Integer.toString(time.getDayOfWeek().getValue());
            case 'w' -> Integer.toString(time.getDayOfWeek().getValue() % 7);
            default ->
                    PATTERNS.containsKey(directive)
                            ? DateTimeFormatter.ofPattern(PATTERNS.get(directive), Locale.US)
                                    .format(time)
                            : null;
        };
    }
}
