package io.github.dl4jjepa.examples.cli;

import java.nio.file.Path;

/** Files that a command line names in another way than by their paths, such as by URIs. */
public interface NamedFiles {
    /** Paths only. */
    NamedFiles PATHS =
            new NamedFiles() {
                @Override
                public String local(String word) {
                    return word;
                }

                @Override
                public String name(Path file) {
                    return file.toString();
                }
            };

    /**
     * Makes the file that a word names one of this machine.
     *
     * @param word a word of the command line, or of a settings file
     * @return the word with a path in place of the name, or the word itself
     * @throws io.github.dl4jjepa.core.JepaException if the file cannot be read
     */
    String local(String word);

    /**
     * The name that {@link #local} has read a file by.
     *
     * @param file an absolute path
     * @return the name; the path if the file was not named otherwise
     */
    String name(Path file);
}
