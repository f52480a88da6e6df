package io.github.dl4jjepa.core.samediff;

import java.util.ArrayList;
import java.util.List;
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
 * <p>The first is cured as {@link GradientFunction} does. For the others, all gradients and the
 * loss go through one last operator, so that no update comes before it.
 */
public final class TrainableGraph {
    private static final String GRADIENT_GRAPH = "grad";

    private TrainableGraph() {}

    /**
     * Differentiates a graph for {@code sd.fit}. To be called when the graph is complete: drawing
     * on makes SameDiff differentiate it anew, with its faults.
     *
     * @param graph the graph; its loss variables must be set
     */
    public static void prepare(SameDiff graph) {
        CorrectedGradients.install();
        List<String> trained =
                graph.variables().stream()
                        .filter(variable -> variable.getVariableType() == VariableType.VARIABLE)
                        .map(SDVariable::name)
                        .toList();
        GradientFunction.withoutStandardOutput(
                () -> graph.createGradFunction(trained.toArray(String[]::new)));
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
