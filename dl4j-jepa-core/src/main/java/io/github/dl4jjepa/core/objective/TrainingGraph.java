package io.github.dl4jjepa.core.objective;

import io.github.dl4jjepa.core.decoder.Decoder;
import io.github.dl4jjepa.core.internal.samediff.Arena;
import io.github.dl4jjepa.core.internal.samediff.Graphs;
import io.github.dl4jjepa.core.iterator.MultiViewBatch;
import io.github.dl4jjepa.core.parameters.ParameterSet;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A decoder under an objective, as SameDiff graphs with gradients.
 *
 * <p>The graph's inputs are {@code input_ids}, {@code position_ids}, {@code segment_ids} and {@code
 * prefix_ids}, INT32 {@code [rows, time]}; {@code label_indices} and {@code label_ids}, INT32
 * {@code [labels]}, negative ids being left out; where views are compared, {@code
 * prediction_indices} and {@code target_indices}, INT32 {@code [pairs, width]}, and {@code
 * answer_ids}, INT32 {@code [pairs]}; and the scalars {@code lm_weight} and {@code jepa_weight}.
 * Its outputs are {@code lm_sum}, {@code jepa_sum} and {@code loss = lm_weight * lm_sum +
 * jepa_weight * jepa_sum}. The head runs at the labeled positions only.
 *
 * <p>Batches without views run through a second graph without the JEPA term, drawn when the first
 * of them comes.
 *
 * <p>Not for use by several threads at once.
 */
public final class TrainingGraph implements GradientSource, AutoCloseable {
    /** Name of the hidden states {@code [rows * time, hidden]} in {@link #graph()}. */
    public static final String HIDDEN_STATES = "hidden_states";

    private final ModelUnderObjective model;
    private final @Nullable TargetEncoder targetEncoder;
    private final FlopCounter flopCounter;
    private final Map<LossGraph.Part, LossGraph> graphs = new EnumMap<>(LossGraph.Part.class);
    private @Nullable LossGraph shown;
    private @Nullable GraphCrossBatchStep crossBatchStep;

    /**
     * Draws and differentiates the graph.
     *
     * @param decoder the model; its parameters are shared, not copied
     * @param objective what is minimized
     * @throws IllegalArgumentException if all parameters of the decoder are frozen
     */
    public TrainingGraph(Decoder decoder, JepaObjective objective) {
        this(decoder, objective, null, false);
    }

    /**
     * Draws and differentiates the graph.
     *
     * @param decoder the model; its parameters are shared, not copied
     * @param objective what is minimized
     * @param predictor what the prediction's readout goes through before it is compared, or null
     * @param gradientCheckpointing whether to keep only what goes from layer to layer for the
     *     backward pass, and to compute the rest of a layer, and the logits an eighth at a time,
     *     again: less memory, more time, the same gradients but for the order in which the head's
     *     are added
     * @throws IllegalArgumentException if all parameters of the decoder are frozen
     */
    public TrainingGraph(
            Decoder decoder,
            JepaObjective objective,
            @Nullable LinearPredictor predictor,
            boolean gradientCheckpointing) {
        if (decoder.parameters().trainable().isEmpty()) {
            throw new IllegalArgumentException(
                    "all parameters of the decoder are frozen: there is nothing to train");
        }
        model =
                new ModelUnderObjective(
                        decoder.forTraining(),
                        objective,
                        predictor,
                        gradientCheckpointing,
                        new Arena(decoder.parameters().dataType()));
        targetEncoder =
                model.encodesTargets()
                        ? new TargetEncoder(decoder, objective.emaDecay(), model.arena())
                        : null;
        flopCounter = new FlopCounter(decoder, predictor, model.encodesTargets());
        graph(ownPart());
    }

    /**
     * The forward graph, to inspect, save or run: of SameDiff's own operators, with the parameters'
     * arrays. What {@link #accumulate} runs may be another graph of the same variables, in which
     * operators are fused ({@link Graphs#createForExecutor}).
     */
    public SameDiff graph() {
        if (shown == null) {
            LossGraph own = graph(ownPart());
            shown =
                    Graphs.isForExecutor(own.graph())
                            ? new LossGraph(model, ownPart(), Graphs.create())
                            : own;
        }
        return shown.graph();
    }

    @Override
    public JepaObjective objective() {
        return model.objective();
    }

    @Override
    public ParameterSet parameters() {
        return model.decoder().parameters().plus(model.auxiliaries());
    }

    @Override
    public Map<String, INDArray> state() {
        return targetEncoder == null ? Map.of() : targetEncoder.state();
    }

    @Override
    public void parametersUpdated() {
        if (targetEncoder != null) {
            targetEncoder.update();
        }
    }

    @Override
    public double flops(List<MultiViewBatch> batches, boolean hasJepaTerm) {
        return flopCounter.flops(batches, hasJepaTerm, embedsFirst(batches));
    }

    @Override
    public StepRequest.Totals totals(List<MultiViewBatch> batches) {
        return new StepRequest.Totals(
                batches.stream().mapToLong(MultiViewBatch::labels).sum(),
                batches.stream().mapToLong(model.term()::pairs).sum());
    }

    @Override
    public Losses accumulate(StepRequest step, BiConsumer<String, INDArray> gradients) {
        StepRequest.Totals own = totals(step.batches());
        StepRequest.Weights weights = step.weights();
        boolean hasJepaTerm = weights.lambda() > 0 && own.pairs() > 0;
        requireTotals(step, own, hasJepaTerm);
        if (hasJepaTerm && embedsFirst(step.batches())) {
            return accumulateAcross(step, gradients);
        }
        double lmWeight = weights.gamma() / step.totals().labels();
        double jepaWeight = hasJepaTerm ? weights.lambda() / step.totals().pairs() : 0;
        LossGraph graph = graph(hasJepaTerm ? LossGraph.Part.JEPA_TERM : LossGraph.Part.NONE);
        Losses sum = Losses.NONE;
        for (MultiViewBatch batch : step.batches()) {
            try (BatchFeed feed = new BatchFeed(model, targetEncoder, batch, step.seed())) {
                feed.weights(lmWeight, jepaWeight);
                if (hasJepaTerm) {
                    feed.jepaTerm(step.seed());
                }
                sum = sum.plus(graph.run(feed, gradients));
            }
        }
        return sum;
    }

    private void requireTotals(StepRequest step, StepRequest.Totals own, boolean hasJepaTerm) {
        StepRequest.Totals totals = step.totals();
        if (totals.labels() < own.labels() || (hasJepaTerm && totals.pairs() < own.pairs())) {
            throw new IllegalArgumentException(
                    "the batches have " + own + ", more than the whole step's " + totals);
        }
        if (hasJepaTerm
                && totals.pairs() > own.pairs()
                && model.objective().comparesAcrossPairs()) {
            throw new IllegalArgumentException(
                    "the objective compares the pairs of all batches, and "
                            + (totals.pairs() - own.pairs())
                            + " of the step's are not in this part: use crossBatchStep()");
        }
    }

    /** Whether the pairs of several batches are to be compared with each other. */
    private boolean embedsFirst(List<MultiViewBatch> batches) {
        return batches.size() > 1
                && model.objective().hasJepaTerm()
                && model.objective().comparesAcrossPairs()
                && totals(batches).pairs() > 0;
    }

    private Losses accumulateAcross(StepRequest step, BiConsumer<String, INDArray> gradients) {
        CrossBatchStep phases = crossBatchStep().orElseThrow();
        try (CrossBatchStep.PairEmbeddings embeddings = phases.embed(step);
                CrossBatchStep.PairGradients pairs =
                        phases.compare(List.of(embeddings), step.seed())) {
            return new Losses(0, 0, pairs.sum(), 0)
                    .plus(phases.backward(step, pairs.parts().get(0), gradients));
        }
    }

    @Override
    public Optional<CrossBatchStep> crossBatchStep() {
        if (!model.objective().hasJepaTerm() || !model.objective().comparesAcrossPairs()) {
            return Optional.empty();
        }
        if (crossBatchStep == null) {
            crossBatchStep = new GraphCrossBatchStep(model, targetEncoder);
        }
        return Optional.of(crossBatchStep);
    }

    @Override
    public Losses evaluate(MultiViewBatch batch) {
        boolean hasJepaTerm = model.term().pairs(batch) > 0;
        LossGraph graph = graph(hasJepaTerm ? LossGraph.Part.JEPA_TERM : LossGraph.Part.NONE);
        try (BatchFeed feed =
                new BatchFeed(model, targetEncoder, batch, StepRequest.Seed.EVALUATION)) {
            if (hasJepaTerm) {
                feed.jepaTerm(StepRequest.Seed.EVALUATION);
            }
            return graph.evaluate(feed);
        }
    }

    /** Frees the memory of intermediate results; the parameters stay. */
    @Override
    public void close() {
        graphs.values().forEach(LossGraph::close);
        if (shown != null) {
            shown.close();
        }
        if (crossBatchStep != null) {
            crossBatchStep.close();
        }
        if (targetEncoder != null) {
            targetEncoder.close();
        }
        model.arena().close();
    }

    private LossGraph.Part ownPart() {
        return model.objective().hasJepaTerm() ? LossGraph.Part.JEPA_TERM : LossGraph.Part.NONE;
    }

    private LossGraph graph(LossGraph.Part part) {
        return graphs.computeIfAbsent(part, kind -> new LossGraph(model, kind));
    }
}
