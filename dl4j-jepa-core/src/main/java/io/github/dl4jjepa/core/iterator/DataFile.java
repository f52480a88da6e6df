package io.github.dl4jjepa.core.iterator;

import com.google.errorprone.annotations.MustBeClosed;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/** Opens data files, compressed with gzip or not. */
final class DataFile {
    private static final int BUFFER = 1 << 16;

    private DataFile() {}

    /** The bytes of a file; those that gzip compressed, if it begins as gzip's files do. */
    @MustBeClosed
    static InputStream open(Path file) throws IOException {
        InputStream bytes = new BufferedInputStream(Files.newInputStream(file), BUFFER);
        try {
            bytes.mark(2);
            boolean isCompressed = bytes.read() == 0x1F && bytes.read() == 0x8B;
            bytes.reset();
            return isCompressed ? new GZIPInputStream(bytes, BUFFER) : bytes;
        } catch (IOException e) {
            bytes.close();
            throw e;
        }
    }

    /** Says why a file cannot be read, and what to do. */
    static String describe(IOException failure) {
        return failure instanceof EOFException || failure instanceof ZipException
                ? "the gzip data are damaged or cut off ("
                        + failure.getMessage()
                        + "); copy the file again"
                : "cannot be read: " + failure.getMessage();
    }
}
