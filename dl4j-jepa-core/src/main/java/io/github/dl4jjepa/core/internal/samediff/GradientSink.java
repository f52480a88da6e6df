package io.github.dl4jjepa.core.internal.samediff;

import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Takes gradients, by their parameters' names, and may say where they are to be written. */
public interface GradientSink extends BiConsumer<String, INDArray> {
    /**
     * The array that a parameter's gradient is to be written into; it is then handed to {@link
     * #accept} as well, complete. Asked for before the gradient is computed.
     *
     * @return dense, in C order, of the parameter's shape and type; null where the gradient must
     *     not be written but added to others
     */
    @Nullable INDArray destination(String parameter);
}
