package io.github.dl4jjepa.core.internal.samediff;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.VariableType;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ops.DynamicCustomOp;

/**
 * The order in which a graph's operators run, and how often each result is read.
 *
 * <p>Operators run as they were drawn. Between two <em>checkpoints</em>, variables named by the
 * caller, results need not be kept: those that a later operator reads beyond the second checkpoint
 * are computed again just before (gradient checkpointing, arXiv 1604.06174). The graph stays as it
 * is; an operator then stands in the order twice.
 */
final class Schedule {
    /** Operators whose result follows from the shape of their input alone. */
    private static final Set<String> SHAPE_READERS = Set.of("shape_of", "size_at");

    private final SameDiff graph;
    private final Set<String> checkpoints;
    private final List<Entry> entries = new ArrayList<>();

    /** The operators of each gap between checkpoints, from 1; the second checkpoint's included. */
    private final Map<String, Integer> gaps = new HashMap<>();

    /** The results that may be computed again, and the gap they lie in. */
    private final Map<String, Integer> gapOf = new HashMap<>();

    private final Map<Integer, List<SameDiffOp>> recomputed = new HashMap<>();
    private final Set<Integer> restored = new HashSet<>();

    /** Of a result that rows are added to, the name that it has then. */
    private final Map<String, String> inPlace = new HashMap<>();

    /** Names of variables whose integers follow from the shapes of the inputs. */
    private final Set<String> fixed = new HashSet<>();

    /**
     * One run of an operator.
     *
     * @param operator the operator
     * @param types of each of its outputs
     * @param uses of each of its outputs, how often it is read before it is computed anew
     * @param isFixed whether its outputs are integers that follow from the shapes of the inputs
     */
    record Entry(SameDiffOp operator, List<DataType> types, int[] uses, boolean isFixed) {}

    /**
     * @param graph the graph to run
     * @param outputs names of the variables that are wanted
     * @param checkpoints names of variables in the order in which they were drawn; fewer than two
     *     for nothing to be computed again
     * @param fuses whether operators may be replaced by fused ones
     * @throws IllegalArgumentException if the graph has loops
     */
    Schedule(SameDiff graph, Collection<String> outputs, List<String> checkpoints, boolean fuses) {
        this.graph = graph;
        this.checkpoints = Set.copyOf(checkpoints);
        List<SameDiffOp> drawn = drawn(outputs);
        if (fuses) {
            drawn = new RowAdditions(drawn, outputs).replaced(lastCheckpoint(drawn) + 1);
        }
        findGaps(drawn);
        for (SameDiffOp operator : drawn) {
            int gap = gap(operator);
            inputs(operator).stream()
                    .map(input -> gapOf.getOrDefault(input, 0))
                    .filter(other -> other != 0 && other != gap)
                    .forEach(this::restore);
            entries.add(entry(operator));
        }
        countUses();
    }

    /** What is run, in order. */
    List<Entry> entries() {
        return entries;
    }

    /** The name under which a result's memory is handed on at last: rows may be added to it. */
    String endsAs(String name) {
        String next = inPlace.get(name);
        return next == null ? name : endsAs(next);
    }

    /** The operators that the outputs need, in the order in which the graph was drawn. */
    private List<SameDiffOp> drawn(Collection<String> outputs) {
        Set<String> needed = new HashSet<>();
        Deque<String> pending = new ArrayDeque<>(outputs);
        while (!pending.isEmpty()) {
            String operator = graph.getVariables().get(pending.pop()).getOutputOfOp();
            if (operator != null && needed.add(operator)) {
                pending.addAll(inputs(graph.getOps().get(operator)));
            }
        }
        List<SameDiffOp> drawn =
                graph.getOps().values().stream()
                        .filter(operator -> needed.contains(operator.getName()))
                        .toList();
        Set<String> known = new HashSet<>();
        for (SameDiffOp operator : drawn) {
            for (String input : inputs(operator)) {
                if (graph.getVariables().get(input).getOutputOfOp() != null
                        && !known.contains(input)) {
                    throw new IllegalArgumentException(
                            "operator "
                                    + operator.getName()
                                    + " reads "
                                    + input
                                    + " before it is computed: graphs with loops cannot be run");
                }
            }
            known.addAll(outputs(operator));
        }
        return drawn;
    }

    /** The index of the last operator that computes a checkpoint, or -1. */
    private int lastCheckpoint(List<SameDiffOp> drawn) {
        int last = -1;
        for (int i = 0; i < drawn.size(); i++) {
            if (isCheckpoint(drawn.get(i))) {
                last = i;
            }
        }
        return last;
    }

    /** Says what is between two checkpoints, and what of it is read beyond the second. */
    private void findGaps(List<SameDiffOp> drawn) {
        int gap = 0;
        for (SameDiffOp operator : drawn.subList(0, lastCheckpoint(drawn) + 1)) {
            gaps.put(operator.getName(), gap);
            if (isCheckpoint(operator)) {
                gap++;
            } else if (gap > 0 && computesReals(operator)) {
                for (String output : outputs(operator)) {
                    gapOf.put(output, gap);
                }
            }
        }
        Set<String> needed = new HashSet<>();
        for (int i = drawn.size() - 1; i >= 0; i--) {
            SameDiffOp operator = drawn.get(i);
            int own = gap(operator);
            boolean again =
                    outputs(operator).stream()
                            .anyMatch(name -> gapOf.containsKey(name) && needed.contains(name));
            if (again) {
                recomputed.computeIfAbsent(own, key -> new ArrayList<>()).add(0, operator);
            }
            for (String input : inputs(operator)) {
                if (again || gapOf.getOrDefault(input, own) != own) {
                    needed.add(input);
                }
            }
        }
    }

    private void restore(int gap) {
        if (!restored.add(gap)) {
            return;
        }
        for (SameDiffOp operator : recomputed.get(gap)) {
            inputs(operator).stream()
                    .map(input -> gapOf.getOrDefault(input, gap))
                    .filter(other -> other != gap)
                    .forEach(this::restore);
        }
        recomputed.get(gap).forEach(operator -> entries.add(entry(operator)));
    }

    private Entry entry(SameDiffOp operator) {
        List<DataType> types =
                outputs(operator).stream().map(name -> graph.getVariable(name).dataType()).toList();
        boolean isFixed =
                types.stream().noneMatch(DataType::isFPType)
                        && (SHAPE_READERS.contains(operator.getOp().opName())
                                || inputs(operator).stream().allMatch(this::isFixed));
        if (isFixed) {
            fixed.addAll(outputs(operator));
        }
        return new Entry(operator, types, new int[types.size()], isFixed);
    }

    private boolean isFixed(String name) {
        return fixed.contains(name)
                || graph.getVariable(name).getVariableType() == VariableType.CONSTANT;
    }

    private void countUses() {
        Map<String, Integer> reads = new HashMap<>();
        for (int i = entries.size() - 1; i >= 0; i--) {
            Entry entry = entries.get(i);
            List<String> outputs = outputs(entry.operator());
            for (int output = 0; output < outputs.size(); output++) {
                Integer uses = reads.remove(outputs.get(output));
                entry.uses()[output] = uses == null ? 0 : uses;
            }
            inputs(entry.operator()).forEach(input -> reads.merge(input, 1, Integer::sum));
        }
    }

    /** Finds sums that can be made in the memory of one of their terms, by {@link AddedRows}. */
    private final class RowAdditions {
        private final List<SameDiffOp> drawn;
        private final Map<String, Integer> reads = new HashMap<>();
        private final Map<String, SameDiffOp> producers = new HashMap<>();

        RowAdditions(List<SameDiffOp> drawn, Collection<String> outputs) {
            this.drawn = drawn;
            outputs.forEach(output -> reads.merge(output, 1, Integer::sum));
            for (SameDiffOp operator : drawn) {
                inputs(operator).forEach(input -> reads.merge(input, 1, Integer::sum));
                outputs(operator).forEach(output -> producers.put(output, operator));
            }
        }

        /** The operators with such sums replaced, from one operator on. */
        List<SameDiffOp> replaced(int from) {
            Map<String, SameDiffOp> replacements = new HashMap<>();
            Set<String> removed = new HashSet<>();
            for (SameDiffOp sum : drawn.subList(from, drawn.size())) {
                if (!adds(sum)) {
                    continue;
                }
                for (int term = 0; term < 2; term++) {
                    SameDiffOp scatter = producers.get(inputs(sum).get(term));
                    String table = inputs(sum).get(1 - term);
                    if (isScatterIntoZeros(scatter) && isOverwritable(table)) {
                        replacements.put(sum.getName(), added(table, scatter, sum));
                        removed.add(scatter.getName());
                        removed.add(producers.get(inputs(scatter).get(0)).getName());
                        inPlace.put(table, outputs(sum).get(0));
                        break;
                    }
                }
            }
            return drawn.stream()
                    .filter(operator -> !removed.contains(operator.getName()))
                    .map(operator -> replacements.getOrDefault(operator.getName(), operator))
                    .toList();
        }

        private static SameDiffOp added(String table, SameDiffOp scatter, SameDiffOp sum) {
            return SameDiffOp.builder()
                    .name(sum.getName())
                    .op(new AddedRows())
                    .inputsToOp(List.of(table, inputs(scatter).get(1), inputs(scatter).get(2)))
                    .outputsOfOp(outputs(sum))
                    .build();
        }

        /** Whether SameDiff adds two gradients of the same variable. */
        private boolean adds(SameDiffOp operator) {
            return operator.getOp().opName().equals("add")
                    && operator.getOp() instanceof DynamicCustomOp custom
                    && custom.numIArguments() == 0
                    && inputs(operator).size() == 2
                    && graph.getVariable(outputs(operator).get(0)).dataType() == DataType.FLOAT;
        }

        /** Whether an operator is the gradient of a gather, and read once. */
        private boolean isScatterIntoZeros(SameDiffOp operator) {
            if (operator == null || !operator.getOp().opName().equals("scatter_add")) {
                return false;
            }
            SameDiffOp zeros = producers.get(inputs(operator).get(0));
            return operator.getOp() instanceof DynamicCustomOp custom
                    && custom.numBArguments() > 0
                    && isReadOnce(operator)
                    && zeros != null
                    && zeros.getOp().opName().equals("zeroslike")
                    && isReadOnce(zeros);
        }

        private boolean isReadOnce(SameDiffOp operator) {
            return reads.get(outputs(operator).get(0)) == 1;
        }

        /** Whether a variable has memory of its own that nothing else reads. */
        private boolean isOverwritable(String variable) {
            SameDiffOp producer = producers.get(variable);
            return producer != null && !Views.isView(producer.getOp()) && reads.get(variable) == 1;
        }
    }

    private int gap(SameDiffOp operator) {
        return gaps.getOrDefault(operator.getName(), 0);
    }

    private boolean isCheckpoint(SameDiffOp operator) {
        return outputs(operator).stream().anyMatch(checkpoints::contains);
    }

    private boolean computesReals(SameDiffOp operator) {
        return outputs(operator).stream()
                .allMatch(name -> graph.getVariable(name).dataType().isFPType());
    }

    private static List<String> inputs(SameDiffOp operator) {
        if (operator.getInputsToOp() == null) {
            operator.setInputsToOp(List.of());
        }
        return operator.getInputsToOp();
    }

    private static List<String> outputs(SameDiffOp operator) {
        return operator.getOutputsOfOp();
    }
}
