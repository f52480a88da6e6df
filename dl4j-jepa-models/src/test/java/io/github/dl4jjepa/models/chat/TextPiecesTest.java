package io.github.dl4jjepa.models.chat;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class TextPiecesTest {
    private final List<String> heard = new ArrayList<>();

    private void write(List<String> stopStrings, String last, String... texts) {
        TextPieces pieces = new TextPieces(stopStrings, heard::add);
        for (String text : texts) {
            pieces.accept(text);
        }
        pieces.finish(last);
    }

    @Test
    void handsOnWhatIsNew() {
        write(List.of(), "Paris.", "Par", "Paris", "Paris.");
        assertThat(heard).containsExactly("Par", "is", ".");
    }

    @Test
    void waitsForTheRestOfACharacter() {
        write(List.of(), "né", "n\uFFFD", "né");
        assertThat(heard).containsExactly("n", "é");
    }

    @Test
    void holdsBackWhatMayBecomeAStopString() {
        write(List.of("END"), "a EN b", "a", "a E", "a EN", "a EN b");
        assertThat(heard).containsExactly("a", " ", "EN b");
    }

    @Test
    void leavesTheStopStringOut() {
        write(List.of("END"), "a ", "a", "a E", "a END");
        assertThat(heard).containsExactly("a", " ");
    }

    @Test
    void beginsAgainWhereTheAnswerFollowsThoughts() {
        write(List.of(), "4", "two and two", "4");
        assertThat(heard).containsExactly("two and two", "\n", "4");
    }

    @Test
    void cutsAtTheFirstOfSeveralStopStrings() {
        assertThat(TextPieces.cut("one two three", List.of("three", "two"))).isEqualTo("one ");
        assertThat(TextPieces.cut("one", List.of("two"))).isEqualTo("one");
    }
}
