package io.github.dl4jjepa.examples.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.Message;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RegexGrammarTest {
    private static final List<Example> EXAMPLES = RegexGrammar.examples(5_000, 1);

    @Test
    void givesTheSameExamplesForTheSameSeed() {
        assertThat(RegexGrammar.examples(5_000, 1)).isEqualTo(EXAMPLES);
    }

    @Test
    void givesOtherExamplesForAnotherSeed() {
        assertThat(RegexGrammar.examples(100, 2)).isNotEqualTo(RegexGrammar.examples(100, 1));
    }

    @Test
    void writesConversationsWhoseAnswerIsTheExpression() {
        assertThat(EXAMPLES)
                .allSatisfy(
                        example -> {
                            assertThat(example.messages())
                                    .extracting(Message::role)
                                    .containsExactly(
                                            Message.SYSTEM, Message.USER, Message.ASSISTANT);
                            assertThat(example.messages().get(0).content())
                                    .isEqualTo("Convert natural language to regular expression.");
                            assertThat(example.views()).isEmpty();
                        });
        assertThat(EXAMPLES).extracting(Example::source).startsWith("grammar:1", "grammar:2");
    }

    @Test
    void repeatsNeitherSentencesNorExpressions() {
        assertThat(EXAMPLES).extracting(RegexGrammarTest::sentence).doesNotHaveDuplicates();
        assertThat(EXAMPLES).extracting(RegexGrammarTest::regex).doesNotHaveDuplicates();
    }

    @Test
    void keepsToTheLengthsOfNlRx() {
        assertThat(EXAMPLES)
                .allSatisfy(
                        example -> {
                            assertThat(sentence(example).split(" ")).hasSizeBetween(5, 20);
                            assertThat(regex(example)).hasSizeBetween(5, 30);
                        });
    }

    @Test
    void writesExpressionsThatJavaCompiles() {
        assertThat(EXAMPLES)
                .allSatisfy(
                        example ->
                                assertThatCode(() -> Pattern.compile(regex(example)))
                                        .doesNotThrowAnyException());
    }

    @Test
    void hasOneExpressionForASentence() {
        RegexGrammar grammar = new RegexGrammar(3);
        Map<String, String> regexes = new HashMap<>();
        for (int i = 0; i < 200_000; i++) {
            RegexGrammar.Phrase line = grammar.line();
            String before = regexes.put(line.words(), line.regex());
            if (before != null) {
                assertThat(line.regex()).as(line.words()).isEqualTo(before);
            }
        }
    }

    @Test
    void refusesMoreExamplesThanItHas() {
        assertThatThrownBy(() -> RegexGrammar.examples(1_000_000, 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("fewer than 1000000 examples");
    }

    /** The sentence's meaning, told by lines that it describes and lines that it does not. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            textBlock =
                    """
                    lines that start with a vowel | is this | this is
                    lines that end with the string 'stone' | a stone | stones
                    lines that contain the string 'river' | the rivers | the rive
                    lines that do not contain a digit | ten | 10
                    lines that contain a word that starts with a digit | is 1st | is b1
                    lines that contain a word that ends with the string 'light' | daylight saving | lights
                    lines that start with either a digit or the string 'cloud' | clouds | a cloud
                    lines that start with a digit repeated 3 or more times | 123b | 12b3
                    lines that contain the string 'bread' repeated 2 or more times | breadbread | bread bread
                    lines that contain a digit followed by a capital letter | 1 to Z | Z to 1
                    lines that start with a digit and end with a capital letter | 1 to Z | 1 to z
                    lines that start with a digit or end with a capital letter | to Z | to z
                    lines that start with a digit but do not end with a capital letter | 1 to z | 1 to Z
                    """)
    void writesExpressionsThatMeanWhatTheSentenceSays(
            String sentence, String described, String other) {
        Pattern regex = Pattern.compile(regexOf(sentence));

        assertThat(described).matches(regex);
        assertThat(other).doesNotMatch(regex);
    }

    private static String regexOf(String sentence) {
        RegexGrammar grammar = new RegexGrammar(0);
        for (int i = 0; i < 1_000_000; i++) {
            RegexGrammar.Phrase line = grammar.line();
            if (line.words().equals(sentence)) {
                return line.regex();
            }
        }
        throw new AssertionError("the grammar never says: " + sentence);
    }

    private static String sentence(Example example) {
        return example.messages().get(1).content();
    }

    private static String regex(Example example) {
        return example.messages().get(2).content();
    }
}
