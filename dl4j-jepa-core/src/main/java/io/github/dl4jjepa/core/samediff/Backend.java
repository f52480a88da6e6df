package io.github.dl4jjepa.core.samediff;

import io.github.dl4jjepa.core.JepaException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
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

    private static final int OLDEST = 37;
    private static final int NEWEST = 86;

    private Backend() {}

    /**
     * Refuses a GPU that the published CUDA backend holds no code for: it would load, and fail at
     * the first operation.
     *
     * @throws JepaException if the backend is CUDA and a device is older than compute capability
     *     3.7 or newer than 8.6
     */
    public static void requireUsable() {
        refusal(Nd4j.getExecutioner().getEnvironmentInformation())
                .ifPresent(
                        message -> {
                            throw new JepaException(message);
                        });
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
        if (!"CUDA".equalsIgnoreCase(environment.getProperty("backend"))) {
            return Optional.empty();
        }
        List<?> devices = (List<?>) environment.get(Nd4jEnvironment.CUDA_DEVICE_INFORMATION_KEY);
        for (Object device : devices) {
            Map<?, ?> properties = (Map<?, ?>) device;
            int major =
                    ((Number) properties.get(Nd4jEnvironment.CUDA_DEVICE_MAJOR_VERSION_KEY))
                            .intValue();
            int minor =
                    ((Number) properties.get(Nd4jEnvironment.CUDA_DEVICE_MINOR_VERSION_KEY))
                            .intValue();
            int capability = 10 * major + minor;
            if (capability < OLDEST || capability > NEWEST) {
                return Optional.of(
                        "the GPU "
                                + properties.get(Nd4jEnvironment.CUDA_DEVICE_NAME_KEY)
                                + " has compute capability "
                                + major
                                + "."
                                + minor
                                + "; ND4J's published CUDA backend runs on 3.7 to 8.6 (Kepler to Ampere) only."
                                + " Build without -Pcuda to train on the CPU, or hide the GPU with CUDA_VISIBLE_DEVICES");
            }
        }
        return Optional.empty();
    }
}
