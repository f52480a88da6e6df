package io.github.dl4jjepa.core.layer;

import io.github.dl4jjepa.core.objective.DistanceKind;
import io.github.dl4jjepa.core.objective.InfoNce;
import io.github.dl4jjepa.core.objective.JepaObjective;
import io.github.dl4jjepa.core.objective.TargetMode;
import io.github.dl4jjepa.core.samediff.Ops;
import java.util.Collection;
import java.util.Map;
import java.util.Objects;
import org.deeplearning4j.exception.DL4JInvalidConfigException;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.InputPreProcessor;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.inputs.InputType.InputTypeRecurrent;
import org.deeplearning4j.nn.conf.layers.samediff.AbstractSameDiffLayer;
import org.deeplearning4j.nn.conf.layers.samediff.SDLayerParams;
import org.deeplearning4j.nn.conf.layers.samediff.SameDiffOutputLayer;
import org.deeplearning4j.nn.weights.WeightInit;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * An output layer that predicts the next token and, beside it, in embedding space the second view
 * from the first: {@code gamma * L_LM + lambda * d(Pred(Enc(Text)), Enc(Code))} (LLM-JEPA, arXiv
 * 2509.14252, equation 2), over the hidden states of any body that reads from left to right.
 *
 * <pre>{@code
 * new NeuralNetConfiguration.Builder()
 *         .updater(new Adam(1e-3))
 *         .list()
 *         .layer(new EmbeddingSequenceLayer.Builder().nIn(vocabulary).nOut(64).build())
 *         .layer(new LSTM.Builder().nOut(128).build())
 *         .layer(new JepaLossLayer.Builder().nOut(vocabulary).lambda(0.5).build())
 *         .setInputType(InputType.recurrent(vocabulary))
 *         .build();
 * }</pre>
 *
 * <p>The input is {@code [rows, nIn, time]} ({@link RNNFormat#NCW}, the default) or {@code [rows,
 * time, nIn]} ({@link RNNFormat#NWC}). The labels are those of a {@link
 * io.github.dl4jjepa.core.iterator.JepaMultiViewIterator} with {@link
 * io.github.dl4jjepa.core.iterator.MultiDataSetForm#SEQUENCE} or {@code PACKED}: {@link
 * io.github.dl4jjepa.core.iterator.PackedLabels}. [PRED] tokens are tokens of the Text's row; how
 * many there are is the layout's matter, not this layer's. {@code output()} gives the probabilities
 * of the next token at each position, in the input's format, and needs no labels.
 *
 * <p>The score is the objective's value, the mean over labels and over pairs, plus regularisation,
 * as of other output layers. Parameters are {@code W [nIn, nOut]} and {@code b [1, nOut]}.
 *
 * <p>Padding stands right of the tokens, so that a body that reads from left to right never sees it
 * before them and needs no mask. A bidirectional body would see the answer it is to predict; this
 * layer is not told what its body is made of: {@link CausalBody#require} looks at the whole
 * configuration.
 */
public final class JepaLossLayer extends SameDiffOutputLayer {
    private static final long serialVersionUID = 1L;

    static final String WEIGHT = "W";
    static final String BIAS = "b";
    static final String INPUT = "input";
    static final String PROBABILITIES = "probabilities";
    static final String LABEL_INDICES = "label_indices";
    static final String LABEL_IDS = "label_ids";
    static final String PREDICTION_INDICES = "prediction_indices";
    static final String TARGET_INDICES = "target_indices";
    static final String ANSWER_IDS = "answer_ids";
    static final String LM_WEIGHT = "lm_weight";
    static final String JEPA_WEIGHT = "jepa_weight";
    static final String LM_SUM = "lm_sum";
    static final String JEPA_SUM = "jepa_sum";

    private long nIn;
    private long nOut;
    private double gamma = 1;
    private double lambda = 1;
    private DistanceKind distance = DistanceKind.COSINE;
    private double temperature = InfoNce.DEFAULT_TEMPERATURE;
    private TargetMode target = TargetMode.GRADIENT;
    private WeightInit weightInit = WeightInit.XAVIER;
    private boolean hasBias = true;
    private RNNFormat dataFormat;

    private JepaLossLayer(Builder builder) {
        layerName = builder.getLayerName();
        regularization = builder.getRegularization();
        regularizationBias = builder.getRegularizationBias();
        updater = builder.getUpdater();
        biasUpdater = builder.getBiasUpdater();
        nIn = builder.nIn;
        nOut = builder.nOut;
        gamma = builder.gamma;
        lambda = builder.lambda;
        distance = builder.distance;
        temperature = builder.temperature;
        target = builder.target;
        weightInit = builder.weightInit;
        hasBias = builder.hasBias;
        dataFormat = builder.dataFormat;
        initializeConstraints(builder);
    }

    /** For Jackson. */
    JepaLossLayer() {}

    /** The objective that the configuration describes. */
    JepaObjective objective() {
        return JepaObjective.builder()
                .optGamma(gamma)
                .optLambda(lambda)
                .optDistance(distance.of(temperature))
                .optTarget(target)
                .build();
    }

    /** Whether the body's output is {@code [rows, time, nIn]}. */
    boolean isTimeMajor() {
        return dataFormat == RNNFormat.NWC;
    }

    /**
     * Draws the loss, times the number of rows; the labels' arrays are placeholders of their own.
     *
     * @param labels not used: our layer unpacks them before the graph runs
     */
    @Override
    public SDVariable defineLayer(
            SameDiff graph,
            SDVariable input,
            SDVariable labels,
            Map<String, SDVariable> parameters) {
        SDVariable rowMajor = isTimeMajor() ? input : input.permute(0, 2, 1);
        SDVariable hidden = rowMajor.reshape(-1, nIn);
        probabilities(graph, input, hidden, parameters);

        SDVariable labelIndices = graph.placeHolder(LABEL_INDICES, DataType.INT32, -1);
        SDVariable labelIds = graph.placeHolder(LABEL_IDS, DataType.INT32, -1);
        SDVariable lmSum =
                Ops.crossEntropySum(
                                logits(Ops.gather(hidden, labelIndices), parameters),
                                labelIds,
                                Math.toIntExact(nOut))
                        .rename(LM_SUM);
        SDVariable loss = weighted(graph, lmSum, LM_WEIGHT);
        if (lambda > 0) {
            SDVariable jepaSum =
                    objective()
                            .jepaSum(
                                    hidden,
                                    graph.placeHolder(PREDICTION_INDICES, DataType.INT32, -1, -1),
                                    graph.placeHolder(TARGET_INDICES, DataType.INT32, -1, -1),
                                    graph.placeHolder(ANSWER_IDS, DataType.INT32, -1))
                            .rename(JEPA_SUM);
            loss = loss.add(weighted(graph, jepaSum, JEPA_WEIGHT));
        }
        return loss;
    }

    private SDVariable logits(SDVariable hidden, Map<String, SDVariable> parameters) {
        SDVariable logits = hidden.mmul(parameters.get(WEIGHT));
        return hasBias ? Ops.addBias(logits, parameters.get(BIAS).reshape(nOut)) : logits;
    }

    private void probabilities(
            SameDiff graph,
            SDVariable input,
            SDVariable hidden,
            Map<String, SDVariable> parameters) {
        SDVariable shape =
                graph.stack(
                        0,
                        graph.sizeAt(input, 0),
                        graph.sizeAt(input, isTimeMajor() ? 1 : 2),
                        graph.constant(nOut));
        SDVariable probabilities = graph.nn().softmax(logits(hidden, parameters), 1).reshape(shape);
        (isTimeMajor() ? graph.identity(probabilities) : probabilities.permute(0, 2, 1))
                .rename(PROBABILITIES);
    }

    private static SDVariable weighted(SameDiff graph, SDVariable sum, String weight) {
        return Ops.multiplyConstant(sum, graph.placeHolder(weight, sum.dataType()));
    }

    @Override
    public String activationsVertexName() {
        return PROBABILITIES;
    }

    @Override
    public void defineParameters(SDLayerParams params) {
        params.addWeightParam(WEIGHT, nIn, nOut);
        if (hasBias) {
            params.addBiasParam(BIAS, 1, nOut);
        }
    }

    @Override
    public void initializeParameters(Map<String, INDArray> params) {
        initWeights(Math.toIntExact(nIn), Math.toIntExact(nOut), weightInit, params.get(WEIGHT));
        if (hasBias) {
            params.get(BIAS).assign(0);
        }
    }

    /**
     * Takes nIn and, where it was not given, the format from the body's output.
     *
     * @throws DL4JInvalidConfigException if that is not recurrent, or of another size than nIn
     */
    @Override
    public void setNIn(InputType inputType, boolean override) {
        InputTypeRecurrent recurrent = recurrent(inputType);
        if (nIn > 0 && nIn != recurrent.getSize()) {
            throw new DL4JInvalidConfigException(
                    name() + ": nIn is " + nIn + ", the body's output has " + recurrent.getSize());
        }
        nIn = recurrent.getSize();
        setLayerParams(null); // of another nIn
        if (dataFormat == null) {
            dataFormat = recurrent.getFormat();
        }
    }

    @Override
    public InputType getOutputType(int layerIndex, InputType inputType) {
        return InputType.recurrent(
                nOut,
                recurrent(inputType).getTimeSeriesLength(),
                dataFormat == null ? RNNFormat.NCW : dataFormat);
    }

    private InputTypeRecurrent recurrent(InputType inputType) {
        if (inputType instanceof InputTypeRecurrent recurrent) {
            return recurrent;
        }
        throw new DL4JInvalidConfigException(
                name()
                        + " reads a hidden state for each token, [rows, features, time]; the body's"
                        + " output is "
                        + inputType
                        + ": end the body in a recurrent or 1-D convolutional layer that returns"
                        + " sequences");
    }

    private String name() {
        return getLayerName() == null ? "JepaLossLayer" : "JepaLossLayer \"" + layerName + "\"";
    }

    @Override
    public InputPreProcessor getPreProcessorForInputType(InputType inputType) {
        recurrent(inputType);
        return null;
    }

    @Override
    public Layer instantiate(
            NeuralNetConfiguration conf,
            Collection<TrainingListener> trainingListeners,
            int layerIndex,
            INDArray layerParamsView,
            boolean initializeParams,
            DataType networkDataType) {
        if (nIn < 1) {
            throw new DL4JInvalidConfigException(
                    name() + ": nIn is not set; give nIn, or the network setInputType");
        }
        JepaOutputLayer layer = new JepaOutputLayer(conf, networkDataType);
        layer.setIndex(layerIndex);
        layer.setParamsViewArray(layerParamsView);
        layer.setParamTable(initializer().init(conf, layerParamsView, initializeParams));
        layer.setListeners(trainingListeners);
        return layer;
    }

    public long getNIn() {
        return nIn;
    }

    public void setNIn(long nIn) {
        this.nIn = nIn;
    }

    public long getNOut() {
        return nOut;
    }

    public void setNOut(long nOut) {
        this.nOut = nOut;
    }

    public double getGamma() {
        return gamma;
    }

    public void setGamma(double gamma) {
        this.gamma = gamma;
    }

    public double getLambda() {
        return lambda;
    }

    public void setLambda(double lambda) {
        this.lambda = lambda;
    }

    public DistanceKind getDistance() {
        return distance;
    }

    public void setDistance(DistanceKind distance) {
        this.distance = distance;
    }

    public double getTemperature() {
        return temperature;
    }

    public void setTemperature(double temperature) {
        this.temperature = temperature;
    }

    public TargetMode getTarget() {
        return target;
    }

    public void setTarget(TargetMode target) {
        this.target = target;
    }

    public WeightInit getWeightInit() {
        return weightInit;
    }

    public void setWeightInit(WeightInit weightInit) {
        this.weightInit = weightInit;
    }

    public boolean isHasBias() {
        return hasBias;
    }

    public void setHasBias(boolean hasBias) {
        this.hasBias = hasBias;
    }

    public RNNFormat getDataFormat() {
        return dataFormat;
    }

    public void setDataFormat(RNNFormat dataFormat) {
        this.dataFormat = dataFormat;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof JepaLossLayer that
                && sameLayerParams(that)
                && super.equals(that)
                && nIn == that.nIn
                && nOut == that.nOut
                && gamma == that.gamma
                && lambda == that.lambda
                && distance == that.distance
                && temperature == that.temperature
                && target == that.target
                && weightInit == that.weightInit
                && hasBias == that.hasBias
                && dataFormat == that.dataFormat;
    }

    /** They follow from the rest, and are there from their first use on. */
    private boolean sameLayerParams(JepaLossLayer that) {
        return getLayerParams().equals(that.getLayerParams());
    }

    @Override
    public boolean canEqual(Object other) {
        return other instanceof JepaLossLayer;
    }

    @Override
    public int hashCode() {
        return Objects.hash(
                super.hashCode(), nIn, nOut, gamma, lambda, distance, temperature, target);
    }

    /** Configures a {@link JepaLossLayer}. */
    @SuppressWarnings("unchecked") // the supertype's build() returns any layer
    public static final class Builder extends AbstractSameDiffLayer.Builder<Builder> {
        private long nIn;
        private long nOut;
        private double gamma = 1;
        private double lambda = 1;
        private DistanceKind distance = DistanceKind.COSINE;
        private double temperature = InfoNce.DEFAULT_TEMPERATURE;
        private TargetMode target = TargetMode.GRADIENT;
        private WeightInit weightInit = WeightInit.XAVIER;
        private boolean hasBias = true;
        private RNNFormat dataFormat;

        /** Size of a hidden state; default: what {@code setInputType} says of the body's output. */
        public Builder nIn(long nIn) {
            this.nIn = nIn;
            return this;
        }

        /** Size of the vocabulary, [PRED] tokens included. Required. */
        public Builder nOut(long nOut) {
            this.nOut = nOut;
            return this;
        }

        /** Weight of the language-model loss, 0 or more; default 1. */
        public Builder gamma(double gamma) {
            this.gamma = gamma;
            return this;
        }

        /** Weight of the JEPA term, 0 or more; default 1. With 0 there is none. */
        public Builder lambda(double lambda) {
            this.lambda = lambda;
            return this;
        }

        /** The d of the JEPA term; default {@link DistanceKind#COSINE}. */
        public Builder distance(DistanceKind distance) {
            this.distance = Objects.requireNonNull(distance, "distance");
            return this;
        }

        /** Temperature of distances that have one; default 0.07. */
        public Builder temperature(double temperature) {
            this.temperature = temperature;
            return this;
        }

        /**
         * Whether the target is trained through; default {@link TargetMode#GRADIENT}. An averaged
         * copy of the body is beyond an output layer.
         */
        public Builder target(TargetMode target) {
            this.target = Objects.requireNonNull(target, "target");
            return this;
        }

        /** How W is initialised; default {@link WeightInit#XAVIER}. */
        public Builder weightInit(WeightInit weightInit) {
            this.weightInit = Objects.requireNonNull(weightInit, "weightInit");
            return this;
        }

        /** Whether there is a bias; default true. */
        public Builder hasBias(boolean hasBias) {
            this.hasBias = hasBias;
            return this;
        }

        /** Format of the body's output; default: the body's, NCW where that is not known. */
        public Builder dataFormat(RNNFormat dataFormat) {
            this.dataFormat = dataFormat;
            return this;
        }

        /**
         * The layer.
         *
         * @throws DL4JInvalidConfigException if a setting is missing or out of its range
         */
        @Override
        public JepaLossLayer build() {
            require(nOut > 0, "nOut must be the size of the vocabulary, not " + nOut);
            require(nIn >= 0, "nIn must be 1 or more, not " + nIn);
            require(
                    target != TargetMode.EMA,
                    "an averaged copy of the body is beyond an output layer; use JepaTrainer");
            require(
                    distance != DistanceKind.SEMANTIC_TUBE,
                    "the semantic tube draws tokens at random each step; use JepaTrainer");
            JepaLossLayer layer = new JepaLossLayer(this);
            try {
                layer.objective();
            } catch (IllegalArgumentException e) {
                throw new DL4JInvalidConfigException("JepaLossLayer: " + e.getMessage());
            }
            return layer;
        }

        private static void require(boolean condition, String message) {
            if (!condition) {
                throw new DL4JInvalidConfigException("JepaLossLayer: " + message);
            }
        }
    }
}
