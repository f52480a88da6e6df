package io.github.dl4jjepa.examples.cli;

import io.github.dl4jjepa.core.JepaException;
import java.io.IOException;
import java.io.StreamTokenizer;
import java.io.StringReader;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Arguments from files: {@code @FILE} stands for the words in the file.
 *
 * <p>The format is picocli's: words between blanks or line ends, quotes around those with blanks,
 * comments from {@code #} to the line's end, {@code @@} for an argument that begins with {@code @}.
 * picocli itself reads the files in the locale's encoding; these are UTF-8, with or without a
 * byte-order mark.
 */
final class ArgumentFiles {
    private static final String BYTE_ORDER_MARK = "\uFEFF";

    private ArgumentFiles() {}

    /**
     * Puts the words of files in the place of their names. An argument that names no file stays.
     *
     * @throws JepaException if a file cannot be read, or contains itself
     */
    static String[] expand(String... arguments) {
        List<String> expanded = new ArrayList<>();
        for (String argument : arguments) {
            expand(argument, new LinkedHashSet<>(), expanded);
        }
        return expanded.toArray(String[]::new);
    }

    private static void expand(String argument, Set<Path> within, List<String> expanded) {
        if (argument.startsWith("@@")) {
            expanded.add(argument.substring(1));
            return;
        }
        Path file = argument.startsWith("@") ? file(argument.substring(1)) : null;
        if (file == null || !Files.isRegularFile(file)) {
            expanded.add(argument);
            return;
        }
        Set<Path> files = new LinkedHashSet<>(within);
        if (!files.add(file.toAbsolutePath().normalize())) {
            throw new JepaException(file + ": the arguments file contains itself");
        }
        for (String word : words(file)) {
            expand(word, files, expanded);
        }
    }

    private static @Nullable Path file(String name) {
        try {
            return Path.of(name);
        } catch (InvalidPathException e) {
            return null;
        }
    }

    private static List<String> words(Path file) {
        List<String> words = new ArrayList<>();
        try {
            String text = Files.readString(file);
            StreamTokenizer tokenizer =
                    new StreamTokenizer(
                            new StringReader(
                                    text.startsWith(BYTE_ORDER_MARK) ? text.substring(1) : text));
            tokenizer.resetSyntax();
            tokenizer.wordChars(' ', 255);
            tokenizer.whitespaceChars(0, ' ');
            tokenizer.quoteChar('"');
            tokenizer.quoteChar('\'');
            tokenizer.commentChar('#');
            while (tokenizer.nextToken() != StreamTokenizer.TT_EOF) {
                words.add(tokenizer.sval);
            }
        } catch (CharacterCodingException e) {
            throw new JepaException(file + ": not UTF-8 text; save the file as UTF-8", e);
        } catch (IOException e) {
            throw new JepaException(file + ": cannot be read: " + e, e);
        }
        return words;
    }
}
