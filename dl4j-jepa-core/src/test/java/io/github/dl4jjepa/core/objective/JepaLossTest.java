package io.github.dl4jjepa.core.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.github.dl4jjepa.core.internal.samediff.FiniteDifferences;
import io.github.dl4jjepa.core.ops.Ops;
import java.io.File;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.TrainingConfig;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.dataset.adapter.SingletonMultiDataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;

class JepaLossTest {
    private final SameDiff sd = SameDiff.create();
    private final SDVariable hidden = sd.var("hidden", Nd4j.rand(DataType.DOUBLE, 6, 4).subi(0.5));
    private final SDVariable languageModel = hidden.mul(hidden).mean();

    private static final Map<String, INDArray> PAIRS =
            Map.of(
                    "p", Nd4j.createFromArray(new int[][] {{0, -1}, {2, 3}}),
                    "t", Nd4j.createFromArray(new int[][] {{1}, {4}}),
                    "a", Nd4j.createFromArray(0, 1));

    @Test
    void itsGradientAgreesWithFiniteDifferencesUnderNamesOfOnesOwn() {
        JepaLoss loss =
                JepaLoss.attach(
                        hidden,
                        languageModel,
                        JepaObjective.builder()
                                .optGamma(0.7)
                                .optLambda(0.3)
                                .optDistance(InfoNce.symmetric(0.5))
                                .build(),
                        new JepaLoss.Names("p", "t", "a", "views", "all"));
        assertThat(loss.loss().name()).isEqualTo("all");
        assertThat(sd.getLossVariables()).containsExactly("all");
        assertThat(sd.outputSingle(PAIRS, "views").getDouble(0)).isPositive();
        FiniteDifferences.assertGradients(sd, "all", PAIRS, 1e-6);
    }

    @Test
    void refusesWhatAGraphCannotHold() {
        assertRefused(JepaObjective.cosine(0), "above 0");
        assertRefused(
                JepaObjective.builder().optCalibration(new Calibration(1, 1)).build(), "fixed");
        assertRefused(JepaObjective.builder().optTarget(TargetMode.EMA).build(), "JepaTrainer");
        assertRefused(
                JepaObjective.builder().optDistance(new SemanticTube()).build(), "JepaTrainer");
        assertRefused(
                JepaObjective.builder().optRegularizer(new SigReg(4), 1).build(), "JepaTrainer");
    }

    private static final JepaLoss.Names OTHER_NAMES =
            new JepaLoss.Names("p2", "t2", "a2", "views2", "all2");

    /** {@code sd.loss} in all its reductions, and the other operators of docs/nd4j.md. */
    static Stream<Arguments> lossesWithWrongGradients() {
        return Stream.of(
                refused(
                        "sparse_softmax_cross_entropy_loss_with_logits",
                        sd -> sd.loss().sparseSoftmaxCrossEntropy(v(sd), labels(sd)).mean()),
                refused(
                        "softmax_cross_entropy_loss",
                        sd -> sd.loss().softmaxCrossEntropy(zeros(sd), v(sd), null)),
                refused(
                        "mean_sqerr_loss",
                        sd -> sd.loss().meanSquaredError(zeros(sd), v(sd), null).mul(2)),
                refused("l2_loss", sd -> sd.loss().l2Loss(v(sd))),
                refused("swish", sd -> sd.nn().swish(v(sd)).mean()),
                refused("cumsum", sd -> sd.cumsum(v(sd), 1).mean()),
                refused(
                        "gather",
                        sd -> sd.gather(v(sd), sd.constant(Nd4j.createFromArray(1)), 1).mean()));
    }

    private static Arguments refused(String operator, Function<SameDiff, SDVariable> loss) {
        return Arguments.of(operator, loss);
    }

    private static SDVariable v(SameDiff sd) {
        return sd.getVariable("hidden");
    }

    private static SDVariable labels(SameDiff sd) {
        return sd.constant(Nd4j.createFromArray(0, 1, 2, 3, 0, 1));
    }

    private static SDVariable zeros(SameDiff sd) {
        return sd.constant(Nd4j.zeros(DataType.DOUBLE, 6, 4));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("lossesWithWrongGradients")
    void refusesByNameALossWhoseGradientWouldBeWrongAndLeavesTheGraphAlone(
            String operator, Function<SameDiff, SDVariable> loss) {
        SDVariable drawn = loss.apply(sd);
        int variables = sd.variables().size();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> JepaLoss.attach(hidden, drawn, JepaObjective.cosine(0.5)))
                .withMessageContaining("operator " + operator)
                .withMessageMatching(".*; .+");
        assertThat(sd.variables()).hasSize(variables);
    }

    @Test
    void suchAnOperatorBesideTheLossDoesNotMatter() {
        sd.loss().l2Loss(hidden); // which makes itself a loss of the graph
        sd.setLossVariables(languageModel.name());
        sd.cumsum(sd.constant(Nd4j.ones(DataType.DOUBLE, 6, 4)), 1).add(hidden);
        SDVariable stopped = sd.nn().swish(Ops.stopGradient(hidden)).mean();
        JepaLoss loss =
                JepaLoss.attach(hidden, languageModel.add(stopped), JepaObjective.cosine(0.5));
        assertThat(loss.loss().name()).isEqualTo("loss");
    }

    /** The composed cross entropy that the messages name, with all that a decoder's head has. */
    @Test
    void theGradientOfWhatIsAcceptedAgreesWithFiniteDifferences() {
        SDVariable head = sd.var("head", Nd4j.randn(DataType.DOUBLE, 5, 4));
        SDVariable gain = sd.var("gain", Nd4j.randn(DataType.DOUBLE, 4));
        SDVariable normed = sd.nn().layerNorm(hidden, gain, gain, false, 1);
        SDVariable rows = sd.gather(normed, sd.constant(Nd4j.createFromArray(0, 2, 2, 5)), 0);
        SDVariable logits = sd.nn().gelu(rows).mmul(sd.transpose(head));
        SDVariable loss =
                Ops.crossEntropySum(logits, sd.constant(Nd4j.createFromArray(4, 0, -1, 1)), 5)
                        .div(3);
        JepaLoss.attach(
                normed,
                loss,
                JepaObjective.builder()
                        .optGamma(0.7)
                        .optLambda(0.3)
                        .optDistance(InfoNce.symmetric(0.5))
                        .build(),
                new JepaLoss.Names("p", "t", "a", "views", "all"));
        FiniteDifferences.assertGradients(sd, "all", PAIRS, 1e-6);
    }

    @Test
    void refusesToAttachTwice() {
        JepaLoss first = JepaLoss.attach(hidden, languageModel, JepaObjective.cosine(0.5));
        assertRefused(JepaObjective.cosine(0.5), "attached already");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> JepaLoss.attach(hidden, first.loss(), JepaObjective.cosine(0.5)))
                .withMessageContaining("attached already");
        assertThatIllegalArgumentException()
                .isThrownBy(
                        () ->
                                JepaLoss.attach(
                                        hidden,
                                        languageModel,
                                        JepaObjective.cosine(0.5),
                                        OTHER_NAMES))
                .withMessageContaining("loss loss is no part of the language-model loss");
    }

    @Test
    void aSecondTermIsAttachedToTheFirstOnesLoss() {
        JepaLoss first =
                JepaLoss.attach(
                        hidden,
                        languageModel,
                        JepaObjective.cosine(0.5),
                        new JepaLoss.Names("p", "t", "a", "views", "all"));
        JepaLoss.attach(hidden, first.loss(), JepaObjective.cosine(0.25), OTHER_NAMES);
        Map<String, INDArray> pairs = new HashMap<>(PAIRS);
        pairs.put("p2", Nd4j.createFromArray(new int[][] {{5}}));
        pairs.put("t2", Nd4j.createFromArray(new int[][] {{0}}));
        pairs.put("a2", Nd4j.createFromArray(7));
        FiniteDifferences.assertGradients(sd, "all2", pairs, 1e-6);
    }

    @Test
    void refusesALossOfAnotherGraphAndOneThatWouldBeDropped() {
        SameDiff other = SameDiff.create();
        SDVariable foreign = other.var("x", Nd4j.scalar(1.0));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> JepaLoss.attach(hidden, foreign, JepaObjective.cosine(0.5)))
                .withMessageContaining("two graphs");
        hidden.norm1().rename("penalty").markAsLoss();
        assertRefused(JepaObjective.cosine(0.5), "loss penalty is no part");
    }

    private static TrainingConfig training(String... labels) {
        return TrainingConfig.builder()
                .updater(new Adam(0.1))
                .dataSetFeatureMapping("x")
                .dataSetLabelMapping(labels)
                .build();
    }

    @Test
    void aLoadedGraphTrainsOnAfterResume(@TempDir Path folder) throws Exception {
        SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 4);
        SDVariable states = x.add(hidden);
        JepaLoss loss =
                JepaLoss.attach(states, states.mul(states).mean(), JepaObjective.cosine(0.5));
        sd.setTrainingConfig(
                training(
                        loss.names().predictionIndices(),
                        loss.names().targetIndices(),
                        loss.names().answerIds()));
        MultiDataSetIterator batches =
                new SingletonMultiDataSetIterator(
                        new MultiDataSet(
                                new INDArray[] {Nd4j.ones(DataType.DOUBLE, 6, 4)},
                                new INDArray[] {PAIRS.get("p"), PAIRS.get("t"), PAIRS.get("a")}));
        sd.fit(batches, 1);
        File file = folder.resolve("graph.fb").toFile();
        sd.save(file, true);
        double expected = fit(sd, batches);
        SameDiff loaded = SameDiff.load(file, true);
        assertThat(fit(loaded, batches)).as("what SameDiff reports without resume").isZero();
        SameDiff resumed = SameDiff.load(file, true);
        JepaLoss again = JepaLoss.resume(resumed);
        assertThat(again.loss().name()).isEqualTo("loss");
        assertThat(fit(resumed, batches)).isEqualTo(expected).isPositive();
        assertThat(resumed.getVariable("hidden").getArr()).isEqualTo(hidden.getArr());
        assertThatIllegalArgumentException()
                .isThrownBy(
                        () -> JepaLoss.attach(v(resumed), again.loss(), JepaObjective.cosine(1)))
                .withMessageContaining("JepaLoss.resume");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> JepaLoss.resume(SameDiff.create()))
                .withMessageContaining("no variable prediction_indices");
    }

    private static double fit(SameDiff graph, MultiDataSetIterator batches) {
        return graph.fit(batches, 1).lossCurve().meanLoss("loss")[0];
    }

    private void assertRefused(JepaObjective objective, String message) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> JepaLoss.attach(hidden, languageModel, objective))
                .withMessageContaining(message);
    }
}
