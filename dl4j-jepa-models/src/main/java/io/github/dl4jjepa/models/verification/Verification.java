package io.github.dl4jjepa.models.verification;

import io.github.dl4jjepa.core.decoder.TokenInputs;
import io.github.dl4jjepa.core.iterator.MultiViewBatch;
import io.github.dl4jjepa.core.objective.CosineDistance;
import io.github.dl4jjepa.core.objective.JepaObjective;
import io.github.dl4jjepa.core.objective.Losses;
import io.github.dl4jjepa.core.objective.TrainingGraph;
import io.github.dl4jjepa.core.samediff.Graphs;
import io.github.dl4jjepa.models.decoder.TransformerDecoder;
import io.github.dl4jjepa.models.generation.GreedyGenerator;
import io.github.dl4jjepa.models.generation.GreedyGenerator.Generation;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
 * gradient of every parameter, and greedy continuations.
 */
public final class Verification {
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
        int k = reference.predictors();
        checkLosses("_k0", lossBatch("text_ids", "text_mask"), expected);
        checkLosses("_k" + k, lossBatch("text_pred_ids", "text_pred_mask"), expected);
        checkContinuations();
        return new Report(checked, List.copyOf(expected.keySet()));
    }

    private MultiViewBatch lossBatch(String textIds, String textMask) {
        return new ReferenceRows()
                .addLabelled(reference)
                .addPredictions(reference, textIds, textMask)
                .addTargets(reference)
                .batch();
    }

    private void checkOutputs() {
        SameDiff graph = Graphs.create();
        SDVariable hidden =
                decoder.hiddenStates(
                        graph,
                        new TokenInputs(
                                graph.placeHolder("ids", DataType.INT32, -1, -1),
                                graph.placeHolder("positions", DataType.INT32, -1, -1),
                                graph.placeHolder("segments", DataType.INT32, -1, -1)));
        String logits = decoder.logits(hidden).name();

        MultiViewBatch rows = new ReferenceRows().addLabelled(reference).batch();
        Map<String, INDArray> outputs = graph.output(placeholders(rows), hidden.name(), logits);
        checkRows("hidden", outputs.get(hidden.name()));
        checkRows("logits", outputs.get(logits));
        checkReadout(graph, hidden.name(), "enc_text", "text_ids", "text_mask");
        checkReadout(graph, hidden.name(), "pred_text", "text_pred_ids", "text_pred_mask");
        checkReadout(graph, hidden.name(), "enc_code", "code_ids", "code_mask");
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

    private void checkReadout(SameDiff graph, String hidden, String name, String ids, String mask) {
        MultiViewBatch rows = new ReferenceRows().addPredictions(reference, ids, mask).batch();
        INDArray states = graph.outputSingle(placeholders(rows), hidden);
        check(name, states.getRows(rows.predictionIndices().toIntVector()), reference.tensor(name));
    }

    private static Map<String, INDArray> placeholders(MultiViewBatch rows) {
        return Map.of(
                "ids",
                rows.inputIds(),
                "positions",
                rows.positionIds(),
                "segments",
                rows.segmentIds());
    }

    /**
     * Compares the losses of a batch, and the gradients if the reference's total is made of them.
     */
    private void checkLosses(String suffix, MultiViewBatch batch, Map<String, Double> expected) {
        double lmWeight = reference.number("lm_weight");
        double lambda = reference.number("lambda");
        Map<String, INDArray> gradients = new LinkedHashMap<>();
        decoder.parameters().forEach((name, value) -> gradients.put(name, value.ulike().assign(0)));
        JepaObjective objective = new JepaObjective(lmWeight, lambda, new CosineDistance());
        try (TrainingGraph graph = new TrainingGraph(decoder, objective)) {
            Losses losses =
                    graph.accumulate(
                            batch, lmWeight / batch.labels(), lambda / batch.pairs(), gradients);
            checkLoss("cosine" + suffix, losses.jepa(), expected);
            if (suffix.equals("_k" + reference.predictors())) {
                checkLoss("lm", losses.languageModel(), expected);
                checkLoss("total", losses.total(objective), expected);
                checkGradients(gradients);
            }
        }
    }

    private void checkLoss(String name, double ours, Map<String, Double> expected) {
        Double golden = expected.remove(name);
        if (golden != null) {
            check("loss " + name, Math.abs(ours - golden) / Math.abs(golden));
        }
    }

    private void checkGradients(Map<String, INDArray> gradients) {
        TreeSet<String> names = new TreeSet<>(gradients.keySet());
        names.addAll(reference.gradientNames());
        for (String name : names) {
            if (!gradients.containsKey(name) || !reference.gradientNames().contains(name)) {
                check("gradient " + name, Double.POSITIVE_INFINITY);
            } else {
                check("gradient " + name, gradients.get(name), reference.gradient(name));
            }
        }
    }

    private void checkContinuations() {
        List<Reference.Continuation> continuations = reference.continuations();
        try (GreedyGenerator generator = new GreedyGenerator(decoder)) {
            for (int i = 0; i < continuations.size(); i++) {
                Reference.Continuation golden = continuations.get(i);
                List<int[]> prompt = List.of(golden.prompt());
                Generation ours =
                        generator.generate(prompt, golden.tokens().length, List.of()).get(0);
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
}
