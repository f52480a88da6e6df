package io.github.dl4jjepa.examples.cli;

import io.github.dl4jjepa.core.JepaException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The arguments of the command line as they were typed.
 *
 * <p>Java decodes arguments and encodes file names by the locale. Where there is none, as in most
 * containers, that is ASCII, and each byte of another letter becomes U+FFFD. What was typed can be
 * read from Linux again; a file with such a name cannot be opened.
 */
final class Arguments {
    private static final Path COMMAND_LINE = Path.of("/proc/self/cmdline");
    private static final char REPLACEMENT = '\uFFFD';

    private Arguments() {}

    /**
     * Restores what the locale's encoding could not hold.
     *
     * @param decoded the arguments as Java gives them
     * @throws JepaException if an argument cannot be restored
     */
    static String[] restore(String... decoded) {
        if (isUtf8(encoding()) || !String.join("", decoded).contains("" + REPLACEMENT)) {
            return decoded;
        }
        byte[] commandLine;
        try {
            commandLine = Files.readAllBytes(COMMAND_LINE);
        } catch (IOException e) {
            commandLine = new byte[0];
        }
        return restore(decoded, commandLine);
    }

    /**
     * Takes the arguments from the end of a command line, as the operating system holds it.
     *
     * @param commandLine the words of the command line, each followed by a byte 0
     */
    static String[] restore(String[] decoded, byte[] commandLine) {
        List<byte[]> words = words(commandLine);
        int first = words.size() - decoded.length;
        String[] restored = decoded.clone();
        for (int i = 0; i < decoded.length; i++) {
            if (decoded[i].indexOf(REPLACEMENT) < 0) {
                continue;
            }
            restored[i] = first < 0 ? null : utf8(words.get(first + i));
            if (restored[i] == null || !ascii(restored[i]).equals(ascii(decoded[i]))) {
                throw new JepaException(
                        "argument "
                                + (i + 1)
                                + " has letters that the locale's encoding, "
                                + encoding()
                                + ", does not have: "
                                + remedy());
            }
        }
        return restored;
    }

    private static List<byte[]> words(byte[] commandLine) {
        List<byte[]> words = new ArrayList<>();
        ByteArrayOutputStream word = new ByteArrayOutputStream();
        for (byte b : commandLine) {
            if (b == 0) {
                words.add(word.toByteArray());
                word.reset();
            } else {
                word.write(b);
            }
        }
        return words;
    }

    private static @Nullable String utf8(byte[] word) {
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(word)).toString();
        } catch (CharacterCodingException e) {
            return null;
        }
    }

    /** What of a text no encoding changes. */
    private static String ascii(String text) {
        return text.replaceAll("[^\\x00-\\x7F]", "");
    }

    /**
     * Says why a path cannot be used.
     *
     * @param failure what {@link Path#of} threw
     */
    static String describe(InvalidPathException failure) {
        String message = "the path " + failure.getInput() + " cannot be used: ";
        return isUtf8(encoding())
                ? message + failure.getReason()
                : message
                        + "the locale's encoding, "
                        + encoding()
                        + ", does not have its letters; "
                        + remedy();
    }

    private static String remedy() {
        return "set LC_ALL=C.UTF-8 in the environment";
    }

    private static String encoding() {
        return System.getProperty("sun.jnu.encoding", Charset.defaultCharset().name());
    }

    private static boolean isUtf8(String encoding) {
        return StandardCharsets.UTF_8.equals(Charset.forName(encoding));
    }
}
