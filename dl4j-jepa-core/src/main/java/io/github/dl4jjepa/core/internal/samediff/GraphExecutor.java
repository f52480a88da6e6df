package io.github.dl4jjepa.core.internal.samediff;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.stream.Stream;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.VariableType;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Runs a SameDiff graph in memory that is kept from run to run.
 *
 * <p>SameDiff's own session allocates every result anew and leaves it to the garbage collector.
 * Here the operators that the wanted outputs need are put into order once. The first run with new
 * input shapes is recorded: each result gets a place in an {@link Arena} until its last use. A run
 * with shapes seen before replays the recording: the same native operators through kept contexts,
 * and our own fused operators, with nothing allocated. An output is handed on as soon as it is
 * there, so that gradients need not all be held at once.
 *
 * <p>Straight-line graphs only: no loops or conditions. Not thread-safe.
 */
public final class GraphExecutor implements AutoCloseable {
    private static final int MAX_RECORDINGS = 64;
    private static final int EVICTIONS_PER_COLLECTION = 8;

    private final SameDiff graph;
    private final Set<String> outputs;
    private final Arena arena;
    private final Schedule schedule;
    private final boolean isForExecutor;
    private final Set<String> bound;
    private final Map<String, Recording> recordings =
            new LinkedHashMap<>(16, 0.75f, true) {
                private static final long serialVersionUID = 1L;

                @Override
                protected boolean removeEldestEntry(Map.Entry<String, Recording> eldest) {
                    if (size() <= MAX_RECORDINGS) {
                        return false;
                    }
                    eldest.getValue().close();
                    collectNowAndThen();
                    return true;
                }
            };

    private int evictions;

    /** What {@link #begin} has begun, or null. */
    private Recording begun;

    /**
     * @param graph the graph to run
     * @param outputs names of the variables that are wanted
     * @param arena where intermediate results are kept
     * @param checkpoints variables between which results are not kept but computed again, as {@link
     *     Schedule} says; empty to keep all
     */
    public GraphExecutor(
            SameDiff graph, Collection<String> outputs, Arena arena, List<String> checkpoints) {
        this(graph, outputs, arena, checkpoints, Set.of(), Graphs.isForExecutor(graph));
    }

    /**
     * @param bound placeholders whose arrays are read where they are, not copied: they must stay
     *     open for as long as this executor. A run with another array is recorded anew
     */
    public GraphExecutor(
            SameDiff graph,
            Collection<String> outputs,
            Arena arena,
            List<String> checkpoints,
            Set<String> bound) {
        this(graph, outputs, arena, checkpoints, bound, Graphs.isForExecutor(graph));
    }

    /**
     * @param isForExecutor whether operators may be replaced by fused ones, and matrix products be
     *     oneDNN's, as in graphs that are made to be run here
     */
    GraphExecutor(
            SameDiff graph,
            Collection<String> outputs,
            Arena arena,
            List<String> checkpoints,
            Set<String> bound,
            boolean isForExecutor) {
        this.graph = graph;
        this.bound = Set.copyOf(bound);
        this.outputs = Set.copyOf(outputs);
        this.arena = arena;
        this.isForExecutor = isForExecutor;
        this.schedule = new Schedule(graph, outputs, checkpoints, isForExecutor);
    }

    /**
     * Runs the graph.
     *
     * @param placeholders the graph's inputs by name; not kept
     * @param consumer is given the name and value of every wanted output, as soon as it is there;
     *     the value is valid during the call only
     */
    public void run(Map<String, INDArray> placeholders, BiConsumer<String, INDArray> consumer) {
        run(placeholders, Map.of(), consumer);
    }

    /**
     * Runs the graph, and writes some of its outputs into given arrays.
     *
     * @param placeholders the graph's inputs by name; not kept
     * @param destinations arrays by the names of outputs, dense and in C order. An output is
     *     written elsewhere if its shape is not that of its array, or if it is another result in
     *     another shape
     * @param consumer is given the name and value of every wanted output, as soon as it is there;
     *     the value is that of {@code destinations}, or valid during the call only
     */
    void run(
            Map<String, INDArray> placeholders,
            Map<String, INDArray> destinations,
            BiConsumer<String, INDArray> consumer) {
        begun = null;
        String key = shapes(placeholders) + (destinations.isEmpty() ? "" : " in place");
        Recording recording = recordings.get(key);
        if (recording != null
                && !(recording.isBoundTo(placeholders) && recording.writesInto(destinations))) {
            recordings.remove(key).close();
            recording = null;
        }
        if (recording == null) {
            recordings.put(key, new Recording(placeholders, destinations, consumer));
        } else {
            recording.replay(placeholders, consumer);
        }
    }

    /**
     * Begins a run whose last inputs are not known yet: runs what comes before the first operator
     * that reads one of these. It can be done where a whole run with inputs of the same shapes has
     * been recorded.
     *
     * @param placeholders the inputs that are known; not kept
     * @param consumer as in {@link #run}
     * @return whether it was done; if not, nothing was run
     */
    public boolean begin(
            Map<String, INDArray> placeholders, BiConsumer<String, INDArray> consumer) {
        begun = null;
        String key =
                recordings.entrySet().stream()
                        .filter(entry -> entry.getValue().begins(placeholders))
                        .map(Map.Entry::getKey)
                        .findFirst()
                        .orElse(null);
        if (key == null) {
            return false;
        }
        Recording recording = recordings.get(key);
        recording.replay(placeholders, 0, recording.readerOfOthers(placeholders), consumer);
        begun = recording;
        return true;
    }

    /**
     * Ends the run that {@link #begin} began. What lies in the arena between the two must not be
     * overwritten by a run of another executor.
     *
     * @param others the inputs that were not known then, of the shapes that were recorded; not kept
     * @param consumer as in {@link #run}
     * @throws IllegalStateException if no run was begun, or another run came between
     */
    public void finish(Map<String, INDArray> others, BiConsumer<String, INDArray> consumer) {
        Recording recording = begun;
        begun = null;
        if (recording == null) {
            throw new IllegalStateException("no run was begun");
        }
        int first = recording.readerOf(others.keySet());
        recording.replay(others, first, recording.steps.size(), consumer);
    }

    @Override
    public void close() {
        begun = null;
        recordings.values().forEach(Recording::close);
        recordings.clear();
    }

    /**
     * ND4J frees the native side of contexts and views only when their Java side is collected,
     * which is too small for the collector to hurry.
     */
    private void collectNowAndThen() {
        evictions++;
        if (evictions % EVICTIONS_PER_COLLECTION == 0) {
            System.gc();
        }
    }

    private static String shapes(Map<String, INDArray> placeholders) {
        StringBuilder shapes = new StringBuilder();
        new TreeMap<>(placeholders)
                .forEach(
                        (name, array) ->
                                shapes.append(name).append(Arrays.toString(array.shape())));
        return shapes.toString();
    }

    /** A run with certain shapes: places, contexts and their order. */
    private final class Recording implements AutoCloseable {
        private final Map<String, INDArray> staged = new HashMap<>();
        private final Map<String, INDArray> destinations;
        private final Map<String, INDArray> inPlace = new HashMap<>();
        private final List<INDArray> integers = new ArrayList<>();
        private final List<Step> steps = new ArrayList<>();

        /** Of each input, the number of the first step that reads it. */
        private final Map<String, Integer> readers = new HashMap<>();

        /** Names of variables whose integers follow from the shapes alone. */
        private final Set<String> fixed = new HashSet<>();

        private final Map<String, INDArray> values = new HashMap<>();

        /** How often a result will still be read, under its own name or as a view. */
        private final Map<String, Integer> pendingUses = new HashMap<>();

        private final Map<String, Arena.Place> places = new HashMap<>();

        /** For a result that is another's memory in another shape: whose. */
        private final Map<String, String> owners = new HashMap<>();

        /**
         * A run of an operator.
         *
         * @param operator the operator, or null where a result is another's memory in another shape
         * @param wanted those of its results that are handed on, by name; to keep the others would
         *     take a kilobyte of Java's heap each
         */
        private record Step(BoundOperator operator, Map<String, INDArray> wanted) {}

        Recording(
                Map<String, INDArray> placeholders,
                Map<String, INDArray> destinations,
                BiConsumer<String, INDArray> consumer) {
            this.destinations = Map.copyOf(destinations);
            placeholders.forEach(
                    (name, array) -> {
                        if (bound.contains(name)) {
                            inPlace.put(name, array);
                        } else {
                            staged.put(name, array.dup('c'));
                        }
                    });
            values.putAll(staged);
            values.putAll(inPlace);
            try {
                schedule.entries().forEach(entry -> record(entry, consumer));
            } catch (RuntimeException e) {
                close();
                throw e;
            } finally {
                readers.keySet().retainAll(staged.keySet());
                places.values().forEach(arena::free);
                values.clear();
                pendingUses.clear();
                places.clear();
                owners.clear();
            }
        }

        /** Whether the destinations are the arrays that the operators are bound to. */
        boolean writesInto(Map<String, INDArray> destinations) {
            return destinations.size() == this.destinations.size()
                    && destinations.entrySet().stream()
                            .allMatch(
                                    entry ->
                                            this.destinations.get(entry.getKey())
                                                    == entry.getValue());
        }

        boolean isBoundTo(Map<String, INDArray> placeholders) {
            return inPlace.entrySet().stream()
                    .allMatch(entry -> placeholders.get(entry.getKey()) == entry.getValue());
        }

        void replay(Map<String, INDArray> placeholders, BiConsumer<String, INDArray> consumer) {
            replay(placeholders, 0, steps.size(), consumer);
        }

        /** Runs the steps from one on up to another, given the inputs that are new. */
        void replay(
                Map<String, INDArray> placeholders,
                int from,
                int to,
                BiConsumer<String, INDArray> consumer) {
            placeholders.forEach(
                    (name, array) -> {
                        if (staged.containsKey(name)) {
                            staged.get(name).assign(array);
                        }
                    });
            for (Step step : steps.subList(from, to)) {
                if (step.operator() != null) {
                    step.operator().run();
                }
                step.wanted().forEach(consumer);
            }
        }

        /** Whether some of the inputs are these, by their shapes, and there are others. */
        boolean begins(Map<String, INDArray> placeholders) {
            return destinations.isEmpty()
                    && inPlace.isEmpty()
                    && staged.size() > placeholders.size()
                    && placeholders.entrySet().stream()
                            .allMatch(
                                    entry ->
                                            staged.containsKey(entry.getKey())
                                                    && Arrays.equals(
                                                            staged.get(entry.getKey()).shape(),
                                                            entry.getValue().shape()));
        }

        /** The number of the first step that reads an input other than these. */
        int readerOfOthers(Map<String, INDArray> placeholders) {
            Set<String> others = new HashSet<>(staged.keySet());
            others.removeAll(placeholders.keySet());
            return readerOf(others);
        }

        int readerOf(Set<String> inputs) {
            return inputs.stream()
                    .mapToInt(input -> readers.getOrDefault(input, steps.size()))
                    .min()
                    .orElse(steps.size());
        }

        private void record(Schedule.Entry entry, BiConsumer<String, INDArray> consumer) {
            SameDiffOp operator = entry.operator();
            List<String> names = operator.getOutputsOfOp();
            for (String input : operator.getInputsToOp()) {
                readers.putIfAbsent(input, steps.size());
            }
            INDArray[] inputs =
                    operator.getInputsToOp().stream().map(this::value).toArray(INDArray[]::new);
            INDArray view = NativeOperator.view(operator.getOp(), inputs);
            Step step;
            if (view != null) {
                share(operator, names.get(0), view, entry.uses()[0]);
                step = new Step(null, wanted(names, List.of(view)));
            } else {
                List<DataType> types =
                        names.stream().map(name -> graph.getVariable(name).dataType()).toList();
                List<INDArray> results = new ArrayList<>();
                boolean overwrites = operator.getOp() instanceof AddedRows;
                BoundOperator bound =
                        BoundOperator.bind(
                                operator.getOp(),
                                inputs,
                                types,
                                isForExecutor,
                                (type, shape) -> {
                                    int output = results.size();
                                    INDArray result =
                                            overwrites
                                                    ? inputs[0]
                                                    : allocate(
                                                            names.get(output),
                                                            entry.uses()[output],
                                                            type,
                                                            shape);
                                    results.add(result);
                                    return result;
                                });
                if (overwrites) {
                    share(operator, names.get(0), inputs[0], entry.uses()[0]);
                }
                bound.run();
                step = new Step(bound, wanted(names, results));
            }
            if (isFixed(operator)) {
                fixed.addAll(names);
            }
            if (!fixed.containsAll(names) && view == null || !step.wanted().isEmpty()) {
                steps.add(step);
            } else if (view == null) {
                step.operator().close();
            }
            step.wanted().forEach(consumer);
            release(operator);
        }

        private Map<String, INDArray> wanted(List<String> names, List<INDArray> results) {
            Map<String, INDArray> wanted = new LinkedHashMap<>();
            for (int i = 0; i < results.size(); i++) {
                if (outputs.contains(names.get(i))) {
                    wanted.put(names.get(i), results.get(i));
                }
            }
            return wanted.isEmpty() ? Map.of() : wanted;
        }

        /** Notes that an operator's result lies in the memory of its first input. */
        private void share(SameDiffOp operator, String name, INDArray result, int uses) {
            values.put(name, result);
            String owner = owner(operator.getInputsToOp().get(0));
            owners.put(name, owner);
            pendingUses.merge(owner, uses, Integer::sum);
        }

        private INDArray value(String name) {
            INDArray value = values.get(name);
            return value != null ? value : graph.getVariable(name).getArr();
        }

        private INDArray allocate(String name, int uses, DataType type, long[] shape) {
            INDArray array = destinations.get(schedule.endsAs(name));
            if (array != null && array.dataType() == type && Arrays.equals(array.shape(), shape)) {
                // Not the arena's to free.
            } else if (type == arena.dataType()) {
                Arena.Place place = arena.allocate(Math.max(1, length(shape)));
                places.put(name, place);
                pendingUses.put(name, uses);
                array = arena.array(place, shape);
            } else {
                array = Nd4j.createUninitialized(type, shape);
                integers.add(array);
            }
            values.put(name, array);
            return array;
        }

        private boolean isFixed(SameDiffOp operator) {
            boolean integer =
                    operator.getOutputsOfOp().stream()
                            .noneMatch(name -> graph.getVariable(name).dataType().isFPType());
            return integer
                    && (NativeOperator.readsShapeOnly(operator.getOp())
                            || operator.getInputsToOp().stream().allMatch(this::isConstant));
        }

        private boolean isConstant(String name) {
            SDVariable variable = graph.getVariable(name);
            return variable.getVariableType() == VariableType.CONSTANT || fixed.contains(name);
        }

        /** Gives back the places of results that no later operator reads. */
        private void release(SameDiffOp operator) {
            for (String input : operator.getInputsToOp()) {
                pendingUses.computeIfPresent(owner(input), (owner, pending) -> pending - 1);
            }
            Stream.concat(operator.getInputsToOp().stream(), operator.getOutputsOfOp().stream())
                    .map(this::owner)
                    .filter(owner -> places.containsKey(owner) && pendingUses.get(owner) == 0)
                    .distinct()
                    .toList()
                    .forEach(owner -> arena.free(places.remove(owner)));
        }

        private String owner(String name) {
            return owners.getOrDefault(name, name);
        }

        @Override
        public void close() {
            steps.stream()
                    .map(Step::operator)
                    .filter(operator -> operator != null)
                    .forEach(BoundOperator::close);
            integers.forEach(INDArray::close);
            staged.values().forEach(INDArray::close);
        }
    }

    private static long length(long[] shape) {
        long length = 1;
        for (long size : shape) {
            length *= size;
        }
        return length;
    }
}
