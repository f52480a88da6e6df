package io.github.dl4jjepa.models.layer;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.dl4jjepa.core.decoder.Decoder;
import io.github.dl4jjepa.core.layer.ExecutorVertex;
import io.github.dl4jjepa.models.decoder.Adapter;
import io.github.dl4jjepa.models.decoder.DecoderConfig;
import io.github.dl4jjepa.models.decoder.TensorNames;
import io.github.dl4jjepa.models.decoder.TransformerDecoder;
import io.github.dl4jjepa.models.huggingface.CheckpointFolder;
import io.github.dl4jjepa.models.huggingface.DecoderLoader;
import io.github.dl4jjepa.models.internal.family.ConfigJson;
import io.github.dl4jjepa.models.internal.family.DecoderFamily;
import io.github.dl4jjepa.models.lora.Lora;
import io.github.dl4jjepa.models.lora.LoraOptions;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.samediff.SDVertexParams;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * An imported decoder as the body of a {@code ComputationGraph}: token ids in, the last layer's
 * hidden states {@code [rows, hidden, time]} out.
 *
 * <pre>{@code
 * DecoderVertex decoder = DecoderVertex.load(CheckpointFolder.open(path), vocabulary);
 * new NeuralNetConfiguration.Builder().updater(new Adam(2e-5)).graphBuilder()
 *         .addInputs("ids", "positions", "segments", "prefixes")
 *         .addVertex("decoder", decoder, "ids", "positions", "segments", "prefixes")
 *         .addLayer("loss",
 *                 new JepaLossLayer.Builder().nIn(decoder.hiddenSize()).nOut(vocabulary)
 *                         .hasBias(false).build(), "decoder")
 *         .setOutputs("loss")
 *         .build();
 * }</pre>
 *
 * <p>The four inputs, {@code [rows, time]} each, are the features of a {@link
 * io.github.dl4jjepa.core.iterator.JepaMultiViewIterator} with {@link
 * io.github.dl4jjepa.core.iterator.MultiDataSetForm#PACKED}, in any layout. The parameters have
 * their names in the checkpoint, with {@code -} in place of {@code _}; the head is the output
 * layer's: {@link #headOf} is what its W begins as. Deeplearning4j's parameters belong to one
 * layer, so that a head that the checkpoint ties to the embedding is trained apart from it here.
 *
 * <p>The checkpoint's weights are those of a new network's first {@code init()}; a network that is
 * made of this configuration's JSON begins with random ones, until its own are loaded.
 *
 * <p>With {@link LoraOptions}, or a checkpoint that is an adapter, the weights are frozen and only
 * the adapter is trained. The network is then saved without the base, which is read again from
 * where it was when the network is loaded; {@link #withBaseSaved} saves it with the network.
 */
public final class DecoderVertex extends ExecutorVertex {
    private static final long serialVersionUID = 1L;
    private static final List<String> INPUTS =
            List.of("input_ids", "position_ids", "segment_ids", "prefix_ids");
    private static final long RANDOM_SEED = 42;

    private String configJson;
    private int vocabularySize;
    private @Nullable String adapterJson;
    private @Nullable String baseName;
    private boolean baseSaved;
    private transient TransformerDecoder source;

    /** For Jackson. */
    @SuppressWarnings("NullAway.Init") // by Jackson
    DecoderVertex() {}

    /**
     * Reads a checkpoint.
     *
     * @param folder the checkpoint
     * @param vocabularySize the least number of token ids, [PRED] tokens included; the embedding of
     *     those that the checkpoint does not have is the mean of all others
     * @throws io.github.dl4jjepa.core.JepaException if the checkpoint cannot be used
     */
    public static DecoderVertex load(CheckpointFolder folder, int vocabularySize) {
        int stored = DecoderLoader.config(folder).vocabularySize();
        TransformerDecoder decoder = DecoderLoader.load(folder, vocabularySize);
        decoder.initializeTokens(
                IntStream.range(stored, decoder.vocabularySize()).boxed().toList());
        return of(folder, decoder);
    }

    /**
     * Reads a checkpoint and adds an adapter, which alone is trained, with the embedding's rows of
     * new tokens.
     *
     * @param folder the checkpoint
     * @param vocabularySize the least number of token ids, [PRED] tokens included; the embedding of
     *     those that the checkpoint does not have begins as the mean of all others
     * @param options which linear maps are adapted; without dropout, which a vertex does not have
     * @param seed the same seed gives the same adapter
     * @throws io.github.dl4jjepa.core.JepaException if the checkpoint cannot be used, or the
     *     options do not fit it
     */
    public static DecoderVertex load(
            CheckpointFolder folder, int vocabularySize, LoraOptions options, long seed) {
        if (folder.adapter().isPresent()) {
            throw new IllegalArgumentException(
                    folder.openedPath() + " is an adapter, which is trained as it is");
        }
        if (options.dropout() > 0) {
            throw new IllegalArgumentException(
                    "dropout is "
                            + options.dropout()
                            + ", but a DecoderVertex has none; train with FineTuning or JepaTrainer,"
                            + " or set it to 0");
        }
        int stored = DecoderLoader.config(folder).vocabularySize();
        TransformerDecoder decoder = DecoderLoader.load(folder, vocabularySize);
        List<Integer> fresh = IntStream.range(stored, decoder.vocabularySize()).boxed().toList();
        return of(folder, Lora.attach(decoder, options, fresh, seed));
    }

    private static DecoderVertex of(CheckpointFolder folder, TransformerDecoder decoder) {
        DecoderVertex vertex = new DecoderVertex();
        vertex.configJson = folder.config().toString();
        vertex.vocabularySize = decoder.vocabularySize();
        vertex.source = decoder;
        if (!decoder.adapter().isEmpty()) {
            vertex.baseName = folder.baseName();
            vertex.adapterJson = AdapterSettings.of(decoder).toJson();
        }
        return vertex;
    }

    /**
     * The same vertex, whose base is saved with the network: as frozen parameters, which take twice
     * the memory of the base alone.
     *
     * @throws IllegalStateException if the vertex has no adapter: all its weights are saved
     */
    public DecoderVertex withBaseSaved() {
        if (adapterJson == null) {
            throw new IllegalStateException("the vertex has no adapter; all its weights are saved");
        }
        DecoderVertex copy = clone();
        copy.baseSaved = true;
        return copy;
    }

    /** The checkpoint's head as an output layer's W, {@code [hidden, vocabulary]}. */
    public INDArray headOf() {
        Map<String, INDArray> parameters = source().parameters().arrays();
        TensorNames names = source().config().names();
        return Objects.requireNonNull(
                        parameters.getOrDefault(
                                names.headWeight(), parameters.get(names.embedding())))
                .transpose()
                .dup('c');
    }

    /** Size of a hidden state. */
    public int hiddenSize() {
        return config().hiddenSize();
    }

    /** How many token ids there are. */
    public int vocabularySize() {
        return vocabularySize;
    }

    private TransformerDecoder source() {
        if (source == null) {
            source = read();
        }
        return source;
    }

    private TransformerDecoder read() {
        if (adapterJson == null) {
            return TransformerDecoder.random(config(), RANDOM_SEED);
        }
        TransformerDecoder base =
                baseSaved
                        ? TransformerDecoder.random(config(), RANDOM_SEED)
                        : DecoderLoader.load(
                                CheckpointFolder.of(Objects.requireNonNull(baseName)),
                                vocabularySize);
        return AdapterSettings.of(adapterJson).addTo(base);
    }

    /** The decoder without its head, which is the output layer's. */
    private TransformerDecoder body() {
        DecoderConfig body = config().withoutHead();
        Map<String, INDArray> arrays = source().parameters().arrays();
        Map<String, INDArray> base = new LinkedHashMap<>(arrays);
        base.keySet().retainAll(body.parameterShapes().keySet());
        TransformerDecoder decoder = new TransformerDecoder(body, base);
        if (adapterJson == null) {
            return decoder;
        }
        AdapterSettings settings = AdapterSettings.of(adapterJson);
        Map<String, INDArray> added = new LinkedHashMap<>();
        settings.shapes(body).keySet().forEach(name -> added.put(name, arrays.get(name)));
        return decoder.withAdapter(settings.adapter(), added);
    }

    private DecoderConfig config() {
        try {
            ConfigJson json =
                    new ConfigJson(
                            (ObjectNode) new ObjectMapper().readTree(configJson), "config.json");
            return DecoderFamily.of(json).configuration(json).withVocabularySize(vocabularySize);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("the decoder's configuration is damaged", e);
        }
    }

    @Override
    protected SDVariable define(
            SameDiff graph, Map<String, SDVariable> inputs, Map<String, SDVariable> parameters) {
        Map<String, INDArray> own = new LinkedHashMap<>();
        parameters.forEach((name, variable) -> own.put(name, variable.getArr()));
        DataType type = own.values().iterator().next().dataType();
        TransformerDecoder body = body();
        Map<String, INDArray> arrays = new LinkedHashMap<>();
        body.parameters()
                .arrays()
                .forEach(
                        (name, array) ->
                                arrays.put(
                                        name,
                                        own.containsKey(name)
                                                ? own.get(name)
                                                : array.castTo(type)));
        SDVariable[] ids =
                INPUTS.stream()
                        .map(
                                name ->
                                        Objects.requireNonNull(inputs.get(name))
                                                .castTo(DataType.INT32))
                        .toArray(SDVariable[]::new);
        SDVariable hidden =
                body.withParameters(arrays)
                        .hiddenStates(
                                graph, new Decoder.TokenInputs(ids[0], ids[1], ids[2], ids[3]));
        SDVariable shape =
                graph.stack(
                        0,
                        graph.sizeAt(ids[0], 0),
                        graph.sizeAt(ids[0], 1),
                        graph.constant((long) body.hiddenSize()));
        return hidden.reshape(shape).permute(0, 2, 1);
    }

    @Override
    protected String variableName(String parameter) {
        return parameter.replace('-', '_');
    }

    @Override
    protected boolean isFrozen(String parameter) {
        return adapterJson != null && !variableName(parameter).startsWith(Adapter.PREFIX);
    }

    private static String parameterName(String variable) {
        return variable.replace('_', '-');
    }

    @Override
    protected List<String> differentiableInputs() {
        return List.of();
    }

    @Override
    public void defineParametersAndInputs(SDVertexParams params) {
        params.defineInputs(INPUTS.toArray(String[]::new));
        shapes().forEach(
                        (name, shape) -> {
                            if (shape.length > 1) {
                                params.addWeightParam(parameterName(name), shape);
                            } else {
                                params.addBiasParam(parameterName(name), shape);
                            }
                        });
    }

    /** The shapes of the parameters that the network has, by the names of their variables. */
    private Map<String, long[]> shapes() {
        DecoderConfig body = config().withoutHead();
        Map<String, long[]> shapes = new LinkedHashMap<>();
        if (adapterJson == null || baseSaved) {
            shapes.putAll(body.parameterShapes());
        }
        if (adapterJson != null) {
            shapes.putAll(AdapterSettings.of(adapterJson).shapes(body));
        }
        return shapes;
    }

    @Override
    public void initializeParameters(Map<String, INDArray> params) {
        params.forEach(
                (name, array) -> array.assign(source().parameters().array(variableName(name))));
    }

    @Override
    public InputType getOutputType(int layerIndex, InputType... inputs) {
        return InputType.recurrent(hiddenSize());
    }

    @Override
    public DecoderVertex clone() {
        DecoderVertex copy = new DecoderVertex();
        copy.configJson = configJson;
        copy.vocabularySize = vocabularySize;
        copy.adapterJson = adapterJson;
        copy.baseName = baseName;
        copy.baseSaved = baseSaved;
        copy.source = source;
        return copyTo(copy);
    }

    public String getConfigJson() {
        return configJson;
    }

    public void setConfigJson(String configJson) {
        this.configJson = configJson;
    }

    public @Nullable String getAdapterJson() {
        return adapterJson;
    }

    public void setAdapterJson(@Nullable String adapterJson) {
        this.adapterJson = adapterJson;
    }

    public @Nullable String getBaseName() {
        return baseName;
    }

    public void setBaseName(@Nullable String baseName) {
        this.baseName = baseName;
    }

    public boolean isBaseSaved() {
        return baseSaved;
    }

    public void setBaseSaved(boolean baseSaved) {
        this.baseSaved = baseSaved;
    }

    public int getVocabularySize() {
        return vocabularySize;
    }

    public void setVocabularySize(int vocabularySize) {
        this.vocabularySize = vocabularySize;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof DecoderVertex that
                && vocabularySize == that.vocabularySize
                && baseSaved == that.baseSaved
                && Objects.equals(configJson, that.configJson)
                && Objects.equals(adapterJson, that.adapterJson)
                && Objects.equals(baseName, that.baseName);
    }

    @Override
    public int hashCode() {
        return Objects.hash(configJson, vocabularySize, adapterJson, baseName, baseSaved);
    }

    @Override
    public String toString() {
        return "DecoderVertex(hiddenSize="
                + hiddenSize()
                + ", vocabularySize="
                + vocabularySize
                + ")";
    }
}
