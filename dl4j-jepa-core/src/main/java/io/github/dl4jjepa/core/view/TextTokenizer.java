package io.github.dl4jjepa.core.view;

import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** Any tokenizer, for data without a chat format; {@link SequenceEncoder} makes rows of it. */
public interface TextTokenizer {
    /** The ids of a text's tokens, without tokens that frame it. */
    int[] encode(String text);

    /** One more than the largest id there is. */
    int vocabularySize();

    /**
     * A tokenizer made of a way to split text and a vocabulary. With Deeplearning4j's own:
     *
     * <pre>{@code
     * TextTokenizer.of(text -> factory.create(text).getTokens(), vocabulary, unknownId)
     * }</pre>
     *
     * @param split splits a text into tokens
     * @param vocabulary the tokens' ids
     * @param unknownId the id of a token that the vocabulary does not have
     */
    static TextTokenizer of(
            Function<String, List<String>> split, Map<String, Integer> vocabulary, int unknownId) {
        Map<String, Integer> ids = Map.copyOf(vocabulary);
        int largest = ids.values().stream().mapToInt(id -> id).max().orElse(unknownId);
        return new TextTokenizer() {
            @Override
            public int[] encode(String text) {
                return split.apply(text).stream()
                        .mapToInt(token -> ids.getOrDefault(token, unknownId))
                        .toArray();
            }

            @Override
            public int vocabularySize() {
                return Math.max(largest, unknownId) + 1;
            }
        };
    }
}
