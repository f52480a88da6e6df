package io.github.dl4jjepa.examples.dl4j;

import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.Message;
import io.github.dl4jjepa.core.view.TextTokenizer;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** A tokenizer for the examples, with the tokens that the data have. */
final class Tokens {
    static final int PADDING = 0;
    static final int SEPARATOR = 1;
    static final int END = 2;
    static final int UNKNOWN = 3;

    /** The [PRED] token. */
    static final int PREDICTOR = 4;

    private static final int FIRST = 5;
    private static final Pattern WORD = Pattern.compile("\\\\.|\\w+|\\W");

    private final Function<String, List<String>> split;
    private final Map<String, Integer> vocabulary = new LinkedHashMap<>();

    private Tokens(List<Example> examples, Function<String, List<String>> split) {
        this.split = split;
        for (Example example : examples) {
            for (Message message : example.messages()) {
                for (String token : split.apply(message.content())) {
                    vocabulary.putIfAbsent(token, FIRST + vocabulary.size());
                }
            }
        }
    }

    /** A token for each letter. */
    static Tokens letters(List<Example> examples) {
        return new Tokens(examples, text -> List.of(text.split("")));
    }

    /** A token for each word, each backslash with what it escapes, and each other letter. */
    static Tokens words(List<Example> examples) {
        return new Tokens(
                examples, text -> WORD.matcher(text).results().map(MatchResult::group).toList());
    }

    /** With Deeplearning4j's: {@code text -> factory.create(text).getTokens()}. */
    TextTokenizer tokenizer() {
        return TextTokenizer.of(split, vocabulary, UNKNOWN);
    }

    String text(int[] ids) {
        Map<Integer, String> tokens = new HashMap<>();
        vocabulary.forEach((token, id) -> tokens.put(id, token));
        return IntStream.of(ids)
                .mapToObj(id -> tokens.getOrDefault(id, "?"))
                .collect(Collectors.joining());
    }
}
