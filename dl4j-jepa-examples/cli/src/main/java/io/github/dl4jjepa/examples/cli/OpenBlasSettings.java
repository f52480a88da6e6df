package io.github.dl4jjepa.examples.cli;

import com.sun.jna.Platform;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which kernels ND4J's OpenBLAS uses.
 *
 * <p>It tells Intel's processors by their model numbers. On those that came after its release, such
 * as Emerald Rapids, it takes the kernels of 2004, which compute a quarter of what others do. It
 * reads an environment variable once, when it is loaded, so that can be set from within Java as
 * long as no ND4J class has been used.
 */
final class OpenBlasSettings {
    static final String CORE_TYPE = "OPENBLAS_CORETYPE";

    private static final Path PROCESSORS = Path.of("/proc/cpuinfo");
    private static final Pattern FLAGS = Pattern.compile("(?m)^flags\\s*:(.*)$");
    private static final Set<String> AVX_512 =
            Set.of("avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl");
    private static final Set<String> AVX_2 = Set.of("avx2", "fma");

    private OpenBlasSettings() {}

    /**
     * Chooses the kernels by what Intel's processors can do, unless the environment names some. To
     * be called before ND4J is. Elsewhere than on Linux the environment is left alone.
     */
    static void chooseKernels() {
        if (!Platform.isLinux()) {
            return;
        }
        try {
            Optional<String> kernels = kernels(Files.readString(PROCESSORS));
            if (kernels.isPresent()) {
                CLibrary.load().setenv(CORE_TYPE, kernels.get(), 0);
            }
        } catch (IOException | UnsatisfiedLinkError e) {
            Logger log = LoggerFactory.getLogger(OpenBlasSettings.class);
            log.debug("OpenBLAS chooses its kernels itself", e);
        }
    }

    /**
     * The kernels for a processor, or nothing where OpenBLAS chooses well itself.
     *
     * @param processors what Linux says of them
     */
    static Optional<String> kernels(String processors) {
        Matcher flags = FLAGS.matcher(processors);
        if (!processors.contains("GenuineIntel") || !flags.find()) {
            return Optional.empty();
        }
        Set<String> abilities = Set.copyOf(List.of(flags.group(1).strip().split("\\s+")));
        if (abilities.containsAll(AVX_512)) {
            return Optional.of("SkylakeX");
        }
        return abilities.containsAll(AVX_2) ? Optional.of("Haswell") : Optional.empty();
    }
}
