package io.github.dl4jjepa.core.objective;

import io.github.dl4jjepa.core.decoder.Decoder;
import java.util.LinkedHashMap;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A copy of a decoder whose weights are the exponential moving average of the decoder's. */
final class AveragedDecoder implements AutoCloseable {
    private static final String SUFFIX = ".ema";

    private final Map<String, INDArray> source;
    private final Map<String, INDArray> averages = new LinkedHashMap<>();
    private final Decoder decoder;
    private final double decay;

    AveragedDecoder(Decoder source, double decay) {
        this.source = source.parameters();
        this.decay = decay;
        this.source.forEach((name, array) -> averages.put(name, array.dup()));
        decoder = source.withParameters(averages);
    }

    Decoder decoder() {
        return decoder;
    }

    /** The averages, each under {@code <parameter>.ema}. */
    Map<String, INDArray> state() {
        Map<String, INDArray> state = new LinkedHashMap<>();
        averages.forEach((name, array) -> state.put(name + SUFFIX, array));
        return state;
    }

    /** {@code average = decay * average + (1 - decay) * weight}, in place. */
    void update() {
        averages.forEach(
                (name, average) -> {
                    try (INDArray difference = source.get(name).sub(average)) {
                        average.addi(difference.muli(1 - decay));
                    }
                });
    }

    @Override
    public void close() {
        averages.values().forEach(INDArray::close);
    }
}
