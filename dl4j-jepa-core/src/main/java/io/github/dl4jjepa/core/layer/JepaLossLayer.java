package io.github.dl4jjepa.core.layer;

import io.github.dl4jjepa.core.objective.DistanceKind;
import io.github.dl4jjepa.core.objective.InfoNce;
import io.github.dl4jjepa.core.objective.JepaObjective;
import io.github.dl4jjepa.core.objective.TargetMode;
import io.github.dl4jjepa.core.ops.Ops;
import java.util.Collection;
import java.util.Map;
import java.util.Objects;
import org.deeplearning4j.exception.DL4JInvalidConfigException;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.ParamInitializer;
import org.deeplearning4j.nn.conf.InputPreProcessor;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.inputs.InputType.InputTypeRecurrent;
import org.deeplearning4j.nn.conf.layers.FeedForwardLayer;
import org.deeplearning4j.nn.conf.memory.LayerMemoryReport;
import org.deeplearning4j.nn.conf.memory.MemoryReport;
import org.deeplearning4j.nn.params.DefaultParamInitializer;
import org.deeplearning4j.nn.weights.WeightInit;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.activations.impl.ActivationSoftmax;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.shade.jackson.annotation.JsonSetter;

/**
 * An output layer that predicts the next token and, in embedding space, the second view from the
 * first: {@code gamma * L_LM + lambda * d(Pred(Enc(Text)), Enc(Code))} (LLM-JEPA, arXiv 2509.14252,
 * equation 2), over the hidden states of any body that reads from left to right.
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
 * <p>The loss is a SameDiff graph. The parameters are those of Deeplearning4j's output layers,
 * {@code W [nIn, nOut]} and {@code b [nOut]} in the same order, so that {@code
 * network.setParams(trained.params())} takes over a network that ended in a {@code RnnOutputLayer}.
 *
 * <p>The input is {@code [rows, nIn, time]} ({@link RNNFormat#NCW}, the default) or {@code [rows,
 * time, nIn]} ({@link RNNFormat#NWC}). The labels are those of a {@link
 * io.github.dl4jjepa.core.iterator.JepaMultiViewIterator} with {@link
 * io.github.dl4jjepa.core.iterator.MultiDataSetForm#SEQUENCE} or {@code PACKED}: {@link
 * io.github.dl4jjepa.core.iterator.PackedLabels}. [PRED] tokens are tokens of the Text's row; the
 * layout says how many there are. {@code output()} gives the probabilities of the next token at
 * each position, in the input's format, and needs no labels.
 *
 * <p>The score is the objective's value on the scale that {@link ScoreReduction} says, plus
 * regularization.
 *
 * <p>Padding stands right of the tokens, so that a body that reads from left to right never sees it
 * before them and needs no mask. Masks that are given count: {@code [rows, time]} of 0 and 1 for
 * labels, features or both. A masked position has no label; a masked position that a pair reads is
 * refused.
 *
 * <p>A bidirectional body would see the token that it is to predict, and truncated backpropagation
 * through time would cut pairs apart: {@link CausalBody} says what is refused and when.
 */
public final class JepaLossLayer extends FeedForwardLayer {
    private static final long serialVersionUID = 1L;

    static final String WEIGHT = DefaultParamInitializer.WEIGHT_KEY;
    static final String BIAS = DefaultParamInitializer.BIAS_KEY;
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

    /** How networks saved by 0.1.0-SNAPSHOT, whose JSON has no order, store W. */
    private static final char FIRST_WEIGHT_ORDER = 'c';

    private static final char WEIGHT_ORDER = 'f';

    private double gamma = 1;
    private double lambda = 1;
    private DistanceKind distance = DistanceKind.COSINE;
    private double temperature = InfoNce.DEFAULT_TEMPERATURE;
    private TargetMode target = TargetMode.GRADIENT;
    private ScoreReduction scoreReduction = ScoreReduction.MEAN;
    private boolean hasBias = true;
    private RNNFormat dataFormat;
    private char weightOrder;

    private JepaLossLayer(Builder builder) {
        super(builder);
        activationFn = new ActivationSoftmax();
        gamma = builder.gamma;
        lambda = builder.lambda;
        distance = builder.distance;
        temperature = builder.temperature;
        target = builder.target;
        scoreReduction = builder.scoreReduction;
        hasBias = builder.hasBias;
        dataFormat = builder.dataFormat;
        weightOrder = WEIGHT_ORDER;
        if (layerName == null) {
            layerName = defaultName();
        }
        initializeConstraints(builder);
    }

    /** For Jackson, which sets what the JSON has; the rest is as 0.1.0-SNAPSHOT had it. */
    JepaLossLayer() {
        activationFn = new ActivationSoftmax();
        gainInit = 1;
        weightOrder = FIRST_WEIGHT_ORDER;
    }

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
     * Draws the weighted loss and the probabilities.
     *
     * @param parameters W as {@code [nOut, nIn]}, and b
     * @return the loss, a scalar
     */
    SDVariable defineLayer(SameDiff graph, SDVariable input, Map<String, SDVariable> parameters) {
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
        SDVariable logits = Ops.linear(hidden, parameters.get(WEIGHT));
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
    public ParamInitializer initializer() {
        return HeadParamInitializer.INSTANCE;
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

    /** What {@code summary()}, which prints names and sizes, is to say of the objective. */
    private String defaultName() {
        return "JepaLossLayer(lambda=" + lambda + ", " + distance + ")";
    }

    private String name() {
        return layerName == null || layerName.equals(defaultName())
                ? "JepaLossLayer"
                : "JepaLossLayer \"" + layerName + "\"";
    }

    @Override
    public InputPreProcessor getPreProcessorForInputType(InputType inputType) {
        recurrent(inputType);
        return null;
    }

    /**
     * {@inheritDoc}
     *
     * @throws DL4JInvalidConfigException if nIn is not known, or weight noise is set
     */
    @Override
    public Layer instantiate(
            NeuralNetConfiguration conf,
            Collection<TrainingListener> trainingListeners,
            int layerIndex,
            INDArray layerParamsView,
            boolean initializeParams,
            DataType networkDataType) {
        require(nIn > 0, "nIn is not set; give nIn, or the network setInputType");
        require(
                weightNoise == null,
                "weight noise (DropConnect) is not applied here; set it for the body's layers in"
                        + " place of the whole network");
        JepaOutputLayer layer = new JepaOutputLayer(conf, networkDataType);
        layer.setListeners(trainingListeners);
        layer.setIndex(layerIndex);
        layer.setParamsViewArray(layerParamsView);
        layer.setParamTable(initializer().init(conf, layerParamsView, initializeParams));
        return layer;
    }

    private void require(boolean condition, String message) {
        if (!condition) {
            throw new DL4JInvalidConfigException(name() + ": " + message);
        }
    }

    @Override
    public LayerMemoryReport getMemoryReport(InputType inputType) {
        InputType outputType = getOutputType(-1, inputType);
        long parameters = initializer().numParams(this);
        return new LayerMemoryReport.Builder(layerName, JepaLossLayer.class, inputType, outputType)
                .standardMemory(parameters, getIUpdater().stateSize(parameters))
                .workingMemory(
                        0,
                        outputType.arrayElementsPerExample(),
                        0,
                        2 * outputType.arrayElementsPerExample())
                .cacheMemory(MemoryReport.CACHE_MODE_ALL_ZEROS, MemoryReport.CACHE_MODE_ALL_ZEROS)
                .build();
    }

    /** The updater of networks saved by 0.1.0-SNAPSHOT. */
    @JsonSetter("updater")
    void setFirstUpdater(IUpdater updater) {
        iUpdater = updater;
    }

    /** The weight initialization of networks saved by 0.1.0-SNAPSHOT. */
    @JsonSetter("weightInit")
    void setFirstWeightInit(WeightInit weightInit) {
        weightInitFn = weightInit.getWeightInitFunction();
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

    public ScoreReduction getScoreReduction() {
        return scoreReduction;
    }

    public void setScoreReduction(ScoreReduction scoreReduction) {
        this.scoreReduction = scoreReduction;
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

    /** The order in which W lies in the network's parameters: {@code f}, or {@code c} if old. */
    public char getWeightOrder() {
        return weightOrder;
    }

    public void setWeightOrder(char weightOrder) {
        this.weightOrder = weightOrder;
    }

    @Override
    public JepaLossLayer clone() {
        return (JepaLossLayer) super.clone();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof JepaLossLayer that
                && super.equals(that)
                && gamma == that.gamma
                && lambda == that.lambda
                && distance == that.distance
                && temperature == that.temperature
                && target == that.target
                && scoreReduction == that.scoreReduction
                && hasBias == that.hasBias
                && dataFormat == that.dataFormat
                && weightOrder == that.weightOrder;
    }

    @Override
    public boolean canEqual(Object other) {
        return other instanceof JepaLossLayer;
    }

    @Override
    public int hashCode() {
        return Objects.hash(super.hashCode(), gamma, lambda, distance, temperature, target);
    }

    /** The name, the sizes and the objective. */
    @Override
    public String toString() {
        return name()
                + "(nIn="
                + nIn
                + ", nOut="
                + nOut
                + ", gamma="
                + gamma
                + ", lambda="
                + lambda
                + ", distance="
                + distance
                + ", temperature="
                + temperature
                + ", target="
                + target
                + ", scoreReduction="
                + scoreReduction
                + ")";
    }

    /**
     * Configures a {@link JepaLossLayer}. {@code nOut} is the size of the vocabulary, [PRED] tokens
     * included, and is required; {@code nIn} is the size of a hidden state (default: the size of
     * the body's output, where the network has {@code setInputType}).
     */
    @SuppressWarnings("unchecked") // the supertype's build() returns any layer
    public static final class Builder extends FeedForwardLayer.Builder<Builder> {
        private double gamma = 1;
        private double lambda = 1;
        private DistanceKind distance = DistanceKind.COSINE;
        private double temperature = InfoNce.DEFAULT_TEMPERATURE;
        private TargetMode target = TargetMode.GRADIENT;
        private ScoreReduction scoreReduction = ScoreReduction.MEAN;
        private boolean hasBias = true;
        private RNNFormat dataFormat;

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
         * Whether the target is trained through; default {@link TargetMode#GRADIENT}. {@link
         * TargetMode#EMA} needs JepaTrainer.
         */
        public Builder target(TargetMode target) {
            this.target = Objects.requireNonNull(target, "target");
            return this;
        }

        /**
         * The scale of the score and of the gradients; default {@link ScoreReduction#MEAN}, which
         * is the scale of this project's other ways of training.
         */
        public Builder scoreReduction(ScoreReduction scoreReduction) {
            this.scoreReduction = Objects.requireNonNull(scoreReduction, "scoreReduction");
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
            require(getNOut() > 0, "nOut must be the size of the vocabulary, not " + getNOut());
            require(getNIn() >= 0, "nIn must be 1 or more, not " + getNIn());
            require(
                    target != TargetMode.EMA,
                    "a target from an averaged copy of the body (EMA) needs JepaTrainer");
            require(
                    distance != DistanceKind.SEMANTIC_TUBE,
                    "the semantic tube draws tokens at random each step; use JepaTrainer");
            require(
                    getActivationFn() == null || getActivationFn() instanceof ActivationSoftmax,
                    "the activation is softmax, not " + getActivationFn());
            require(
                    getWeightNoise() == null,
                    "weight noise (DropConnect) is not applied here; set it for the body's layers");
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

    /** The scale of a {@link JepaLossLayer}'s score and of its gradients. */
    public enum ScoreReduction {
        /**
         * The objective's value: the mean over labeled tokens plus lambda times the mean over
         * pairs. The scale of {@code JepaTrainer}, of {@code JepaLoss} and of Hugging Face's
         * trainers; it does not depend on how long the rows are.
         */
        MEAN,

        /**
         * The objective's value times the number of labeled tokens of a row: the sum over labeled
         * tokens divided by the number of rows that have any, which with lambda 0 is the score of a
         * {@code RnnOutputLayer} with MCXENT and softmax on these rows. Learning rates, clipping
         * thresholds and regularization found with that layer carry over.
         */
        SUM_PER_ROW
    }
}
