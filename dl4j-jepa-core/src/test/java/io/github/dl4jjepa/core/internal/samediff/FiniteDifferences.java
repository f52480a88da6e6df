package io.github.dl4jjepa.core.internal.samediff;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.VariableType;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Compares the gradients of a graph in double precision with central differences. */
public final class FiniteDifferences {
    private static final double STEP = 1e-5;
    private static final int ENTRIES_PER_VARIABLE = 12;

    private FiniteDifferences() {}

    /**
     * Checks every trained variable of a graph, at 12 entries each at the most.
     *
     * @param tolerance the largest difference allowed, relative to the gradient's largest entry
     */
    public static void assertGradients(
            SameDiff graph, String loss, Map<String, INDArray> placeholders, double tolerance) {
        List<String> variables =
                graph.variables().stream()
                        .filter(variable -> variable.getVariableType() == VariableType.VARIABLE)
                        .map(SDVariable::name)
                        .filter(name -> influences(graph, name))
                        .toList();
        graph.setLossVariables(loss);
        Map<String, INDArray> gradients = new HashMap<>();
        try (Arena arena = new Arena(DataType.DOUBLE);
                GradientFunction function =
                        new GradientFunction(graph, variables, List.of(), arena, List.of())) {
            function.run(
                    placeholders,
                    (name, gradient) -> gradients.put(name, gradient.dup()),
                    (name, value) -> {});
        }
        for (String name : variables) {
            assertThat(gradients.get(name).shape())
                    .as("shape of the gradient of " + name)
                    .isEqualTo(graph.getVariable(name).getArr().shape());
            double scale = Math.max(gradients.get(name).amaxNumber().doubleValue(), 1e-3);
            new Random(3)
                    .longs(0, gradients.get(name).length())
                    .distinct()
                    .limit(Math.min(ENTRIES_PER_VARIABLE, gradients.get(name).length()))
                    .forEach(
                            entry ->
                                    assertThat(gradients.get(name).getDouble(entry) / scale)
                                            .as(
                                                    "gradient of %s at %d, relative to its largest entry",
                                                    name, entry)
                                            .isCloseTo(
                                                    difference(
                                                                    graph,
                                                                    loss,
                                                                    placeholders,
                                                                    name,
                                                                    entry)
                                                            / scale,
                                                    org.assertj.core.api.Assertions.within(
                                                            tolerance)));
        }
    }

    private static boolean influences(SameDiff graph, String name) {
        List<String> users = graph.getVariables().get(name).getInputsForOp();
        return users != null && !users.isEmpty();
    }

    private static double difference(
            SameDiff graph,
            String loss,
            Map<String, INDArray> placeholders,
            String name,
            long entry) {
        INDArray values = graph.getVariable(name).getArr();
        double value = values.getDouble(entry);
        values.putScalar(entry, value + STEP);
        double above = graph.outputSingle(placeholders, loss).getDouble(0);
        values.putScalar(entry, value - STEP);
        double below = graph.outputSingle(placeholders, loss).getDouble(0);
        values.putScalar(entry, value);
        return (above - below) / (2 * STEP);
    }
}
