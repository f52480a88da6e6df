package io.github.dl4jjepa.models.evaluation;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.Example;
import java.math.BigDecimal;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * GSM8K, grade school mathematics: the number after {@code ####} must be equal, however it is
 * written ({@code 1,000.00} is 1000).
 *
 * <p>{@code last_number_match} compares the last number of an answer, for models that have not
 * learnt the {@code ####}; {@code answered} is the share of answers with a number after it.
 */
final class Gsm8kTask implements Task {
    private static final String MARK = "####";

    /** A sign, a currency, digits with or without groups of three, decimals. */
    private static final Pattern NUMBER =
            Pattern.compile(
                    "([-\u2212]?)\\s?\\p{Sc}?\\s?([-\u2212]?)(\\d[\\d,]*(?:\\.\\d+)?|\\.\\d+)");

    @Override
    public String name() {
        return "gsm8k";
    }

    @Override
    public int maxNewTokens() {
        return 512;
    }

    @Override
    public void check(Example example) {
        if (marked(Answers.gold(example)).isEmpty()) {
            throw new JepaException(
                    example.source()
                            + ": the answer has no number after "
                            + MARK
                            + "; correct the line, or choose another task");
        }
    }

    @Override
    public Task.Judgment judge(Example example, Task.Outcome outcome) {
        BigDecimal expected = marked(Answers.gold(example)).orElseThrow();
        Optional<BigDecimal> actual = marked(outcome.prediction());
        return Task.Judgment.NONE
                .with("exact_match", isEqual(actual, expected))
                .with("last_number_match", isEqual(last(outcome.prediction()), expected))
                .with("answered", actual.isPresent())
                .with("stopped", outcome.stopped());
    }

    /** The number right after the first mark. */
    static Optional<BigDecimal> marked(String answer) {
        int mark = answer.indexOf(MARK);
        if (mark < 0) {
            return Optional.empty();
        }
        String rest = answer.substring(mark + MARK.length()).strip();
        Matcher matcher = NUMBER.matcher(rest);
        return matcher.lookingAt() ? Optional.of(value(matcher)) : Optional.empty();
    }

    /** The last number of a text. */
    static Optional<BigDecimal> last(String text) {
        Matcher matcher = NUMBER.matcher(text);
        Optional<BigDecimal> last = Optional.empty();
        while (matcher.find()) {
            last = Optional.of(value(matcher));
        }
        return last;
    }

    static boolean isEqual(Optional<BigDecimal> actual, BigDecimal expected) {
        return actual.filter(number -> number.compareTo(expected) == 0).isPresent();
    }

    private static BigDecimal value(Matcher number) {
        BigDecimal value = new BigDecimal(number.group(3).replace(",", ""));
        boolean negative = !number.group(1).isEmpty() || !number.group(2).isEmpty();
        return negative ? value.negate() : value;
    }
}
