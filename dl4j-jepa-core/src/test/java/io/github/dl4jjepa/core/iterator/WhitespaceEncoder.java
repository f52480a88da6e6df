package io.github.dl4jjepa.core.iterator;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.ExampleEncoder;
import io.github.dl4jjepa.core.view.Message;
import io.github.dl4jjepa.core.view.TokenSpan;
import io.github.dl4jjepa.core.view.TokenizedExample;
import io.github.dl4jjepa.core.view.TokenizedView;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** Gives each word an id of its own, from 10 up; begins a row with 1 and ends it with 2. */
final class WhitespaceEncoder implements ExampleEncoder {
    private final Map<String, Integer> vocabulary = new HashMap<>();

    @Override
    public TokenizedExample encode(Example example) {
        List<Message> messages = example.messages();
        int[] text = ids(messages.get(messages.size() - 2).content());
        int[] code = ids(messages.get(messages.size() - 1).content());
        if (text.length + code.length > 12) {
            throw new JepaException(example.source() + ": the row is too long; shorten it");
        }
        IntStream prompt = IntStream.concat(IntStream.of(1), Arrays.stream(text));
        IntStream answer = IntStream.concat(Arrays.stream(code), IntStream.of(2));
        int[] ids = IntStream.concat(prompt, answer).toArray();
        TokenSpan labels = new TokenSpan(1 + text.length, ids.length);
        List<TokenizedView> views =
                List.of(
                        TokenizedView.inRow(ids, new TokenSpan(1, labels.start())),
                        TokenizedView.inRow(ids, new TokenSpan(labels.start(), ids.length - 1)));
        return new TokenizedExample(example.source(), ids, labels, views);
    }

    private int[] ids(String text) {
        return Arrays.stream(text.split(" "))
                .mapToInt(word -> vocabulary.computeIfAbsent(word, w -> 10 + vocabulary.size()))
                .toArray();
    }
}
