package io.github.dl4jjepa.models.evaluation;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.Message;
import io.github.dl4jjepa.models.chat.ChatModel;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * HellaSwag: which of four endings fits a context. The user's turn has the context and the endings,
 * each on lines that begin with {@code A)} to {@code D)}; the answer is a letter.
 *
 * <p>{@code letter_match}: the generated answer names the right letter. {@code
 * letter_likelihood_match}: the right letter is the most probable answer, the paper's measure.
 * {@code ending_likelihood_match} and {@code ending_likelihood_per_token_match}: the right ending
 * is the most probable answer to a user who gives the context alone, as a whole or by the mean of
 * its tokens.
 */
final class HellaSwagTask implements Task {
    private static final List<String> LETTERS = List.of("A", "B", "C", "D");

    private static final Pattern PROMPT =
            Pattern.compile("(.*?)\nA\\) (.*)\nB\\) (.*)\nC\\) (.*)\nD\\) (.*)", Pattern.DOTALL);

    private static final Pattern FIRST_LETTER = Pattern.compile("\\(?([A-D])(?:[).:,]|\\s*$|\n).*");

    /** A letter by itself; not the article, which a noun or an adjective follows. */
    private static final Pattern LETTER =
            Pattern.compile(
                    "(?<![\\p{L}\\p{N}'])(A(?! (?!(?:is|or|and)\\b)\\p{Ll})|[B-D])(?![\\p{L}\\p{N}'])");

    @Override
    public String name() {
        return "hellaswag";
    }

    @Override
    public int maxNewTokens() {
        return 32;
    }

    @Override
    public void check(Example example) {
        if (!LETTERS.contains(Answers.gold(example).strip())) {
            throw new JepaException(
                    example.source()
                            + ": the answer is not one of "
                            + LETTERS
                            + "; correct the line, or choose another task");
        }
        parts(example);
    }

    private static Matcher parts(Example example) {
        Matcher parts = PROMPT.matcher(Answers.question(example));
        if (!parts.matches()) {
            throw new JepaException(
                    example.source()
                            + ": the user's turn must be a context and four endings, on lines that"
                            + " begin with A), B), C) and D); correct the line, or choose another"
                            + " task");
        }
        return parts;
    }

    @Override
    public List<Example> candidates(Example example) {
        List<Example> candidates = new ArrayList<>();
        LETTERS.forEach(letter -> candidates.add(Answers.withAnswer(example, letter)));
        Matcher parts = parts(example);
        for (int ending = 0; ending < LETTERS.size(); ending++) {
            candidates.add(
                    Example.conversation(
                            example.source(),
                            List.of(
                                    new Message(Message.USER, parts.group(1)),
                                    new Message(
                                            Message.ASSISTANT, parts.group(ending + 2).strip()))));
        }
        return candidates;
    }

    @Override
    public Task.Judgment judge(Example example, Task.Outcome outcome) {
        String expected = Answers.gold(example).strip();
        int gold = LETTERS.indexOf(expected);
        List<ChatModel.Likelihood> letters = outcome.likelihoods().subList(0, LETTERS.size());
        List<ChatModel.Likelihood> endings =
                outcome.likelihoods().subList(LETTERS.size(), 2 * LETTERS.size());
        return Task.Judgment.NONE
                .with("exact_match", outcome.prediction().strip().equals(expected))
                .with("letter_match", letter(outcome.prediction()).equals(expected))
                .with(
                        "letter_likelihood_match",
                        Answers.best(letters, ChatModel.Likelihood::logProbability) == gold)
                .with(
                        "ending_likelihood_match",
                        Answers.best(endings, ChatModel.Likelihood::logProbability) == gold)
                .with(
                        "ending_likelihood_per_token_match",
                        Answers.best(endings, ChatModel.Likelihood::perToken) == gold)
                .with("stopped", outcome.stopped());
    }

    /** The letter that an answer begins with, or the only one in it; empty if there is neither. */
    static String letter(String answer) {
        Matcher first = FIRST_LETTER.matcher(answer.strip());
        if (first.lookingAt()) {
            return first.group(1);
        }
        Set<String> named = new TreeSet<>();
        Matcher matcher = LETTER.matcher(answer);
        while (matcher.find()) {
            named.add(matcher.group(1));
        }
        return named.size() == 1 ? named.iterator().next() : "";
    }
}
