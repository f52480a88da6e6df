package io.github.dl4jjepa.models.evaluation;

import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.Message;
import io.github.dl4jjepa.models.chat.ChatModel;
import java.text.Normalizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import java.util.regex.Pattern;

/** What several tasks need to compare answers. */
final class Answers {
    private static final Pattern ARTICLES = Pattern.compile("\\b(a|an|the)\\b");
    private static final Pattern PUNCTUATION = Pattern.compile("[\\p{P}\\p{S}]");
    private static final Pattern BLANKS = Pattern.compile("[\\s\\p{Z}]+");

    private Answers() {}

    /** The right answer. */
    static String gold(Example example) {
        return example.messages().get(example.messages().size() - 1).content();
    }

    /** What is asked: the last turn before the answer. */
    static String question(Example example) {
        return example.messages().get(example.messages().size() - 2).content();
    }

    /** The same question with another answer. */
    static Example withAnswer(Example example, String answer) {
        List<Message> messages =
                new ArrayList<>(example.messages().subList(0, example.messages().size() - 1));
        messages.add(new Message(Message.ASSISTANT, answer));
        return new Example(example.source(), messages, List.of(), example.arguments());
    }

    /**
     * As SQuAD's evaluation compares: lower case, without punctuation, articles and further blanks.
     * Compatibility forms count as equal, such as a no-break space and a blank.
     */
    static String normalized(String text) {
        String lower = Normalizer.normalize(text, Normalizer.Form.NFKC).toLowerCase(Locale.ROOT);
        String words = PUNCTUATION.matcher(lower).replaceAll("");
        String rest = joined(ARTICLES.matcher(words).replaceAll(" "));
        // 'The The' and '?' are answers, too.
        return rest.isEmpty() ? joined(lower) : rest;
    }

    private static String joined(String text) {
        return BLANKS.matcher(text).replaceAll(" ").strip();
    }

    /** Whether some words follow each other in a text, both {@linkplain #normalized normalized}. */
    static boolean containsWords(String text, String words) {
        return !words.isEmpty() && (" " + text + " ").contains(" " + words + " ");
    }

    /** The index of the most probable candidate; the first one of several. */
    static int best(
            List<ChatModel.Likelihood> likelihoods,
            ToDoubleFunction<ChatModel.Likelihood> measure) {
        int best = 0;
        for (int i = 1; i < likelihoods.size(); i++) {
            if (measure.applyAsDouble(likelihoods.get(i))
                    > measure.applyAsDouble(likelihoods.get(best))) {
                best = i;
            }
        }
        return best;
    }
}
