package io.github.dl4jjepa.models.internal;

import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.Platform;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The allocator that ND4J's arrays come from. */
public final class NativeAllocator {
    private static final int M_MMAP_THRESHOLD = -3;
    private static final int THRESHOLD_BYTES = 1 << 20;

    private NativeAllocator() {}

    /** glibc's functions beyond POSIX. */
    private interface Glibc extends Library {
        /**
         * Sets a parameter of malloc.
         *
         * @return 1, or 0 on failure
         */
        int mallopt(int parameter, int value);
    }

    /**
     * Makes glibc give large arrays back to the operating system when they are freed; does nothing
     * elsewhere than on Linux with glibc.
     *
     * <p>By itself it raises the size from which it does so, up to 32 MB, whenever a larger array
     * is freed. What is smaller then comes from its own heaps, in which freed arrays are hardly
     * found again (its bug 14581): a process that trains several times grows each time by most of a
     * training's memory.
     */
    public static void returnLargeArrays() {
        if (!Platform.isLinux()) {
            return;
        }
        try {
            Native.load("c", Glibc.class).mallopt(M_MMAP_THRESHOLD, THRESHOLD_BYTES);
        } catch (UnsatisfiedLinkError e) {
            Logger log = LoggerFactory.getLogger(NativeAllocator.class);
            log.debug("This C library has no mallopt, or JNA cannot be loaded", e);
        }
    }
}
