package io.github.dl4jjepa.core.samediff;

import java.io.OutputStream;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The gradient of a graph's loss with respect to its parameters.
 *
 * <p>{@code SameDiff.fit} reports 0 as its loss, knows neither accumulation nor clipping by a
 * global norm, and {@code calculateGradients} switches SameDiff's array cache off. Here the
 * gradient graph is run directly, which has none of these faults.
 */
public final class GradientFunction {
    private static final String NAME = "grad";

    private final SameDiff graph;
    private final List<String> requested = new ArrayList<>();
    private final Map<String, String> gradientNames = new LinkedHashMap<>();

    /**
     * Differentiates a graph.
     *
     * @param forward the graph; its loss variables must be set
     * @param parameters names of the variables whose gradient is wanted
     * @param outputs names of further variables whose value is wanted with it
     */
    public GradientFunction(
            SameDiff forward, Collection<String> parameters, Collection<String> outputs) {
        CorrectedGradients.install();
        withoutStandardOutput(forward::createGradFunction);
        graph = forward.getFunction(NAME);
        requested.addAll(outputs);
        for (String parameter : parameters) {
            String gradient = forward.getVariable(parameter).getGradient().name();
            gradientNames.put(parameter, gradient);
            requested.add(gradient);
        }
    }

    /**
     * Runs the graph forward and backward.
     *
     * @param placeholders the graph's inputs by name
     * @param gradients is given every parameter's name and gradient; the array is valid during the
     *     call only
     * @param outputs is given the name and value of every further output; valid during the call
     *     only
     */
    public void run(
            Map<String, INDArray> placeholders,
            BiConsumer<String, INDArray> gradients,
            BiConsumer<String, INDArray> outputs) {
        Map<String, INDArray> results = graph.output(placeholders, requested);
        requested
                .subList(0, requested.size() - gradientNames.size())
                .forEach(name -> outputs.accept(name, results.get(name)));
        gradientNames.forEach(
                (parameter, gradient) -> gradients.accept(parameter, results.get(gradient)));
        results.values().stream().filter(INDArray::closeable).forEach(INDArray::close);
    }

    /**
     * {@code createGradFunction} prints a line per operator; standard output belongs to the program
     * that calls us.
     */
    private static void withoutStandardOutput(Runnable action) {
        synchronized (System.class) {
            PrintStream standard = System.out;
            System.setOut(new PrintStream(OutputStream.nullOutputStream()));
            try {
                action.run();
            } finally {
                System.setOut(standard);
            }
        }
    }
}
