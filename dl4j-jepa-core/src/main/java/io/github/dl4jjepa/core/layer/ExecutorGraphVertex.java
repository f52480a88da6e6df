package io.github.dl4jjepa.core.layer;

import io.github.dl4jjepa.core.internal.samediff.Arena;
import io.github.dl4jjepa.core.internal.samediff.GradientFunction;
import io.github.dl4jjepa.core.internal.samediff.GraphExecutor;
import io.github.dl4jjepa.core.internal.samediff.Graphs;
import io.github.dl4jjepa.core.ops.Ops;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.layers.samediff.SameDiffGraphVertex;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Runs an {@link ExecutorVertex}. */
@SuppressWarnings("overrides") // what the supertype inherits twice
final class ExecutorGraphVertex extends SameDiffGraphVertex {
    private static final long serialVersionUID = 1L;

    private static final String OUTPUT = "vertex_output";
    private static final String EPSILON = "vertex_epsilon";
    private static final String LOSS = "vertex_loss";

    private transient Graph drawn;

    /** The inputs of the forward pass that the backward pass can end, or null. */
    private transient INDArray[] begun;

    ExecutorGraphVertex(
            ExecutorVertex config,
            ComputationGraph network,
            String name,
            int index,
            INDArray parametersView,
            boolean initializeParameters,
            DataType dataType) {
        super(config, network, name, index, parametersView, initializeParameters, dataType);
    }

    /** The vertex's graph over this instance's parameters. */
    private final class Graph {
        private final SameDiff graph = Graphs.createForExecutor();
        private final Arena arena = new Arena(dataType);
        private final SDVariable output;
        private final GraphExecutor forward;
        private GradientFunction backward;

        Graph() {
            Map<String, SDVariable> placeholders = new LinkedHashMap<>();
            List<String> names = config.getVertexParams().getInputs();
            for (int i = 0; i < names.size(); i++) {
                placeholders.put(names.get(i), placeholder(names.get(i), inputs[i].rank()));
            }
            Map<String, SDVariable> parameters = new LinkedHashMap<>();
            paramTable.forEach(
                    (parameter, array) -> {
                        String name = vertex().variableName(parameter);
                        parameters.put(
                                name,
                                vertex().isFrozen(parameter)
                                        ? graph.constant(name, array)
                                        : graph.var(name, array));
                    });
            output = config.defineVertex(graph, placeholders, parameters, Map.of()).rename(OUTPUT);
            forward = new GraphExecutor(graph, List.of(OUTPUT), arena, List.of());
        }

        private SDVariable placeholder(String name, int rank) {
            long[] shape = new long[rank];
            Arrays.fill(shape, -1);
            return graph.placeHolder(name, dataType, shape);
        }

        /** What multiplies the activations' gradient by those of parameters and inputs. */
        GradientFunction backward() {
            if (backward == null) {
                SDVariable product =
                        Ops.multiplyConstant(output, placeholder(EPSILON, epsilon.rank()));
                graph.setLossVariables(product.sum().rename(LOSS).name());
                List<String> differentiated = new ArrayList<>(gradientsOfVariables().keySet());
                differentiated.addAll(vertex().differentiableInputs());
                backward =
                        new GradientFunction(
                                graph, differentiated, List.of(OUTPUT), arena, List.of());
            }
            return backward;
        }
    }

    private ExecutorVertex vertex() {
        return (ExecutorVertex) config;
    }

    /** The arrays that parameters' gradients go into, by the names of their variables. */
    private Map<String, INDArray> gradientsOfVariables() {
        Map<String, INDArray> gradients = new LinkedHashMap<>();
        paramTable.keySet().stream()
                .filter(parameter -> !vertex().isFrozen(parameter))
                .forEach(
                        parameter ->
                                gradients.put(
                                        vertex().variableName(parameter),
                                        gradTable.get(parameter)));
        return gradients;
    }

    private Graph graph() {
        if (drawn == null) {
            drawn = new Graph();
        }
        return drawn;
    }

    /** Copies of the inputs, in row-major order and of the network's type. */
    private final class Placeholders implements AutoCloseable {
        private final Map<String, INDArray> arrays = new HashMap<>();

        /** Empty. */
        Placeholders() {}

        void putInputs() {
            config.validateInput(inputs);
            List<String> names = config.getVertexParams().getInputs();
            for (int i = 0; i < names.size(); i++) {
                put(names.get(i), inputs[i]);
            }
        }

        void put(String name, INDArray array) {
            arrays.put(name, array.castTo(dataType).dup('c'));
        }

        @Override
        public void close() {
            arrays.values().forEach(INDArray::close);
        }
    }

    @Override
    public INDArray doForward(boolean training, LayerWorkspaceMgr workspaceMgr) {
        return Workspaces.outside(
                () -> {
                    INDArray[] result = new INDArray[1];
                    BiConsumer<String, INDArray> consumer =
                            (name, value) ->
                                    result[0] = workspaceMgr.dup(ArrayType.ACTIVATIONS, value);
                    begun = null;
                    try (Placeholders placeholders = new Placeholders()) {
                        placeholders.putInputs();
                        GradientFunction backward = graph().backward;
                        if (training
                                && backward != null
                                && backward.begin(placeholders.arrays, consumer)) {
                            begun = inputs.clone();
                        } else {
                            graph().forward.run(placeholders.arrays, consumer);
                        }
                    }
                    return result[0];
                });
    }

    /** Whether the last run was the forward pass of the present inputs. */
    private boolean isBegun() {
        if (begun == null) {
            return false;
        }
        for (int i = 0; i < begun.length; i++) {
            if (begun[i] != inputs[i]) {
                return false;
            }
        }
        return true;
    }

    @Override
    public Pair<Gradient, INDArray[]> doBackward(boolean tbptt, LayerWorkspaceMgr workspaceMgr) {
        Map<String, INDArray> inputGradients =
                Workspaces.outside(
                        () -> {
                            Map<String, INDArray> gradients = new HashMap<>();
                            Map<String, INDArray> own = gradientsOfVariables();
                            BiConsumer<String, INDArray> consumer =
                                    (name, value) -> {
                                        if (own.containsKey(name)) {
                                            own.get(name).assign(value);
                                        } else {
                                            gradients.put(
                                                    name,
                                                    workspaceMgr.dup(
                                                            ArrayType.ACTIVATION_GRAD, value));
                                        }
                                    };
                            GradientFunction backward = graph().backward();
                            boolean ends = isBegun();
                            begun = null;
                            try (Placeholders placeholders = new Placeholders()) {
                                placeholders.put(EPSILON, epsilon);
                                if (ends) {
                                    backward.finish(
                                            placeholders.arrays, consumer, (name, value) -> {});
                                } else {
                                    placeholders.putInputs();
                                    backward.run(
                                            placeholders.arrays, consumer, (name, value) -> {});
                                }
                            }
                            return gradients;
                        });
        Gradient gradient = new DefaultGradient();
        paramTable.keySet().forEach(name -> gradient.setGradientFor(name, gradTable.get(name)));
        List<String> names = config.getVertexParams().getInputs();
        INDArray[] epsilons = new INDArray[names.size()];
        for (int i = 0; i < epsilons.length; i++) {
            INDArray found = inputGradients.get(names.get(i));
            epsilons[i] =
                    found != null
                            ? found
                            : workspaceMgr.create(
                                    ArrayType.ACTIVATION_GRAD, dataType, inputs[i].shape());
        }
        return new Pair<>(gradient, epsilons);
    }

    @Override
    public String toString() {
        return getVertexName() + ": " + config;
    }
}
