package io.github.dl4jjepa.core.internal.samediff;

import java.io.PrintStream;

/** A stream without what one thread prints to it. */
final class MutedThreadOutput extends PrintStream {
    private final PrintStream stream;
    private final Thread muted;

    MutedThreadOutput(PrintStream stream, Thread muted) {
        super(stream);
        this.stream = stream;
        this.muted = muted;
    }

    private boolean isMuted() {
        return Thread.currentThread() == muted;
    }

    @Override
    public void write(int b) {
        if (!isMuted()) {
            stream.write(b);
        }
    }

    @Override
    public void write(byte[] buffer, int offset, int length) {
        if (!isMuted()) {
            stream.write(buffer, offset, length);
        }
    }

    // Text is encoded by the stream itself, whose charset may be another than the default.

    @Override
    public void print(String text) {
        if (!isMuted()) {
            stream.print(text);
        }
    }

    @Override
    public void print(Object object) {
        print(String.valueOf(object));
    }

    @Override
    public void print(char[] text) {
        print(new String(text));
    }

    @Override
    public void print(char character) {
        print(String.valueOf(character));
    }
}
