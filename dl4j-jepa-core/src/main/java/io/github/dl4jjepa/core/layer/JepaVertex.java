package io.github.dl4jjepa.core.layer;

import io.github.dl4jjepa.core.objective.Distance;
import io.github.dl4jjepa.core.objective.DistanceKind;
import io.github.dl4jjepa.core.objective.InfoNce;
import io.github.dl4jjepa.core.objective.TargetMode;
import io.github.dl4jjepa.core.ops.Ops;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.deeplearning4j.exception.DL4JInvalidConfigException;
import org.deeplearning4j.exception.DL4JInvalidInputException;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.inputs.InvalidInputTypeException;
import org.deeplearning4j.nn.conf.layers.samediff.SDVertexParams;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The JEPA term between two embeddings of any {@code ComputationGraph}: two towers, two views of an
 * image, a text and a picture.
 *
 * <p>The inputs are the prediction and the target, {@code [n, hidden]} each; the activations {@code
 * [n, 1]} are lambda times the distance of each pair. A {@code LossLayer} with {@code
 * LossFunctions.LossFunction.L1}, identity activation and labels of zeros makes them a loss, the
 * mean over pairs: distances are not negative.
 *
 * <pre>{@code
 * .addVertex("jepa", JepaVertex.of(DistanceKind.INFO_NCE, 1), "predicted", "encoded")
 * .addLayer("loss",
 *         new LossLayer.Builder(LossFunctions.LossFunction.L1)
 *                 .activation(Activation.IDENTITY).build(), "jepa")
 * }</pre>
 */
public final class JepaVertex extends ExecutorVertex {
    private static final long serialVersionUID = 1L;
    private static final String PREDICTION = "prediction";
    private static final String TARGET = "target";

    private DistanceKind distance = DistanceKind.COSINE;
    private double lambda = 1;
    private double temperature = InfoNce.DEFAULT_TEMPERATURE;
    private TargetMode target = TargetMode.GRADIENT;

    /** For Jackson. */
    JepaVertex() {}

    /**
     * A vertex whose target is trained through.
     *
     * @param distance what is measured
     * @param lambda what it is multiplied with, 0 or more
     */
    public static JepaVertex of(DistanceKind distance, double lambda) {
        return of(distance, lambda, InfoNce.DEFAULT_TEMPERATURE, TargetMode.GRADIENT);
    }

    /**
     * A vertex.
     *
     * @param distance what is measured
     * @param lambda what it is multiplied with, 0 or more
     * @param temperature of distances that have one
     * @param target whether the target is trained through
     * @throws DL4JInvalidConfigException if one of them is out of its range
     */
    public static JepaVertex of(
            DistanceKind distance, double lambda, double temperature, TargetMode target) {
        require(
                lambda >= 0 && !Double.isInfinite(lambda),
                "lambda must be a number from 0 up, not " + lambda);
        require(temperature > 0, "temperature must be above 0, not " + temperature);
        require(target != TargetMode.EMA, "a target from an averaged copy (EMA) needs JepaTrainer");
        require(
                distance != DistanceKind.SEMANTIC_TUBE,
                "the semantic tube compares tokens of one row, not two embeddings");
        JepaVertex vertex = new JepaVertex();
        vertex.distance = distance;
        vertex.lambda = lambda;
        vertex.temperature = temperature;
        vertex.target = target;
        return vertex;
    }

    private static void require(boolean condition, String message) {
        if (!condition) {
            throw new DL4JInvalidConfigException("JepaVertex: " + message);
        }
    }

    @Override
    protected SDVariable define(
            SameDiff graph, Map<String, SDVariable> inputs, Map<String, SDVariable> parameters) {
        SDVariable prediction = inputs.get(PREDICTION);
        SDVariable encoded = inputs.get(TARGET);
        SDVariable ownAnswers =
                graph.range(
                        graph.constant(0),
                        graph.sizeAt(prediction, 0).castTo(DataType.INT32),
                        graph.constant(1),
                        DataType.INT32);
        return distance.of(temperature)
                .between(
                        new Distance.Pairs(
                                prediction,
                                target == TargetMode.STOP_GRADIENT
                                        ? Ops.stopGradient(encoded)
                                        : encoded,
                                ownAnswers))
                .mul(lambda)
                .reshape(-1, 1);
    }

    @Override
    protected List<String> differentiableInputs() {
        return List.of(PREDICTION, TARGET);
    }

    @Override
    public void defineParametersAndInputs(SDVertexParams params) {
        params.defineInputs(PREDICTION, TARGET);
    }

    @Override
    public void initializeParameters(Map<String, INDArray> params) {
        // There are none.
    }

    @Override
    public void validateInput(INDArray[] inputs) {
        if (inputs[0].rank() != 2 || !inputs[0].equalShapes(inputs[1])) {
            throw new DL4JInvalidInputException(
                    "JepaVertex compares embeddings [n, hidden] of the same pairs, not "
                            + Arrays.toString(inputs[0].shape())
                            + " with "
                            + Arrays.toString(inputs[1].shape()));
        }
        OnePairWarning.check(distance.of(temperature), distance, inputs[0].size(0));
    }

    /** A masked pair would still be compared with the others. */
    @Override
    protected void requireMask(String input, INDArray mask) {
        if (mask.minNumber().doubleValue() != 1) {
            throw new DL4JInvalidInputException(
                    "JepaVertex: a mask leaves out pairs of "
                            + input
                            + ", which would still be compared: leave them out of the batch");
        }
    }

    @Override
    public InputType getOutputType(int layerIndex, InputType... inputs)
            throws InvalidInputTypeException {
        if (inputs.length != 2
                || !(inputs[0] instanceof InputType.InputTypeFeedForward)
                || !inputs[0].equals(inputs[1])) {
            throw new InvalidInputTypeException(
                    "JepaVertex compares two embeddings of one size, the prediction and the target,"
                            + " not "
                            + Arrays.toString(inputs));
        }
        return InputType.feedForward(1);
    }

    @Override
    public JepaVertex clone() {
        return copyTo(of(distance, lambda, temperature, target));
    }

    public DistanceKind getDistance() {
        return distance;
    }

    public void setDistance(DistanceKind distance) {
        this.distance = distance;
    }

    public double getLambda() {
        return lambda;
    }

    public void setLambda(double lambda) {
        this.lambda = lambda;
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

    @Override
    public boolean equals(Object other) {
        return other instanceof JepaVertex that
                && distance == that.distance
                && lambda == that.lambda
                && temperature == that.temperature
                && target == that.target;
    }

    @Override
    public int hashCode() {
        return Objects.hash(distance, lambda, temperature, target);
    }

    @Override
    public String toString() {
        return "JepaVertex(distance="
                + distance
                + ", lambda="
                + lambda
                + ", temperature="
                + temperature
                + ", target="
                + target
                + ")";
    }
}
