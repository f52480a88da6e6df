package io.github.dl4jjepa.models.decoder;

import io.github.dl4jjepa.core.decoder.Decoder;
import io.github.dl4jjepa.core.parameters.Parameter;
import io.github.dl4jjepa.core.parameters.ParameterSet;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.rng.Random;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A transformer decoder: its configuration and its parameters.
 *
 * <p>Parameters are shared with every graph drawn from it, so that only one thread at a time may
 * train or run it.
 */
public final class TransformerDecoder implements Decoder {
    private final DecoderConfig config;
    private final ParameterSet parameters;
    private final Adapter adapter;

    /** Whether dropout is drawn. */
    private final boolean training;

    /**
     * A decoder all of whose parameters are trainable.
     *
     * @param config what the decoder is made of
     * @param parameters every parameter the configuration calls for, all FLOAT or all DOUBLE
     */
    public TransformerDecoder(DecoderConfig config, Map<String, INDArray> parameters) {
        this(config, parameters(config, parameters), Adapter.NONE, false);
    }

    private TransformerDecoder(
            DecoderConfig config, ParameterSet parameters, Adapter adapter, boolean training) {
        this.config = config;
        this.parameters = parameters;
        this.adapter = adapter;
        this.training = training;
    }

    private static ParameterSet parameters(DecoderConfig config, Map<String, INDArray> arrays) {
        List<Parameter> parameters = new ArrayList<>();
        config.parameters()
                .forEach(
                        (name, parameter) -> {
                            INDArray array = arrays.get(name);
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
                            parameters.add(
                                    new Parameter(
                                            name,
                                            array,
                                            true,
                                            parameter.kind() == DecoderConfig.Kind.MATRIX,
                                            group(config.names(), name)));
                        });
        return new ParameterSet(parameters);
    }

    private static Parameter.Group group(TensorNames names, String parameter) {
        if (parameter.equals(names.embedding()) || parameter.equals(names.positions())) {
            return Parameter.Group.EMBEDDING;
        }
        return parameter.startsWith(names.head() + ".")
                ? Parameter.Group.HEAD
                : Parameter.Group.LAYER;
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
    public void initializeTokens(Collection<Integer> ids) {
        for (String name : List.of(config.names().embedding(), config.names().headWeight())) {
            if (!parameters.contains(name) || ids.isEmpty()) {
                continue;
            }
            INDArray matrix = parameters.array(name);
            ids.forEach(id -> matrix.getRow(id).assign(0));
            INDArray mean = matrix.sum(0).divi(matrix.size(0) - ids.size());
            ids.forEach(id -> matrix.getRow(id).assign(mean));
        }
    }

    /**
     * The same model, sharing its arrays, with an adapter: all weights are frozen, and what the
     * adapter adds is trained.
     *
     * @param adapter what is added
     * @param arrays the adapter's arrays by the names that {@link Adapter} gives them
     * @throws IllegalArgumentException if the decoder has an adapter, or an array is missing, left
     *     over or of the wrong shape
     */
    public TransformerDecoder withAdapter(Adapter adapter, Map<String, INDArray> arrays) {
        if (!this.adapter.isEmpty()) {
            throw new IllegalArgumentException("the decoder has an adapter");
        }
        ParameterSet added = AdapterParameters.of(config, adapter, arrays);
        return new TransformerDecoder(
                config, parameters.freeze(parameter -> true).plus(added), adapter, false);
    }

    /** What is added to the weights; empty for a decoder without an adapter. */
    public Adapter adapter() {
        return adapter;
    }

    /** The same model, sharing its arrays, without its adapter; all weights are trainable. */
    public TransformerDecoder withoutAdapter() {
        Map<String, INDArray> arrays = new LinkedHashMap<>(parameters.arrays());
        arrays.keySet().retainAll(config.parameterShapes().keySet());
        return new TransformerDecoder(config, arrays);
    }

    @Override
    public TransformerDecoder forTraining() {
        return new TransformerDecoder(config, parameters, adapter, true);
    }

    @Override
    public Map<String, INDArray> dropoutMasks(long tokens, java.util.@Nullable Random random) {
        return training && adapter.dropout() > 0
                ? AdapterGraph.masks(adapter, inputWidths(), dataType(), tokens, random)
                : Map.of();
    }

    /** The width of the input of each adapted map. */
    private Map<String, Long> inputWidths() {
        Map<String, Long> widths = new LinkedHashMap<>();
        Map<String, long[]> maps = config.linearMaps();
        adapter.scalings()
                .keySet()
                .forEach(map -> widths.put(map, Objects.requireNonNull(maps.get(map))[1]));
        return widths;
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
    public ParameterSet parameters() {
        return parameters;
    }

    /** The number of values in all parameters. */
    public long parameterCount() {
        return parameters.length();
    }

    @Override
    public SDVariable hiddenStates(SameDiff graph, Decoder.TokenInputs tokens) {
        return blocks(graph).draw(tokens, null).hiddenStates();
    }

    /**
     * The same model, sharing its arrays, with some parameters frozen.
     *
     * @param condition which parameters to freeze
     */
    public TransformerDecoder freeze(Predicate<Parameter> condition) {
        return new TransformerDecoder(config, parameters.freeze(condition), adapter, training);
    }

    @Override
    public TransformerDecoder withParameters(Map<String, INDArray> arrays) {
        return new TransformerDecoder(config, parameters.with(arrays), adapter, training);
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
        Map<String, long[]> maps = config.linearMaps();
        double added = 0;
        for (String map : adapter.scalings().keySet()) {
            long rank = parameters.array(Adapter.down(map)).size(0);
            long[] widths = Objects.requireNonNull(maps.get(map));
            added += 2.0 * rank * (widths[0] + widths[1]);
        }
        return config.forwardFlops(positions, labels) + added * positions.length;
    }

    /** The blocks, to draw into a graph that shares this decoder's parameters. */
    DecoderGraph blocks(SameDiff graph) {
        Function<String, SDVariable> parameter = name -> parameters.get(name).drawIn(graph);
        return new DecoderGraph(
                config,
                graph,
                dataType(),
                parameter,
                new AdapterGraph(adapter, inputWidths(), graph, dataType(), parameter, training));
    }

    /** FLOAT or DOUBLE. */
    DataType dataType() {
        return parameters.dataType();
    }
}
