package io.github.dl4jjepa.core.internal.samediff;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.VariableType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The gradient of a graph's loss with respect to its parameters.
 *
 * <p>{@code SameDiff.fit} reports 0 as its loss and knows neither accumulation nor clipping by a
 * global norm; {@code calculateGradients} switches SameDiff's array cache off. Here the gradient
 * graph is run by a {@link GraphExecutor}, in memory that is kept from run to run.
 */
public final class GradientFunction implements AutoCloseable {
    private static final String NAME = "grad";
    private static final long WORTH_A_COLLECTION = 16L << 20;

    /** Two parameters may have the same gradient: those of a sum. */
    private final Map<String, List<String>> parametersOfGradient = new LinkedHashMap<>();

    private final GraphExecutor backward;
    private final GraphExecutor forward;

    /**
     * Differentiates a graph.
     *
     * @param graph the graph; its loss variables must be set
     * @param parameters names of the variables, or placeholders, whose gradient is wanted
     * @param outputs names of further variables whose value is wanted with it
     * @param arena where intermediate results are kept; functions that are not run at the same time
     *     may share one
     * @param checkpoints names of variables, in the order in which they were drawn, between which
     *     intermediate results are not kept for the backward pass but computed again: less memory,
     *     more time, the same gradients; empty to keep all
     * @throws IllegalArgumentException if the loss depends on an operator whose gradient is wrong
     */
    public GradientFunction(
            SameDiff graph,
            Collection<String> parameters,
            Collection<String> outputs,
            Arena arena,
            List<String> checkpoints) {
        CorrectedGradients.install();
        GradientFaults.require(graph, graph.getLossVariables(), parameters);
        withoutStandardOutput(() -> graph.createGradFunction(parameters.toArray(String[]::new)));
        freeCopies(graph);
        for (String parameter : parameters) {
            String gradient = graph.getVariable(parameter).getGradient().name();
            parametersOfGradient
                    .computeIfAbsent(gradient, name -> new ArrayList<>())
                    .add(parameter);
        }
        List<String> wanted = new ArrayList<>(outputs);
        wanted.addAll(parametersOfGradient.keySet());
        backward =
                new GraphExecutor(
                        graph.getFunction(NAME),
                        wanted,
                        arena,
                        checkpoints,
                        Set.of(),
                        Graphs.isForExecutor(graph));
        forward = new GraphExecutor(graph, outputs, arena, List.of());
    }

    /**
     * {@code createGradFunction} copies every variable, puts the original in the copy's place, and
     * leaves the copies to the collector, who does not see their size.
     */
    private static void freeCopies(SameDiff graph) {
        long bytes =
                graph.variables().stream()
                        .filter(variable -> variable.getVariableType() == VariableType.VARIABLE)
                        .map(SDVariable::getArr)
                        .mapToLong(array -> array.length() * array.dataType().width())
                        .sum();
        if (bytes >= WORTH_A_COLLECTION) {
            System.gc();
        }
    }

    /**
     * Runs the graph forward and backward.
     *
     * @param placeholders the graph's inputs by name
     * @param gradients is given every parameter's name and gradient; the array is valid during the
     *     call only. A {@link GradientSink} may say where gradients are written
     * @param outputs is given the name and value of every further output; valid during the call
     *     only
     */
    public void run(
            Map<String, INDArray> placeholders,
            BiConsumer<String, INDArray> gradients,
            BiConsumer<String, INDArray> outputs) {
        backward.run(
                placeholders,
                gradients instanceof GradientSink sink ? destinations(sink) : Map.of(),
                consumer(gradients, outputs));
    }

    private BiConsumer<String, INDArray> consumer(
            BiConsumer<String, INDArray> gradients, BiConsumer<String, INDArray> outputs) {
        return (name, value) -> {
            if (parametersOfGradient.containsKey(name)) {
                parametersOfGradient
                        .get(name)
                        .forEach(parameter -> gradients.accept(parameter, value));
            } else {
                outputs.accept(name, value);
            }
        };
    }

    /**
     * Begins a run, as {@link GraphExecutor#begin} says.
     *
     * @param placeholders the inputs that are known by name
     * @param outputs is given the name and value of every further output that does not depend on
     *     others; valid during the call only
     * @return whether it was done
     */
    public boolean begin(Map<String, INDArray> placeholders, BiConsumer<String, INDArray> outputs) {
        return backward.begin(
                placeholders,
                consumer(
                        (name, gradient) -> {
                            throw new IllegalStateException(
                                    "the gradient of " + name + " does not depend on all inputs");
                        },
                        outputs));
    }

    /**
     * Ends the run that {@link #begin} began.
     *
     * @param others the inputs that were not known then, by name
     * @param gradients is given every parameter's name and gradient; valid during the call only
     * @param outputs is given the name and value of every further output that was not there then
     */
    public void finish(
            Map<String, INDArray> others,
            BiConsumer<String, INDArray> gradients,
            BiConsumer<String, INDArray> outputs) {
        backward.finish(others, consumer(gradients, outputs));
    }

    private Map<String, INDArray> destinations(GradientSink sink) {
        Map<String, INDArray> destinations = new LinkedHashMap<>();
        parametersOfGradient.forEach(
                (gradient, parameters) -> {
                    INDArray destination =
                            parameters.size() == 1 ? sink.destination(parameters.get(0)) : null;
                    if (destination != null) {
                        destinations.put(gradient, destination);
                    }
                });
        return destinations;
    }

    /**
     * Runs the graph forward only.
     *
     * @param placeholders the graph's inputs by name
     * @param outputs is given the name and value of every further output; valid during the call
     *     only
     */
    public void runForward(
            Map<String, INDArray> placeholders, BiConsumer<String, INDArray> outputs) {
        forward.run(placeholders, outputs);
    }

    /** Frees what the function keeps from run to run; the arena stays. */
    @Override
    public void close() {
        backward.close();
        forward.close();
    }

    /**
     * {@code createGradFunction} prints a line per operator; standard output belongs to the program
     * that calls us. What other threads print meanwhile is printed.
     */
    static void withoutStandardOutput(Runnable action) {
        synchronized (GradientFunction.class) {
            PrintStream standard = System.out;
            PrintStream muted = new MutedThreadOutput(standard, Thread.currentThread());
            System.setOut(muted);
            try {
                action.run();
            } finally {
                if (System.out == muted) { // or another thread has set its own
                    System.setOut(standard);
                }
            }
        }
    }
}
