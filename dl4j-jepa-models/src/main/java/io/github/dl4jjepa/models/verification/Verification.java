package io.github.dl4jjepa.models.verification;

import io.github.dl4jjepa.core.decoder.Decoder;
import io.github.dl4jjepa.core.internal.samediff.Graphs;
import io.github.dl4jjepa.core.iterator.MultiViewBatch;
import io.github.dl4jjepa.core.objective.Distance;
import io.github.dl4jjepa.core.objective.DistanceKind;
import io.github.dl4jjepa.core.objective.JepaObjective;
import io.github.dl4jjepa.core.objective.Losses;
import io.github.dl4jjepa.core.objective.StepRequest;
import io.github.dl4jjepa.core.objective.TrainingGraph;
import io.github.dl4jjepa.core.view.LanguageModelLayout;
import io.github.dl4jjepa.core.view.LayoutKind;
import io.github.dl4jjepa.core.view.ViewLayout;
import io.github.dl4jjepa.core.view.ViewOptions;
import io.github.dl4jjepa.models.decoder.TransformerDecoder;
import io.github.dl4jjepa.models.generation.Generation;
import io.github.dl4jjepa.models.generation.GenerationOptions;
import io.github.dl4jjepa.models.generation.Generator;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Answers "is my import right?": compares a decoder with reference outputs that transformers
 * exported.
 *
 * <p>Compared are hidden states, logits, view embeddings, the language-model and JEPA losses, the
 * gradient of every parameter, both through each layout of the views, and greedy continuations.
 *
 * <p>Not for use by several threads at once.
 */
public final class Verification {
    private static final int PAD = 0;

    private final TransformerDecoder decoder;
    private final Reference reference;
    private final double tolerance;
    private final List<Check> checked = new ArrayList<>();

    private Verification(TransformerDecoder decoder, Reference reference, double tolerance) {
        this.decoder = decoder;
        this.reference = reference;
        this.tolerance = tolerance;
    }

    /**
     * Compares a decoder with a reference.
     *
     * @param decoder the imported model
     * @param referenceFolder folder with golden.json, golden.safetensors and grads.safetensors
     * @param tolerance the largest relative error that passes
     * @throws io.github.dl4jjepa.core.JepaException if the reference is not complete
     */
    public static Report run(TransformerDecoder decoder, Path referenceFolder, double tolerance) {
        Verification verification =
                new Verification(decoder, Reference.open(referenceFolder), tolerance);
        return verification.run();
    }

    private Report run() {
        checkOutputs();
        Map<String, Double> expected = new LinkedHashMap<>(reference.losses());
        int[] predictorIds = reference.predictorIds();
        Set<String> found = new HashSet<>();
        for (LayoutKind layout : LayoutKind.values()) {
            found.addAll(checkLosses(layout, 0));
            found.addAll(checkLosses(layout, predictorIds.length));
        }
        expected.keySet().removeAll(found);
        checkContinuations();
        return new Report(checked, List.copyOf(expected.keySet()));
    }

    private MultiViewBatch batch(ViewLayout layout) {
        return MultiViewBatch.of(reference.examples(), layout, PAD);
    }

    private ViewLayout layout(LayoutKind kind, int predictors) {
        return kind.of(ViewOptions.predictors(Arrays.copyOf(reference.predictorIds(), predictors)));
    }

    private void checkOutputs() {
        SameDiff graph = Graphs.create();
        SDVariable hidden =
                decoder.hiddenStates(
                        graph,
                        new Decoder.TokenInputs(
                                graph.placeHolder("ids", DataType.INT32, -1, -1),
                                graph.placeHolder("positions", DataType.INT32, -1, -1),
                                graph.placeHolder("segments", DataType.INT32, -1, -1),
                                graph.placeHolder("prefixes", DataType.INT32, -1, -1)));
        String logits = decoder.logits(hidden).name();

        MultiViewBatch rows = batch(new LanguageModelLayout());
        Map<String, INDArray> outputs = graph.output(placeholders(rows), hidden.name(), logits);
        checkRows("hidden", Objects.requireNonNull(outputs.get(hidden.name())));
        checkRows("logits", Objects.requireNonNull(outputs.get(logits)));
        checkReadouts(graph, hidden.name(), 0, "enc_text");
        checkReadouts(graph, hidden.name(), reference.predictorIds().length, "pred_text");
    }

    /** Compares the rows of real tokens; the reference may be padded further than we are. */
    private void checkRows(String name, INDArray ours) {
        INDArray golden = reference.tensor(name);
        int[][] mask = reference.integers("attention_mask");
        int time = (int) (ours.size(0) / mask.length);
        List<INDArray> ourRows = new ArrayList<>();
        List<INDArray> goldenRows = new ArrayList<>();
        for (int row = 0; row < mask.length; row++) {
            for (int t = 0; t < mask[row].length; t++) {
                if (mask[row][t] == 1) {
                    ourRows.add(ours.getRow((long) row * time + t));
                    goldenRows.add(
                            golden.tensorAlongDimension((long) row * mask[row].length + t, 2));
                }
            }
        }
        check(name, Nd4j.vstack(ourRows), Nd4j.vstack(goldenRows));
    }

    private void checkReadouts(SameDiff graph, String hidden, int predictors, String prediction) {
        MultiViewBatch rows = batch(layout(LayoutKind.SEPARATE, predictors));
        INDArray states = graph.outputSingle(placeholders(rows), hidden);
        check(
                prediction,
                read(states, Objects.requireNonNull(rows.predictionIndices())),
                reference.tensor(prediction));
        if (predictors == 0) {
            check(
                    "enc_code",
                    read(states, Objects.requireNonNull(rows.targetIndices())),
                    reference.tensor("enc_code"));
        }
    }

    private static INDArray read(INDArray states, INDArray indices) {
        return states.getRows(indices.ravel().toIntVector());
    }

    private static Map<String, INDArray> placeholders(MultiViewBatch rows) {
        return Map.of(
                "ids", rows.inputIds(),
                "positions", rows.positionIds(),
                "segments", rows.segmentIds(),
                "prefixes", rows.prefixIds());
    }

    /**
     * Compares the losses in a layout, and the gradients if the reference's total is made of them.
     *
     * @return the names of the losses found in the reference
     */
    private Set<String> checkLosses(LayoutKind layout, int predictors) {
        double lmWeight = reference.number("lm_weight");
        double lambda = reference.number("lambda");
        Map<String, INDArray> gradients = new LinkedHashMap<>();
        JepaObjective objective =
                JepaObjective.builder().optGamma(lmWeight).optLambda(lambda).build();
        StepRequest.Weights weights = new StepRequest.Weights(lmWeight, lambda);
        MultiViewBatch batch = batch(layout(layout, predictors));
        Map<String, Double> ours = new LinkedHashMap<>();
        try (TrainingGraph graph = new TrainingGraph(decoder, objective)) {
            Losses losses =
                    graph.accumulate(
                            graph.wholeStep(List.of(batch), weights, new StepRequest.Seed(0, 1)),
                            (name, gradient) -> gradients.put(name, gradient.dup()));
            ours.put("cosine_k" + predictors, losses.jepa());
            if (predictors == reference.predictorIds().length) {
                ours.put("lm", losses.languageModel());
                ours.put("total", losses.total(weights));
                checkGradients(layout, gradients);
            }
        }
        if (layout == LayoutKind.SEPARATE) {
            distances()
                    .forEach(
                            (name, distance) ->
                                    ours.put(name + "_k" + predictors, mean(distance, batch)));
        }
        ours.keySet().retainAll(reference.losses().keySet());
        ours.forEach(
                (name, value) -> {
                    double golden = Objects.requireNonNull(reference.losses().get(name));
                    check(
                            "loss " + name + ", " + layout,
                            Math.abs(value - golden) / Math.abs(golden));
                });
        return ours.keySet();
    }

    /** The distances other than the cosine by the names of their golden values. */
    private Map<String, Distance> distances() {
        double temperature = reference.number("infonce_temperature");
        return Map.of(
                "l2",
                DistanceKind.L2.of(temperature),
                "mse",
                DistanceKind.MSE.of(temperature),
                "infonce",
                DistanceKind.INFO_NCE.of(temperature),
                "infonce_text_to_code",
                DistanceKind.INFO_NCE_ONE_WAY.of(temperature));
    }

    private double mean(Distance distance, MultiViewBatch batch) {
        JepaObjective objective = JepaObjective.builder().optDistance(distance).build();
        try (TrainingGraph graph = new TrainingGraph(decoder, objective)) {
            return graph.evaluate(batch).jepa();
        }
    }

    private void checkGradients(LayoutKind layout, Map<String, INDArray> gradients) {
        TreeSet<String> names = new TreeSet<>(gradients.keySet());
        names.addAll(reference.gradientNames());
        for (String name : names) {
            if (!gradients.containsKey(name) || !reference.gradientNames().contains(name)) {
                check("gradient " + name + ", " + layout, Double.POSITIVE_INFINITY);
            } else {
                check(
                        "gradient " + name + ", " + layout,
                        gradients.get(name),
                        reference.gradient(name));
            }
        }
    }

    private void checkContinuations() {
        List<Reference.Continuation> continuations = reference.continuations();
        try (Generator generator = new Generator(decoder)) {
            for (int i = 0; i < continuations.size(); i++) {
                Reference.Continuation golden = continuations.get(i);
                List<int[]> prompt = List.of(golden.prompt());
                GenerationOptions options =
                        GenerationOptions.builder().optMaxNewTokens(golden.tokens().length).build();
                Generation ours = generator.generate(prompt, options).get(0);
                int different = 0;
                for (int t = 0; t < golden.tokens().length; t++) {
                    different += ours.ids()[t] == golden.tokens()[t] ? 0 : 1;
                }
                check("greedy tokens " + (i + 1), (double) different / golden.tokens().length);
            }
        }
    }

    private void check(String name, INDArray ours, INDArray golden) {
        INDArray expected = golden.castTo(DataType.DOUBLE);
        INDArray difference = ours.castTo(DataType.DOUBLE).sub(expected);
        check(name, difference.norm2Number().doubleValue() / expected.norm2Number().doubleValue());
    }

    private void check(String name, double error) {
        checked.add(new Check(name, error, error <= tolerance));
    }

    /**
     * One comparison with the reference.
     *
     * @param name what was compared
     * @param error relative error: the distance to the reference divided by its norm, over all
     *     numbers of one tensor; for greedy tokens the share that differs
     * @param passed whether the error is within the tolerance
     */
    public record Check(String name, double error, boolean passed) {}

    /**
     * What a verification found.
     *
     * @param checked the comparisons made
     * @param skipped reference values that nothing is compared with, by name
     */
    public record Report(List<Verification.Check> checked, List<String> skipped) {
        public Report {
            checked = List.copyOf(checked);
            skipped = List.copyOf(skipped);
        }

        /** How many comparisons were within the tolerance. */
        public long passed() {
            return checked.stream().filter(Verification.Check::passed).count();
        }

        /** How many were not. */
        public long failed() {
            return checked.size() - passed();
        }
    }
}
