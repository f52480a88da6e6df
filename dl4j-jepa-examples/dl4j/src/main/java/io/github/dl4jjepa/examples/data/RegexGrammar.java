package io.github.dl4jjepa.examples.data;

import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.Message;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;

/**
 * Writes sentences that describe lines of text, and the regular expressions that match those lines:
 * two views of one thing, in the manner of NL-RX (arXiv 1608.03000).
 *
 * <pre>
 * line      = "lines that" clause [("and" | "or" | "but do not") clause]
 *           | "lines that do not" clause
 * clause    = ("start with" | "end with" | "contain") sequence
 *           | "contain a word that" ("starts" | "ends") "with" item
 * sequence  = item ["followed by" item]
 * item      = atom  |  "either" atom "or" atom  |  atom "repeated" n "or more times"
 * atom      = character class  |  "the string" word
 * </pre>
 *
 * <p>Each level takes operands of the levels below it only, so a sentence can be read in one way
 * and has one regular expression. The expressions are {@link java.util.regex.Pattern Java's} and
 * match whole lines.
 */
public final class RegexGrammar {
    /** The system turn of every example, NL-RX's. */
    public static final String INSTRUCTION = "Convert natural language to regular expression.";

    // How hard the task is: operators nest deeper, and there is more to choose from.
    private static final int MAX_OPERATORS = 2;
    private static final List<String> WORDS =
            List.of("apple", "bread", "cloud", "green", "house", "light", "river", "stone");
    private static final List<Phrase> CLASSES =
            List.of(
                    new Phrase("a digit", "[0-9]"),
                    new Phrase("a letter", "[A-Za-z]"),
                    new Phrase("a capital letter", "[A-Z]"),
                    new Phrase("a small letter", "[a-z]"),
                    new Phrase("a vowel", "[AEIOUaeiou]"));
    private static final int MIN_REPEAT = 2;
    private static final int MAX_REPEAT = 4;

    private static final int MIN_WORDS = 5;
    private static final int MAX_WORDS = 20;
    private static final int MIN_CHARACTERS = 5;
    private static final int MAX_CHARACTERS = 30;

    /** So many lines in a row that cannot be used mean that the grammar is all but used up. */
    private static final int PATIENCE = 1_000;

    private final Random random;

    RegexGrammar(long seed) {
        random = new Random(seed);
    }

    /**
     * Writes examples: a system turn, the sentence as the user's turn, the regular expression as
     * the assistant's.
     *
     * <p>No sentence and no regular expression comes twice, and the order is random: examples that
     * are held back ask for expressions that the others do not hold.
     *
     * @param count how many
     * @param seed the same seed and count give the same examples
     * @throws IllegalArgumentException if the grammar has not that many
     */
    public static List<Example> examples(int count, long seed) {
        return new RegexGrammar(seed).distinctExamples(count);
    }

    private List<Example> distinctExamples(int count) {
        // A sentence has one expression, so where no expression repeats, no sentence does.
        Set<String> regexes = new HashSet<>();
        List<Phrase> lines = new ArrayList<>();
        int rejected = 0;
        while (lines.size() < count) {
            Phrase line = line();
            if (fits(line) && regexes.add(line.regex())) {
                lines.add(line);
                rejected = 0;
            } else if (++rejected == PATIENCE) {
                throw new IllegalArgumentException(
                        "the grammar has fewer than "
                                + count
                                + " examples: none new after "
                                + lines.size());
            }
        }
        // Short expressions are used up first.
        Collections.shuffle(lines, random);
        List<Example> examples = new ArrayList<>(count);
        for (Phrase line : lines) {
            String source = "grammar:" + (examples.size() + 1);
            examples.add(
                    Example.conversation(
                            source,
                            List.of(
                                    new Message(Message.SYSTEM, INSTRUCTION),
                                    new Message(Message.USER, line.words()),
                                    new Message(Message.ASSISTANT, line.regex()))));
        }
        return examples;
    }

    private static boolean fits(Phrase line) {
        int words = line.words().split(" ").length;
        int characters = line.regex().length();
        return words >= MIN_WORDS
                && words <= MAX_WORDS
                && characters >= MIN_CHARACTERS
                && characters <= MAX_CHARACTERS;
    }

    /** A line of up to {@link #MAX_OPERATORS} operators, of any length. */
    Phrase line() {
        int operators = random.nextInt(MAX_OPERATORS + 1);
        if (operators == 0 || random.nextBoolean()) {
            Phrase clause = clause(place(), operators);
            return new Phrase("lines that " + clause.words(), clause.regex());
        }
        if (random.nextInt(4) == 0) {
            Phrase clause = clause(place(), operators - 1);
            return new Phrase("lines that do not " + clause.words(), except(clause, ".*"));
        }
        int operatorsOfFirst = random.nextInt(operators);
        Place place = place();
        Place other = place();
        while (other == place) {
            other = place();
        }
        Phrase first = clause(place, operatorsOfFirst);
        Phrase second = clause(other, operators - 1 - operatorsOfFirst);
        String lines = "lines that " + first.words();
        return switch (random.nextInt(3)) {
            case 0 ->
                    new Phrase(
                            lines + " and " + second.words(),
                            "(?=" + first.regex() + "$)" + second.regex());
            case 1 ->
                    new Phrase(
                            lines + " or " + second.words(), first.regex() + "|" + second.regex());
            default ->
                    new Phrase(
                            lines + " but do not " + second.words(), except(second, first.regex()));
        };
    }

    private static String except(Phrase unwanted, String regex) {
        return "(?!" + unwanted.regex() + "$)" + regex;
    }

    private Phrase clause(Place place, int operators) {
        Phrase content = place.withinWord ? item(operators) : sequence(operators);
        return new Phrase(
                place.words + " " + content.words(), place.before + content.regex() + place.after);
    }

    private Phrase sequence(int operators) {
        if (operators == 0 || random.nextBoolean()) {
            return item(operators);
        }
        Phrase first = item(operators - 1);
        Phrase second = item(0);
        return new Phrase(
                first.words() + " followed by " + second.words(),
                first.regex() + ".*" + second.regex());
    }

    private Phrase item(int operators) {
        if (operators == 0) {
            return atom();
        }
        return random.nextBoolean() ? alternative() : repetition();
    }

    private Phrase alternative() {
        Phrase first = atom();
        Phrase second = atom();
        while (second.equals(first)) {
            second = atom();
        }
        return new Phrase(
                "either " + first.words() + " or " + second.words(),
                "(" + first.regex() + "|" + second.regex() + ")");
    }

    private Phrase repetition() {
        int times = MIN_REPEAT + random.nextInt(MAX_REPEAT - MIN_REPEAT + 1);
        Phrase atom = atom();
        String group = CLASSES.contains(atom) ? atom.regex() : "(" + atom.regex() + ")";
        return new Phrase(
                atom.words() + " repeated " + times + " or more times", group + "{" + times + ",}");
    }

    private Phrase atom() {
        if (random.nextBoolean()) {
            return CLASSES.get(random.nextInt(CLASSES.size()));
        }
        String word = WORDS.get(random.nextInt(WORDS.size()));
        return new Phrase("the string '" + word + "'", word);
    }

    private Place place() {
        return Place.values()[random.nextInt(Place.values().length)];
    }

    /** Words and the regular expression that they mean. */
    record Phrase(String words, String regex) {}

    /** Where in a line something stands. */
    private enum Place {
        START("start with", "", ".*", false),
        END("end with", ".*", "", false),
        ANYWHERE("contain", ".*", ".*", false),
        START_OF_WORD("contain a word that starts with", ".*\\b", ".*", true),
        END_OF_WORD("contain a word that ends with", ".*", "\\b.*", true);

        final String words;
        final String before;
        final String after;
        final boolean withinWord;

        Place(String words, String before, String after, boolean withinWord) {
            this.words = words;
            this.before = before;
            this.after = after;
            this.withinWord = withinWord;
        }
    }
}
