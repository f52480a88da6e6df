package io.github.dl4jjepa.core.objective;

import io.github.dl4jjepa.core.decoder.Decoder;
import io.github.dl4jjepa.core.internal.samediff.Arena;
import io.github.dl4jjepa.core.internal.samediff.GraphExecutor;
import io.github.dl4jjepa.core.internal.samediff.Graphs;
import io.github.dl4jjepa.core.parameters.ParameterSet;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Encodes targets with a copy of the decoder whose trainable weights are the exponential moving
 * average of the decoder's ({@link TargetMode#EMA}); frozen ones are shared. It is drawn when the
 * first targets are read.
 */
final class TargetEncoder implements AutoCloseable {
    private static final String SUFFIX = ".ema";
    private static final String TARGET = "target";

    private final ParameterSet trained;
    private final Map<String, INDArray> averages = new LinkedHashMap<>();
    private final Decoder decoder;
    private final double decay;
    private final Arena arena;
    private @Nullable GraphExecutor executor;

    TargetEncoder(Decoder source, double decay, Arena arena) {
        this.decay = decay;
        this.arena = arena;
        trained = source.parameters().trainable();
        trained.forEach(parameter -> averages.put(parameter.name(), parameter.array().dup()));
        decoder = source.withParameters(averages);
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
                    try (INDArray difference = trained.array(name).sub(average)) {
                        average.addi(difference.muli(1 - decay));
                    }
                });
    }

    /**
     * Reads the targets out of a batch.
     *
     * @param inputs the batch's arrays by the names of {@link BatchInputs}
     * @return {@code [pairs, hidden]}, the caller's
     */
    INDArray read(Map<String, INDArray> inputs) {
        if (executor == null) {
            SameDiff graph = Graphs.createForExecutor();
            SDVariable hidden = decoder.hiddenStates(graph, BatchInputs.tokens(graph));
            Readouts.mean(hidden, BatchInputs.matrix(graph, BatchInputs.TARGET_INDICES))
                    .rename(TARGET);
            executor = new GraphExecutor(graph, List.of(TARGET), arena, List.of());
        }
        List<INDArray> targets = new ArrayList<>();
        executor.run(inputs, (name, value) -> targets.add(value.dup()));
        return targets.get(0);
    }

    @Override
    public void close() {
        if (executor != null) {
            executor.close();
        }
        averages.values().forEach(INDArray::close);
    }
}
