package io.github.dl4jjepa.core.internal.samediff;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.internal.RootCause;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.nd4j.linalg.api.environment.Nd4jEnvironment;
import org.nd4j.linalg.factory.Nd4j;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What ND4J runs on. */
public final class Backend {
    /**
     * The environment variable of OpenMP 3.0 and later that says how idle threads wait. Whoever
     * sets it within the process, where {@link System#getenv} does not show it, sets the system
     * property of this name too.
     */
    public static final String WAIT_POLICY = "OMP_WAIT_POLICY";

    private static final Logger LOG = LoggerFactory.getLogger(Backend.class);
    private static final AtomicBoolean ADVISED = new AtomicBoolean();
    private static final AtomicBoolean CAUTIONED = new AtomicBoolean();

    /** The compute capabilities that ND4J's published CUDA backend holds machine code for. */
    private static final Set<Integer> COMPILED_FOR = Set.of(37, 50, 52, 60, 61, 70, 75, 80, 86);

    /**
     * What runs code for 8.6 by CUDA's rule of binary compatibility within a major version (Ada).
     */
    private static final int COMPATIBLE = 89;

    private Backend() {}

    /**
     * Loads ND4J's native libraries, and refuses a GPU that the published CUDA backend holds no
     * code for: it would load, and fail at the first operation.
     *
     * @throws JepaException if the libraries cannot be loaded; or the backend is CUDA and a device
     *     has a compute capability for which there is no code, such as 9.0 and later. On 8.9, which
     *     runs the code of 8.6, it warns once.
     */
    public static void requireUsable() {
        Properties environment;
        try {
            environment = Nd4j.getExecutioner().getEnvironmentInformation();
        } catch (LinkageError e) {
            throw new JepaException(notLoaded(e), e);
        }
        refusal(environment)
                .ifPresent(
                        message -> {
                            throw new JepaException(message);
                        });
        caution(environment)
                .filter(message -> CAUTIONED.compareAndSet(false, true))
                .ifPresent(LOG::warn);
    }

    static String notLoaded(LinkageError error) {
        return "ND4J's native libraries cannot be loaded: "
                + RootCause.message(error)
                + ". They are unpacked into a cache folder and loaded from there, which a file system"
                + " that is read-only or mounted noexec prevents: name another folder with"
                + " -Dorg.bytedeco.javacpp.cachedir=DIR, or with -Djava.io.tmpdir=DIR for all native"
                + " libraries. docs/backends.md lists the platforms for which there are libraries";
    }

    /**
     * Warns, once in a process, where idle OpenMP threads spin: a training step has thousands of
     * small operations, and spinning makes them many times slower wherever something else wants the
     * cores.
     */
    public static void adviseOnThreads() {
        String policy = System.getProperty(WAIT_POLICY, System.getenv(WAIT_POLICY));
        if (advice(policy).isPresent() && ADVISED.compareAndSet(false, true)) {
            LOG.warn(advice(policy).get());
        }
    }

    static Optional<String> advice(String waitPolicy) {
        if ("PASSIVE".equalsIgnoreCase(waitPolicy)) {
            return Optional.empty();
        }
        return Optional.of(
                WAIT_POLICY
                        + (waitPolicy == null ? " is not set" : " is " + waitPolicy)
                        + ": ND4J's idle threads spin, and training is several times slower where"
                        + " something else wants the cores. Set "
                        + WAIT_POLICY
                        + "=PASSIVE in the environment of the JVM");
    }

    static Optional<String> refusal(Properties environment) {
        return gpus(environment).stream()
                .filter(
                        gpu ->
                                !COMPILED_FOR.contains(gpu.capability())
                                        && gpu.capability() != COMPATIBLE)
                .findFirst()
                .map(
                        gpu ->
                                gpu
                                        + "; ND4J's published CUDA backend runs on 3.7 to 8.6 (Kepler to"
                                        + " Ampere) and 8.9 (Ada) only. Build without -Pcuda to train on"
                                        + " the CPU, or hide the GPU with CUDA_VISIBLE_DEVICES");
    }

    static Optional<String> caution(Properties environment) {
        return gpus(environment).stream()
                .filter(gpu -> gpu.capability() == COMPATIBLE)
                .findFirst()
                .map(
                        gpu ->
                                gpu
                                        + ": ND4J's CUDA backend runs its code for 8.6 there, which CUDA"
                                        + " guarantees, but which was not tried by us. If cuBLAS or"
                                        + " cuSolver fail, use CUDA 11.8's (docs/backends.md)");
    }

    private record Gpu(String name, int major, int minor) {
        int capability() {
            return 10 * major + minor;
        }

        @Override
        public String toString() {
            return "the GPU " + name + " has compute capability " + major + "." + minor;
        }
    }

    private static List<Gpu> gpus(Properties environment) {
        if (!"CUDA".equalsIgnoreCase(environment.getProperty("backend"))) {
            return List.of();
        }
        List<?> devices = (List<?>) environment.get(Nd4jEnvironment.CUDA_DEVICE_INFORMATION_KEY);
        return devices.stream()
                .map(Map.class::cast)
                .map(
                        device ->
                                new Gpu(
                                        String.valueOf(
                                                device.get(Nd4jEnvironment.CUDA_DEVICE_NAME_KEY)),
                                        number(
                                                device.get(
                                                        Nd4jEnvironment
                                                                .CUDA_DEVICE_MAJOR_VERSION_KEY)),
                                        number(
                                                device.get(
                                                        Nd4jEnvironment
                                                                .CUDA_DEVICE_MINOR_VERSION_KEY))))
                .toList();
    }

    private static int number(Object value) {
        return ((Number) value).intValue();
    }
}
