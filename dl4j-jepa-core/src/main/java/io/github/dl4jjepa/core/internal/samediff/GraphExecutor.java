package io.github.dl4jjepa.core.internal.samediff;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

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
    private static final int RECORDINGS_PER_COLLECTION = 16;
    private static final long SMALL_BLOCK_BYTES = 1L << 17;

    private final SameDiff graph;
    private final Set<String> outputs;
    private final Arena arena;

    /** Where copies of inputs lie, in the same memory for all recordings. */
    private final Map<DataType, Arena> inputArenas = new EnumMap<>(DataType.class);

    /**
     * Where results of other types than the arena's lie. They are kept from run to run, so that no
     * input of another recording may overwrite them.
     */
    private final Map<DataType, Arena> keptArenas = new EnumMap<>(DataType.class);

    private final Map<String, Tensor> variables = new HashMap<>();
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
                    return true;
                }
            };

    private int recorded;

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
            collectNowAndThen();
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
        for (Map<DataType, Arena> own : List.of(inputArenas, keptArenas)) {
            own.values().forEach(Arena::close);
            own.clear();
        }
    }

    /**
     * A recording leaves a megabyte of garbage behind. G1 would rather let Java's heap grow to
     * twice its size than collect that more often; a full collection gives the memory back.
     */
    private void collectNowAndThen() {
        recorded++;
        if (recorded % RECORDINGS_PER_COLLECTION == 0) {
            System.gc();
        }
    }

    /** The tensor of a variable's array, the same for all recordings. */
    private Tensor variable(String name) {
        INDArray array = graph.getVariable(name).getArr();
        Tensor known = variables.get(name);
        if (known == null || known.array() != array) {
            known = Tensor.of(array);
            variables.put(name, known);
        }
        return known;
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
        /** Copies of inputs; other recordings' lie in the same memory. */
        private final Map<String, Tensor> staged = new HashMap<>();

        private final Map<String, INDArray> destinations;
        private final Map<String, INDArray> inPlace = new HashMap<>();

        /** Of results that are kept from run to run. */
        private final List<Arena.Place> kept = new ArrayList<>();

        private final List<Step> steps = new ArrayList<>();

        /** Of each input, the number of the first step that reads it. */
        private final Map<String, Integer> readers = new HashMap<>();

        private final Map<String, Tensor> values = new HashMap<>();

        /** How often a result will still be read, under its own name or as a view. */
        private final Map<String, Integer> pendingUses = new HashMap<>();

        private final Map<String, Arena.Place> places = new HashMap<>();

        /** For a result that is another's memory in another shape: whose. */
        private final Map<String, String> owners = new HashMap<>();

        /**
         * A run of an operator.
         *
         * @param operator the operator, or null where a result is another's memory in another shape
         * @param wanted those of its results that are handed on, by name
         */
        private record Step(BoundOperator operator, Map<String, INDArray> wanted) {}

        Recording(
                Map<String, INDArray> placeholders,
                Map<String, INDArray> destinations,
                BiConsumer<String, INDArray> consumer) {
            this.destinations = Map.copyOf(destinations);
            List<Arena.Place> inputs = new ArrayList<>();
            placeholders.forEach(
                    (name, array) -> {
                        if (bound.contains(name)) {
                            inPlace.put(name, array);
                            values.put(name, Tensor.of(array));
                        } else {
                            staged.put(name, copy(array, inputs));
                            values.put(name, staged.get(name));
                        }
                    });
            try {
                schedule.entries().forEach(entry -> record(entry, consumer));
            } catch (RuntimeException e) {
                close();
                throw e;
            } finally {
                readers.keySet().retainAll(staged.keySet());
                inputs.forEach(Arena.Place::free);
                places.values().forEach(Arena.Place::free);
                values.clear();
                pendingUses.clear();
                places.clear();
                owners.clear();
            }
        }

        private Tensor copy(INDArray array, List<Arena.Place> allocated) {
            if (array.isEmpty()) {
                return Tensor.of(array);
            }
            Tensor copy = allocateOwn(inputArenas, array.dataType(), array.shape(), allocated);
            copy.assign(array);
            return copy;
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
            Tensor[] inputs =
                    operator.getInputsToOp().stream().map(this::value).toArray(Tensor[]::new);
            boolean isView = Views.isView(operator.getOp());
            Step step;
            if (isView) {
                Tensor view = Views.of(operator.getOp(), inputs);
                share(operator, names.get(0), view, entry.uses()[0]);
                step = new Step(null, wanted(names, List.of(view)));
            } else {
                List<Tensor> results = new ArrayList<>();
                BoundOperator bound = bind(entry, inputs, results);
                bound.run();
                step = new Step(bound, wanted(names, results));
            }
            if (!entry.isFixed() && !isView || !step.wanted().isEmpty()) {
                steps.add(step);
            } else if (!isView) {
                step.operator().close();
            }
            step.wanted().forEach(consumer);
            release(operator);
        }

        /** Binds an operator to its inputs and to places for its results, which it adds. */
        private BoundOperator bind(Schedule.Entry entry, Tensor[] inputs, List<Tensor> results) {
            SameDiffOp operator = entry.operator();
            List<String> names = operator.getOutputsOfOp();
            boolean overwrites = operator.getOp() instanceof AddedRows;
            if (overwrites) {
                share(operator, names.get(0), inputs[0], entry.uses()[0]);
            }
            return BoundOperator.bind(
                    operator.getOp(),
                    inputs,
                    entry.types(),
                    isForExecutor,
                    (type, shape) -> {
                        int output = results.size();
                        Tensor result =
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
        }

        private Map<String, INDArray> wanted(List<String> names, List<Tensor> results) {
            Map<String, INDArray> wanted = new LinkedHashMap<>();
            for (int i = 0; i < results.size(); i++) {
                if (outputs.contains(names.get(i))) {
                    wanted.put(names.get(i), results.get(i).array());
                }
            }
            return wanted.isEmpty() ? Map.of() : wanted;
        }

        /** Notes that an operator's result lies in the memory of its first input. */
        private void share(SameDiffOp operator, String name, Tensor result, int uses) {
            values.put(name, result);
            String owner = owner(operator.getInputsToOp().get(0));
            owners.put(name, owner);
            pendingUses.merge(owner, uses, Integer::sum);
        }

        private Tensor value(String name) {
            Tensor value = values.get(name);
            return value != null ? value : variable(name);
        }

        private Tensor allocate(String name, int uses, DataType type, long[] shape) {
            INDArray destination = destinations.get(schedule.endsAs(name));
            Tensor tensor;
            if (destination != null
                    && destination.dataType() == type
                    && Arrays.equals(destination.shape(), shape)) {
                tensor = Tensor.of(destination);
            } else if (type == arena.dataType()) {
                Arena.Place place = arena.allocate(Math.max(1, Tensor.length(shape)));
                places.put(name, place);
                pendingUses.put(name, uses);
                tensor = place.tensor(shape);
            } else {
                tensor = allocateOwn(keptArenas, type, shape, kept);
            }
            values.put(name, tensor);
            return tensor;
        }

        /** Allocates memory of the executor's own, and notes the place. */
        private static Tensor allocateOwn(
                Map<DataType, Arena> arenas,
                DataType type,
                long[] shape,
                List<Arena.Place> allocated) {
            Arena.Place place =
                    arenas.computeIfAbsent(type, key -> new Arena(key, SMALL_BLOCK_BYTES))
                            .allocate(Math.max(1, Tensor.length(shape)));
            allocated.add(place);
            return place.tensor(shape);
        }

        /** Gives back the places of results that no later operator reads. */
        private void release(SameDiffOp operator) {
            for (String input : operator.getInputsToOp()) {
                pendingUses.computeIfPresent(owner(input), (owner, pending) -> pending - 1);
            }
            operator.getInputsToOp().forEach(this::releaseIfRead);
            operator.getOutputsOfOp().forEach(this::releaseIfRead);
        }

        private void releaseIfRead(String name) {
            String owner = owner(name);
            if (places.containsKey(owner) && pendingUses.get(owner) == 0) {
                places.remove(owner).free();
            }
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
            kept.forEach(Arena.Place::free);
            kept.clear();
        }
    }
}
