package io.github.dl4jjepa.models.chat;

import java.util.List;
import java.util.function.Consumer;

/** Hands a growing text on piece by piece, none of which has to be taken back. */
final class TextPieces {
    /** What a tokenizer writes for bytes that do not make a character yet. */
    private static final char INCOMPLETE = '\uFFFD';

    private final List<String> stopStrings;
    private final Consumer<String> listener;
    private String written = "";

    TextPieces(List<String> stopStrings, Consumer<String> listener) {
        this.stopStrings = stopStrings;
        this.listener = listener;
    }

    /** A text up to the first of some strings. */
    static String cut(String text, List<String> stopStrings) {
        int end = text.length();
        for (String stop : stopStrings) {
            int at = text.indexOf(stop);
            end = at < 0 ? end : Math.min(end, at);
        }
        return text.substring(0, end);
    }

    /** Hands on what is certain of the text so far. */
    void accept(String text) {
        String cut = cut(text, stopStrings);
        int certain = cut.length();
        while (certain > 0 && cut.charAt(certain - 1) == INCOMPLETE) {
            certain--;
        }
        if (cut.length() == text.length()) {
            certain = Math.min(certain, text.length() - begunStop(text));
        }
        hand(cut.substring(0, certain));
    }

    /** Hands on the rest of the text. */
    void finish(String text) {
        hand(text);
    }

    private void hand(String text) {
        if (!text.startsWith(written)) {
            if (written.startsWith(text)) {
                return;
            }
            // What came first were thoughts, which the answer leaves out.
            listener.accept("\n");
            written = "";
        }
        if (text.length() > written.length()) {
            listener.accept(text.substring(written.length()));
            written = text;
        }
    }

    /** How many characters at the text's end may be the beginning of a stop string. */
    private int begunStop(String text) {
        int longest = 0;
        for (String stop : stopStrings) {
            for (int length = Math.min(stop.length() - 1, text.length());
                    length > longest;
                    length--) {
                if (text.endsWith(stop.substring(0, length))) {
                    longest = length;
                }
            }
        }
        return longest;
    }
}
