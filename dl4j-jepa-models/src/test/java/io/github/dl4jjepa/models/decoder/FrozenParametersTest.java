package io.github.dl4jjepa.models.decoder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jjepa.core.iterator.BatchSource;
import io.github.dl4jjepa.core.iterator.MultiViewBatch;
import io.github.dl4jjepa.core.objective.Calibration;
import io.github.dl4jjepa.core.objective.JepaObjective;
import io.github.dl4jjepa.core.objective.StepRequest;
import io.github.dl4jjepa.core.objective.TargetMode;
import io.github.dl4jjepa.core.objective.TrainingGraph;
import io.github.dl4jjepa.core.parameters.Parameter;
import io.github.dl4jjepa.core.training.CheckpointStore;
import io.github.dl4jjepa.core.training.JepaTrainer;
import io.github.dl4jjepa.core.training.TrainerState;
import io.github.dl4jjepa.core.training.TrainingOptions;
import io.github.dl4jjepa.models.Fixtures;
import io.github.dl4jjepa.models.huggingface.CheckpointFolder;
import io.github.dl4jjepa.models.huggingface.DecoderLoader;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Decoders of which only a part is trained. */
class FrozenParametersTest {
    /** Operators that read a weight on the way forward, and the product that passes gradients. */
    private static final Set<String> FORWARD =
            Set.of("gather", "matmul", "multiply", "add", "add_scalar");

    private static final Predicate<Parameter> IN_THE_SECOND_LAYER =
            parameter -> parameter.name().contains(".1.");

    static Stream<Arguments> models() {
        return Stream.of("llama-untied", "gpt2", "gemma", "phi", "qwen3")
                .flatMap(
                        model ->
                                Stream.of(
                                        Arguments.of(model, "all but the second layer"),
                                        Arguments.of(model, "all matrices"),
                                        Arguments.of(model, "the embedding")));
    }

    private static Predicate<Parameter> frozen(String kind) {
        return switch (kind) {
            case "all but the second layer" -> IN_THE_SECOND_LAYER.negate();
            case "all matrices" -> Parameter::hasWeightDecay;
            default -> parameter -> parameter.group() == Parameter.Group.EMBEDDING;
        };
    }

    private static TransformerDecoder decoder(String model) {
        return DecoderGradientTest.inDouble(model);
    }

    @ParameterizedTest(name = "{0}, frozen: {1}")
    @MethodSource("models")
    void theGradientsOfTheOthersAreTheSame(String model, String frozen) {
        TransformerDecoder decoder = decoder(model);
        TransformerDecoder partly = decoder.freeze(frozen(frozen));
        MultiViewBatch batch = DecoderGradientTest.batch(DecoderGradientTest.FOUR);
        StepRequest.Weights weights = new StepRequest.Weights(1, 0.5);
        try (TrainingGraph all = new TrainingGraph(decoder, JepaObjective.cosine(1));
                TrainingGraph some = new TrainingGraph(partly, JepaObjective.cosine(1))) {
            Map<String, INDArray> expected =
                    new HashMap<>(DecoderGradientTest.gradients(all, weights, batch));
            expected.keySet().removeAll(partly.parameters().frozen().names());
            assertThat(expected).isNotEmpty();
            DecoderGradientTest.assertSame(
                    DecoderGradientTest.gradients(some, weights, batch), expected);
        }
    }

    @ParameterizedTest(name = "{0}, frozen: {1}")
    @MethodSource("models")
    void noOperatorComputesTheGradientOfAFrozenParameter(String model, String frozen) {
        TransformerDecoder partly = decoder(model).freeze(frozen(frozen));
        try (TrainingGraph graph = new TrainingGraph(partly, JepaObjective.cosine(1))) {
            SameDiff gradients = graph.graph().getFunction("grad");
            for (String name : partly.parameters().frozen().names()) {
                assertThat(gradients.getVariable(name).getGradient()).as(name).isNull();
                assertThat(readers(gradients, name)).as(name).isNotEmpty().isSubsetOf(FORWARD);
            }
        }
    }

    private static List<String> readers(SameDiff graph, String variable) {
        return graph.getOps().values().stream()
                .filter(operator -> inputs(operator).contains(variable))
                .map(operator -> operator.getOp().opName())
                .toList();
    }

    private static List<String> inputs(SameDiffOp operator) {
        return operator.getInputsToOp() == null ? List.of() : operator.getInputsToOp();
    }

    @Test
    void frozenParametersShareTheirArraysWithTheGraph() {
        TransformerDecoder partly = decoder("llama").freeze(IN_THE_SECOND_LAYER.negate());
        try (TrainingGraph graph = new TrainingGraph(partly, JepaObjective.cosine(1))) {
            for (Parameter parameter : partly.parameters()) {
                assertThat(graph.graph().getVariable(parameter.name()).getArr().data())
                        .as(parameter.name())
                        .isSameAs(parameter.array().data());
            }
        }
    }

    @Test
    void aTrainingKeepsNothingOfFrozenParametersAndLeavesThemAsTheyAre() {
        TransformerDecoder decoder =
                DecoderLoader.load(CheckpointFolder.open(Fixtures.model("llama")))
                        .freeze(IN_THE_SECOND_LAYER.negate());
        Map<String, INDArray> before =
                decoder.parameters().stream()
                        .collect(Collectors.toMap(Parameter::name, p -> p.array().dup()));
        JepaObjective objective =
                JepaObjective.builder()
                        .optTarget(TargetMode.EMA)
                        .optCalibration(new Calibration(0.5, 1))
                        .build();
        Kept kept = new Kept();
        try (TrainingGraph graph = new TrainingGraph(decoder, objective)) {
            JepaTrainer.builder()
                    .setGradientSource(graph)
                    .setBatches(new FourExamples())
                    .optOptions(
                            TrainingOptions.builder()
                                    .optMaxSteps(2)
                                    .optLearningRate(0.01)
                                    .optWeightDecay(0.1)
                                    .build())
                    .optCheckpoints(kept)
                    .build()
                    .train();
        }
        Set<String> trained = decoder.parameters().trainable().names();
        assertThat(trained).hasSizeBetween(5, 15);
        assertThat(kept.parameters).containsExactlyElementsOf(trained);
        assertThat(kept.others)
                .containsExactlyInAnyOrderElementsOf(
                        Stream.of(".exp_avg", ".exp_avg_sq", ".ema")
                                .flatMap(suffix -> trained.stream().map(name -> name + suffix))
                                .toList());
        for (Parameter parameter : decoder.parameters()) {
            INDArray old = before.get(parameter.name());
            assertThat(parameter.array().equalsWithEps(old, 0))
                    .as(parameter.name())
                    .isNotEqualTo(parameter.trainable());
        }
    }

    @Test
    void refusesADecoderWithoutTrainableParameters() {
        TransformerDecoder frozen = decoder("llama").freeze(parameter -> true);
        assertThatThrownBy(() -> new TrainingGraph(frozen, JepaObjective.cosine(1)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("nothing to train");
    }

    @Test
    void otherArraysLeaveFrozenParametersFrozen() {
        TransformerDecoder partly = decoder("llama").freeze(IN_THE_SECOND_LAYER);
        String name = "model.layers.0.mlp.up_proj.weight";
        INDArray other = partly.parameters().array(name).dup();
        TransformerDecoder replaced = partly.withParameters(Map.of(name, other));
        assertThat(replaced.parameters().frozen().names())
                .isEqualTo(partly.parameters().frozen().names());
        assertThat(replaced.parameters().array(name)).isSameAs(other);
    }

    private static final class Kept implements CheckpointStore {
        private final List<String> parameters = new ArrayList<>();
        private final List<String> others = new ArrayList<>();

        @Override
        public void save(
                TrainerState state,
                Map<String, INDArray> saved,
                Map<String, INDArray> optimizerState) {
            if (state.step() == 2) {
                parameters.addAll(saved.keySet());
                others.addAll(optimizerState.keySet());
            }
        }

        @Override
        public Optional<TrainerState> restoreLast(
                Map<String, INDArray> saved, Map<String, INDArray> optimizerState) {
            return Optional.empty();
        }
    }

    private static final class FourExamples implements BatchSource {
        @Override
        public int batchesPerEpoch() {
            return 2;
        }

        @Override
        public void seek(int epoch, int batch) {}

        @Override
        public MultiViewBatch nextBatch() {
            return DecoderGradientTest.batch(DecoderGradientTest.FOUR);
        }

        @Override
        public MultiViewBatch nextBatchWithoutViews() {
            throw new UnsupportedOperationException();
        }
    }
}
