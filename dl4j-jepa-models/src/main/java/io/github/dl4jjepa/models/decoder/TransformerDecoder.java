package io.github.dl4jjepa.models.decoder;

import io.github.dl4jjepa.core.decoder.Decoder;
import io.github.dl4jjepa.core.decoder.TokenInputs;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.rng.Random;
import org.nd4j.linalg.factory.Nd4j;

/** A transformer decoder: its configuration and its parameters. */
public final class TransformerDecoder implements Decoder {
    private final DecoderConfig config;
    private final Map<String, INDArray> parameters;

    /**
     * @param config what the decoder is made of
     * @param parameters every parameter the configuration calls for, all FLOAT or all DOUBLE
     */
    public TransformerDecoder(DecoderConfig config, Map<String, INDArray> parameters) {
        this.config = config;
        Map<String, INDArray> ordered = new LinkedHashMap<>();
        config.parameters()
                .forEach(
                        (name, parameter) -> {
                            INDArray array = parameters.get(name);
                            if (array == null || !Arrays.equals(array.shape(), parameter.shape())) {
                                throw new IllegalArgumentException(
                                        name
                                                + " must be an array of shape "
                                                + Arrays.toString(parameter.shape())
                                                + ", not "
                                                + (array == null
                                                        ? "missing"
                                                        : array.shapeInfoToString()));
                            }
                            ordered.put(name, array);
                        });
        this.parameters = Collections.unmodifiableMap(ordered);
    }

    /**
     * A decoder that has learnt nothing: matrices normally distributed with {@link
     * DecoderConfig#initializerRange()}, gains 1, biases 0.
     *
     * @param config what the decoder is made of
     * @param seed the same seed gives the same parameters
     */
    public static TransformerDecoder random(DecoderConfig config, long seed) {
        Random random = Nd4j.getRandomFactory().getNewRandomInstance(seed);
        Map<String, INDArray> parameters = new LinkedHashMap<>();
        config.parameters()
                .forEach(
                        (name, parameter) ->
                                parameters.put(
                                        name,
                                        switch (parameter.kind()) {
                                            case MATRIX ->
                                                    Nd4j.randn(
                                                                    0,
                                                                    config.initializerRange(),
                                                                    parameter.shape(),
                                                                    random)
                                                            .castTo(DataType.FLOAT);
                                            case GAIN ->
                                                    Nd4j.ones(DataType.FLOAT, parameter.shape());
                                            case BIAS ->
                                                    Nd4j.zeros(DataType.FLOAT, parameter.shape());
                                        }));
        return new TransformerDecoder(config, parameters);
    }

    /**
     * Gives new tokens their first embedding: the mean of all others', in the embedding and in a
     * head of its own.
     *
     * @param ids the new tokens
     */
    public void initialiseTokens(Collection<Integer> ids) {
        for (String name : List.of(config.names().embedding(), config.names().headWeight())) {
            INDArray matrix = parameters.get(name);
            if (matrix == null || ids.isEmpty()) {
                continue;
            }
            ids.forEach(id -> matrix.getRow(id).assign(0));
            INDArray mean = matrix.sum(0).divi(matrix.size(0) - ids.size());
            ids.forEach(id -> matrix.getRow(id).assign(mean));
        }
    }

    /** What the decoder is made of. */
    public DecoderConfig config() {
        return config;
    }

    @Override
    public int hiddenSize() {
        return config.hiddenSize();
    }

    @Override
    public int vocabularySize() {
        return config.vocabularySize();
    }

    @Override
    public Map<String, INDArray> parameters() {
        return parameters;
    }

    /** How many numbers are trained. */
    public long parameterCount() {
        return parameters.values().stream().mapToLong(INDArray::length).sum();
    }

    @Override
    public boolean decays(String parameter) {
        return config.parameters().get(parameter).kind() == DecoderConfig.Kind.MATRIX;
    }

    @Override
    public SDVariable hiddenStates(SameDiff graph, TokenInputs tokens) {
        return blocks(graph).draw(tokens, null).hiddenStates();
    }

    @Override
    public boolean isOfLayers(String parameter) {
        TensorNames names = config.names();
        return !parameter.equals(names.embedding())
                && !parameter.equals(names.positions())
                && !parameter.startsWith(names.head() + ".");
    }

    @Override
    public TransformerDecoder withParameters(Map<String, INDArray> others) {
        return new TransformerDecoder(config, others);
    }

    @Override
    public List<String> layerBoundaries() {
        return IntStream.rangeClosed(0, config.layers()).mapToObj(DecoderGraph::boundary).toList();
    }

    @Override
    public SDVariable logits(SDVariable hiddenStates) {
        return blocks(hiddenStates.getSameDiff()).logits(hiddenStates);
    }

    @Override
    public double forwardFlops(int[] positions, long labels) {
        return config.forwardFlops(positions, labels);
    }

    /** The blocks, to draw into a graph that shares this decoder's parameters. */
    DecoderGraph blocks(SameDiff graph) {
        return new DecoderGraph(
                config,
                graph,
                dataType(),
                name ->
                        graph.hasVariable(name)
                                ? graph.getVariable(name)
                                : graph.var(name, parameters.get(name)));
    }

    /** FLOAT or DOUBLE. */
    DataType dataType() {
        return parameters.get(config.names().embedding()).dataType();
    }
}
