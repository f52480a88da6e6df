package io.github.dl4jjepa.core.objective;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jjepa.core.WeightSchedule;
import io.github.dl4jjepa.core.view.TokenSpan;
import io.github.dl4jjepa.core.view.TokenizedExample;
import io.github.dl4jjepa.core.view.TokenizedView;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.Serializable;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** What travels between the machines of a cluster, by Java serialization. */
class SerializationTest {
    static Stream<Serializable> values() {
        int[] ids = {5, 6, 7, 8, 2};
        return Stream.concat(
                Stream.concat(
                        Stream.of(DistanceKind.values()).map(kind -> kind.of(0.3)),
                        Stream.of(new SigReg(16), new VicReg())),
                Stream.of(
                        JepaObjective.cosine(0.5),
                        JepaObjective.builder()
                                .optGamma(0.5)
                                .optLambda(2)
                                .optLambdaSchedule(WeightSchedule.COSINE)
                                .optDistance(InfoNce.centered(0.1))
                                .optRegularizer(new SigReg(8), 0.1)
                                .optRegularizer(new VicReg(), 0.2)
                                .optTarget(TargetMode.EMA)
                                .optEmaDecay(0.9)
                                .optLossDropout(0.25)
                                .build(),
                        JepaObjective.builder().optCalibration(new Calibration(0.3, 100)).build(),
                        new Calibration(0.3, 100),
                        new Losses(1.5, 3, 0.25, 2),
                        new StepRequest.Weights(1, 0.5),
                        new StepRequest.Totals(7, 2),
                        new StepRequest.Seed(42, 9),
                        new TokenizedExample(
                                "pairs.jsonl:1",
                                ids,
                                new TokenSpan(2, 5),
                                List.of(
                                        TokenizedView.inRow(ids, new TokenSpan(0, 2)),
                                        TokenizedView.alone(9, 10)))));
    }

    @ParameterizedTest
    @MethodSource("values")
    void aValueIsTheSameAfterJavaSerialization(Serializable value)
            throws IOException, ClassNotFoundException {
        assertThat(roundTrip(value))
                .usingRecursiveComparison()
                .withStrictTypeChecking()
                .isEqualTo(value);
    }

    @Test
    void theArraysOfPairsAreTheSameAfterJavaSerialization()
            throws IOException, ClassNotFoundException {
        INDArray prediction = Nd4j.createFromArray(new float[][] {{1, 2}, {3, 4.5f}});
        INDArray target = Nd4j.createFromArray(new float[][] {{-1, 0}, {0.5f, 8}});
        INDArray answerIds = Nd4j.createFromArray(3, -4);

        CrossBatchStep.PairEmbeddings embeddings =
                (CrossBatchStep.PairEmbeddings)
                        roundTrip(new CrossBatchStep.PairEmbeddings(prediction, target, answerIds));
        CrossBatchStep.PairGradients gradients =
                (CrossBatchStep.PairGradients)
                        roundTrip(
                                new CrossBatchStep.PairGradients(
                                        2.5,
                                        List.of(
                                                new CrossBatchStep.PairGradients.Part(
                                                        prediction, target),
                                                new CrossBatchStep.PairGradients.Part(
                                                        target, null))));

        assertThat(embeddings.prediction().toFloatMatrix())
                .isDeepEqualTo(prediction.toFloatMatrix());
        assertThat(embeddings.target().toFloatMatrix()).isDeepEqualTo(target.toFloatMatrix());
        assertThat(embeddings.answerIds().toIntVector()).containsExactly(3, -4);
        assertThat(gradients.sum()).isEqualTo(2.5);
        assertThat(gradients.parts().get(0).prediction().toFloatMatrix())
                .isDeepEqualTo(prediction.toFloatMatrix());
        assertThat(gradients.parts().get(0).target().toFloatMatrix())
                .isDeepEqualTo(target.toFloatMatrix());
        assertThat(gradients.parts().get(1).target()).isNull();
    }

    private static Object roundTrip(Serializable value) throws IOException, ClassNotFoundException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(value);
        }
        try (ObjectInputStream in =
                new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
            return in.readObject();
        }
    }
}
