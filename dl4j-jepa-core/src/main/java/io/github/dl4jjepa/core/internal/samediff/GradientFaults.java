package io.github.dl4jjepa.core.internal.samediff;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Collection;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.ops.impl.loss.BaseLoss;
import org.nd4j.linalg.api.ops.impl.shape.Gather;

/**
 * Finds operators whose gradient SameDiff computes wrongly and without a word, on the way from what
 * is trained to a loss.
 */
final class GradientFaults {
    private static final String LOSSES = BaseLoss.class.getPackageName();
    private static final String IGNORES =
            "its gradient ignores what the loss is multiplied with and divided by";
    private static final String CROSS_ENTROPY =
            "use Ops.crossEntropySum or Ops.crossEntropy, or compose the loss of sums and products";
    private static final String WRONG = "its gradient is wrong";

    /** By the operator's name: what to use in its place. */
    private static final Map<String, String> REMEDIES =
            Map.of(
                    "cumsum", "multiply by a triangular matrix of ones",
                    "cumprod", "take exp of the logarithms times a triangular matrix of ones",
                    "scatter_mul", "multiply by an array of factors",
                    "mod", "subtract the multiple of the divisor",
                    "floormod", "subtract the multiple of the divisor",
                    "clipbynorm", "divide by the norm, composed of sums and a square root",
                    "matrix_inverse", "solve the system in another way",
                    "cross", "compose the product of slices");

    private GradientFaults() {}

    /**
     * Refuses a graph whose gradient would be wrong.
     *
     * @param outputs names of the variables that are differentiated
     * @param trained names of the variables with respect to which
     * @throws IllegalArgumentException if there is such an operator; the message names it and what
     *     to use
     */
    static void require(SameDiff graph, Collection<String> outputs, Collection<String> trained) {
        Set<String> needed = needed(graph, outputs);
        Set<String> differentiated = new HashSet<>(trained);
        for (SameDiffOp operator : graph.getOps().values()) {
            if (operator.getInputsToOp() == null
                    || operator.getInputsToOp().stream().noneMatch(differentiated::contains)
                    || CorrectedGradients.stopsGradient(operator.getOp())) {
                continue;
            }
            operator.getOutputsOfOp().stream()
                    .filter(output -> graph.getVariable(output).dataType().isFPType())
                    .forEach(differentiated::add);
            if (needed.contains(operator.getName())) {
                requireRight(graph, operator);
            }
        }
    }

    /** The operators that the outputs need. */
    static Set<String> needed(SameDiff graph, Collection<String> outputs) {
        Set<String> needed = new HashSet<>();
        Deque<String> pending = new ArrayDeque<>(outputs);
        while (!pending.isEmpty()) {
            String operator = graph.getVariables().get(pending.pop()).getOutputOfOp();
            if (operator != null && needed.add(operator)) {
                List<String> inputs = graph.getOps().get(operator).getInputsToOp();
                pending.addAll(inputs == null ? List.of() : inputs);
            }
        }
        return needed;
    }

    private static void requireRight(SameDiff graph, SameDiffOp operator) {
        DifferentialFunction function = operator.getOp();
        String name = function.opName();
        if (function.getClass().getPackageName().equals(LOSSES)) {
            throw refused(operator, IGNORES, CROSS_ENTROPY);
        }
        if (name.equals("swish")) {
            throw refused(operator, "its gradient is NaN from 45 on", "use x times Ops.sigmoid(x)");
        }
        if (REMEDIES.containsKey(name)) {
            throw refused(operator, WRONG, REMEDIES.get(name));
        }
        if ((name.equals("maximum") || name.equals("minimum")) && broadcasts(graph, operator)) {
            throw refused(
                    operator,
                    "its gradient is wrong where an operand is broadcast",
                    "give both operands one shape");
        }
        if (function instanceof Gather gather && gather.getIArgument(0) != 0) {
            throw refused(
                    operator,
                    "it cannot be differentiated along another axis than the first",
                    "permute that axis to the front");
        }
    }

    /** Whether the shapes are known and differ. */
    private static boolean broadcasts(SameDiff graph, SameDiffOp operator) {
        List<long[]> shapes =
                operator.getInputsToOp().stream()
                        .map(graph::getVariable)
                        .map(SDVariable::getShape)
                        .toList();
        return shapes.stream().noneMatch(shape -> shape == null || unknown(shape))
                && !Arrays.equals(shapes.get(0), shapes.get(1));
    }

    private static boolean unknown(long[] shape) {
        return Arrays.stream(shape).anyMatch(size -> size < 0);
    }

    private static IllegalArgumentException refused(
            SameDiffOp operator, String reason, String remedy) {
        return new IllegalArgumentException(
                "the loss depends on the operator "
                        + operator.getOp().opName()
                        + " (variable "
                        + operator.getOutputsOfOp().get(0)
                        + "): "
                        + reason
                        + "; "
                        + remedy);
    }
}
