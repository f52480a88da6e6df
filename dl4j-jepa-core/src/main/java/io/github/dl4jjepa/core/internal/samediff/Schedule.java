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
import org.nd4j.autodiff.samediff.internal.SameDiffOp;

/**
 * The order in which a graph's operators run, and how often each result is read.
 *
 * <p>Operators run as they were drawn. Between two <em>checkpoints</em>, variables named by the
 * caller, results need not be kept: those that a later operator reads beyond the second checkpoint
 * are computed again just before (gradient checkpointing, arXiv 1604.06174). The graph stays as it
 * is; an operator then stands in the order twice.
 */
final class Schedule {
    private final SameDiff graph;
    private final Set<String> checkpoints;
    private final List<Entry> entries = new ArrayList<>();

    /** The operators of each gap between checkpoints, from 1; the second checkpoint's included. */
    private final Map<String, Integer> gaps = new HashMap<>();

    /** The results that may be computed again, and the gap they lie in. */
    private final Map<String, Integer> gapOf = new HashMap<>();

    private final Map<Integer, List<SameDiffOp>> recomputed = new HashMap<>();
    private final Set<Integer> restored = new HashSet<>();

    /**
     * One run of an operator.
     *
     * @param operator the operator
     * @param uses of each of its outputs, how often it is read before it is computed anew
     */
    record Entry(SameDiffOp operator, int[] uses) {}

    /**
     * @param graph the graph to run
     * @param outputs names of the variables that are wanted
     * @param checkpoints names of variables in the order in which they were drawn; fewer than two
     *     for nothing to be computed again
     * @throws IllegalArgumentException if the graph has loops
     */
    Schedule(SameDiff graph, Collection<String> outputs, List<String> checkpoints) {
        this.graph = graph;
        this.checkpoints = Set.copyOf(checkpoints);
        List<SameDiffOp> drawn = drawn(outputs);
        findGaps(drawn);
        for (SameDiffOp operator : drawn) {
            int gap = gap(operator);
            inputs(operator).stream()
                    .map(input -> gapOf.getOrDefault(input, 0))
                    .filter(other -> other != 0 && other != gap)
                    .forEach(this::restore);
            entries.add(new Entry(operator, new int[outputs(operator).size()]));
        }
        countUses();
    }

    /** What is run, in order. */
    List<Entry> entries() {
        return entries;
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

    /** Says what is between two checkpoints, and what of it is read beyond the second. */
    private void findGaps(List<SameDiffOp> drawn) {
        int last = -1;
        for (int i = 0; i < drawn.size(); i++) {
            if (isCheckpoint(drawn.get(i))) {
                last = i;
            }
        }
        int gap = 0;
        for (SameDiffOp operator : drawn.subList(0, last + 1)) {
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
        recomputed
                .get(gap)
                .forEach(
                        operator ->
                                entries.add(
                                        new Entry(operator, new int[outputs(operator).size()])));
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
