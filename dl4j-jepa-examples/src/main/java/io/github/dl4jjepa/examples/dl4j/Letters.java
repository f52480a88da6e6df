package io.github.dl4jjepa.examples.dl4j;

import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.Message;
import io.github.dl4jjepa.core.view.TextTokenizer;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** A tokenizer for the examples: a token for each letter that the data have. */
final class Letters {
    static final int PADDING = 0;
    static final int SEPARATOR = 1;
    static final int END = 2;
    static final int UNKNOWN = 3;

    /** The [PRED] token. */
    static final int PREDICTOR = 4;

    private static final int FIRST_LETTER = 5;

    private final Map<String, Integer> vocabulary = new LinkedHashMap<>();

    Letters(List<Example> examples) {
        for (Example example : examples) {
            for (Message message : example.messages()) {
                for (String letter : message.content().split("")) {
                    vocabulary.putIfAbsent(letter, FIRST_LETTER + vocabulary.size());
                }
            }
        }
    }

    /** With Deeplearning4j's: {@code text -> factory.create(text).getTokens()}. */
    TextTokenizer tokenizer() {
        return TextTokenizer.of(text -> List.of(text.split("")), vocabulary, UNKNOWN);
    }

    String text(int[] ids) {
        Map<Integer, String> letters = new HashMap<>();
        vocabulary.forEach((letter, id) -> letters.put(id, letter));
        return IntStream.of(ids)
                .mapToObj(id -> letters.getOrDefault(id, "?"))
                .collect(Collectors.joining());
    }
}
