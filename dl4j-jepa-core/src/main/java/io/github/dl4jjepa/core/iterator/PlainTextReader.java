package io.github.dl4jjepa.core.iterator;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.Example;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.function.Consumer;

/** Reads a file of plain text as one document. */
final class PlainTextReader implements ExampleSource {
    /** A document is tokenized as a whole, at some hundred bytes of memory a token. */
    static final int MAX_BYTES = 1 << 26;

    private static final String BYTE_ORDER_MARK = "\uFEFF";

    private final Path file;

    PlainTextReader(Path file) {
        this.file = file;
    }

    @Override
    public void read(Consumer<? super Example> examples, Consumer<? super JepaException> faults) {
        byte[] bytes;
        try (InputStream in = DataFile.open(file)) {
            bytes = in.readNBytes(MAX_BYTES + 1);
        } catch (IOException e) {
            throw new JepaException(file + ": " + DataFile.describe(e), e);
        }
        if (bytes.length > MAX_BYTES) {
            throw new JepaException(
                    file
                            + ": is more than "
                            + (MAX_BYTES >> 20)
                            + " MiB of text in one document; split it into several files, or write"
                            + " each document on a line as {\"text\": \"...\"}");
        }
        String text = decoded(bytes);
        if (text.isBlank()) {
            throw new JepaException(file + ": the file is empty; write the text to train on");
        }
        examples.accept(
                Example.document(
                        file.toString(),
                        text.startsWith(BYTE_ORDER_MARK) ? text.substring(1) : text));
    }

    private String decoded(byte[] bytes) {
        ByteBuffer encoded = ByteBuffer.wrap(bytes);
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(encoded).toString();
        } catch (CharacterCodingException e) {
            int line = 1;
            for (int i = 0; i < encoded.position(); i++) {
                line += bytes[i] == '\n' ? 1 : 0;
            }
            throw new JepaException(file + ":" + line + ": not UTF-8; save the file as UTF-8", e);
        }
    }
}
