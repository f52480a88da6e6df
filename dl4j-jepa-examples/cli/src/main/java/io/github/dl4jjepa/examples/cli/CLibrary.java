package io.github.dl4jjepa.examples.cli;

import com.sun.jna.Library;
import com.sun.jna.Native;

/** The functions of POSIX' C library that Java has no equivalent for; Windows lacks them. */
interface CLibrary extends Library {
    /** The file descriptor of standard error. */
    int STANDARD_ERROR = 2;

    /**
     * The C library of this process.
     *
     * @throws UnsatisfiedLinkError if JNA cannot be loaded
     */
    static CLibrary load() {
        return Native.load("c", CLibrary.class);
    }

    /**
     * Changes the environment that native code sees; {@link System#getenv} does not notice.
     *
     * @param overwrite 0 to leave a variable as it is that is there already
     * @return 0, or -1 on failure
     */
    int setenv(String name, String value, int overwrite);

    /**
     * Whether a file descriptor is a terminal.
     *
     * @return 1 if it is
     */
    int isatty(int descriptor);
}
