package io.github.dl4jjepa.core.samediff;

import io.github.dl4jjepa.core.JepaException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import org.nd4j.linalg.api.environment.Nd4jEnvironment;
import org.nd4j.linalg.factory.Nd4j;

/** What ND4J runs on. */
public final class Backend {
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
