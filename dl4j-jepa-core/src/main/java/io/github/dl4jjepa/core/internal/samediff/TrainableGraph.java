package io.github.dl4jjepa.core.internal.samediff;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.VariableType;
import org.nd4j.linalg.api.ops.impl.transforms.IdentityN;

/**
 * Readies a graph for {@code sd.fit}, which by itself has three faults: gradients of {@code gather}
 * count a repeated index once; a variable is updated as soon as its gradient is there, though other
 * gradients may yet be computed from it; and a loss that nothing reads is never computed, and
 * reported as 0.
 *
 * <p>The first is cured as {@link GradientFunction} does, and matrix products are differentiated by
 * matrix products, for a user's graph may have one with a single element. For the others, all
 * gradients and the loss go through one last operator, so that no update comes before it.
 */
public final class TrainableGraph {
    private static final String GRADIENT_GRAPH = "grad";

    private TrainableGraph() {}

    /**
     * Refuses variables that depend on an operator whose gradient SameDiff computes wrongly.
     *
     * @param variables of one graph
     * @throws IllegalArgumentException if there is such an operator; the message names it and what
     *     to use
     */
    public static void requireRightGradients(SDVariable... variables) {
        SameDiff graph = variables[0].getSameDiff();
        GradientFaults.require(
                graph, Stream.of(variables).map(SDVariable::name).toList(), trained(graph));
    }

    /** Whether a variable is, or is computed from, the variable of a name. */
    public static boolean dependsOn(SDVariable variable, String name) {
        SameDiff graph = variable.getSameDiff();
        String operator = graph.getVariables().get(name).getOutputOfOp();
        return variable.name().equals(name)
                || operator != null
                        && GradientFaults.needed(graph, List.of(variable.name()))
                                .contains(operator);
    }

    private static List<String> trained(SameDiff graph) {
        return graph.variables().stream()
                .filter(variable -> variable.getVariableType() == VariableType.VARIABLE)
                .map(SDVariable::name)
                .toList();
    }

    /**
     * Differentiates a graph for {@code sd.fit}. To be called when the graph is complete: drawing
     * on makes SameDiff differentiate it anew, with its faults.
     *
     * @param graph the graph; its loss variables must be set
     * @throws IllegalArgumentException if the loss depends on an operator whose gradient is wrong
     */
    public static void prepare(SameDiff graph) {
        CorrectedGradients.install();
        List<String> trained = trained(graph);
        GradientFaults.require(graph, graph.getLossVariables(), trained);
        CorrectedGradients.withMatrixProducts(
                () ->
                        GradientFunction.withoutStandardOutput(
                                () -> graph.createGradFunction(trained.toArray(String[]::new))));
        SameDiff gradients = graph.getFunction(GRADIENT_GRAPH);
        List<String> differentiated =
                trained.stream()
                        .filter(name -> gradients.getVariable(name).getGradient() != null)
                        .toList();
        List<SDVariable> last = new ArrayList<>();
        differentiated.forEach(name -> last.add(gradients.getVariable(name).getGradient()));
        graph.getLossVariables().forEach(loss -> last.add(gradients.getVariable(loss)));
        SDVariable[] after =
                new IdentityN(gradients, last.toArray(SDVariable[]::new)).outputVariables();
        for (int i = 0; i < differentiated.size(); i++) {
            gradients.setGradientForVariableName(differentiated.get(i), after[i]);
        }
    }
}
