package io.github.dl4jjepa.core.view;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jjepa.core.JepaException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class SequenceEncoderTest {
    private final SequenceEncoder encoder =
            new SequenceEncoder(
                    TextTokenizer.of(
                            text -> List.of(text.split(" ")), Map.of("a", 3, "b", 4, "|", 0), 5),
                    0,
                    1,
                    6);

    private static Example pair(String text, String code) {
        return Example.conversation(
                "pairs.csv:2", List.of(new Message("user", text), new Message("assistant", code)));
    }

    @Test
    void aPromptIsTheBeginningOfARow() {
        int[] row = encoder.encode(pair("a b", "b a")).ids();

        assertThat(row).containsExactly(3, 4, 0, 4, 3, 1);
        assertThat(encoder.encodePrompt("a b")).containsExactly(3, 4, 0);
    }

    @Test
    void refusesAPromptThatHasTheSeparator() {
        assertThatThrownBy(() -> encoder.encodePrompt("a | b"))
                .isInstanceOf(JepaException.class)
                .hasMessageStartingWith("the prompt: the id 0 of the separator");
    }

    @Test
    void refusesARowThatIsTooLong() {
        assertThatThrownBy(() -> encoder.encode(pair("a b a", "b a")))
                .isInstanceOf(JepaException.class)
                .hasMessage("pairs.csv:2: has 7 tokens; shorten it, or raise the maximum of 6");
    }

    @Test
    void refusesFieldsThatOnlyAChatTemplateWrites() {
        Message answer = new Message("assistant", "b a", Map.of("reasoning_content", "a"));
        Example example =
                Example.conversation("pairs.jsonl:2", List.of(new Message("user", "a b"), answer));

        assertThatThrownBy(() -> encoder.encode(example))
                .isInstanceOf(JepaException.class)
                .hasMessageStartingWith("pairs.jsonl:2: has fields that only a chat template");
    }
}
