package io.github.dl4jjepa.examples.cli;

import com.sun.jna.Platform;
import io.github.dl4jjepa.core.internal.samediff.Backend;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How the threads of ND4J's native operations wait for work.
 *
 * <p>OpenMP's threads spin between operations unless {@code OMP_WAIT_POLICY} says {@code PASSIVE}.
 * A decoder's graph has thousands of small operations; wherever something else wants the cores,
 * spinning makes them many times slower. The OpenMP library reads the variable once, when it is
 * loaded, so it can be set from within Java as long as no ND4J class has been used.
 */
final class OpenMpSettings {
    private OpenMpSettings() {}

    /**
     * Lets waiting threads sleep, unless the environment says how they should wait. To be called
     * before ND4J is. On Windows the environment is left alone.
     */
    static void waitPassively() {
        if (Platform.isWindows()) {
            return;
        }
        try {
            CLibrary.load().setenv(Backend.WAIT_POLICY, "PASSIVE", 0);
            if (System.getenv(Backend.WAIT_POLICY) == null) {
                System.setProperty(Backend.WAIT_POLICY, "PASSIVE");
            }
        } catch (UnsatisfiedLinkError e) {
            Logger log = LoggerFactory.getLogger(OpenMpSettings.class);
            log.warn(
                    "Cannot set {}=PASSIVE; training may be slow without it: {}",
                    Backend.WAIT_POLICY,
                    e.getMessage());
        }
    }
}
