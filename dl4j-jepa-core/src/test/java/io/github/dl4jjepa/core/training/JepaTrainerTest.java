package io.github.dl4jjepa.core.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;
import static org.assertj.core.api.Assertions.within;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.WeightSchedule;
import io.github.dl4jjepa.core.diagnostics.AnswerAccuracy;
import io.github.dl4jjepa.core.diagnostics.ViewDiagnostics;
import io.github.dl4jjepa.core.diagnostics.ViewEmbeddings;
import io.github.dl4jjepa.core.iterator.MultiViewBatch;
import io.github.dl4jjepa.core.objective.Calibration;
import io.github.dl4jjepa.core.objective.GradientSource;
import io.github.dl4jjepa.core.objective.JepaObjective;
import io.github.dl4jjepa.core.objective.Losses;
import io.github.dl4jjepa.core.objective.StepRequest;
import io.github.dl4jjepa.core.parameters.Parameter;
import io.github.dl4jjepa.core.parameters.ParameterSet;
import io.github.dl4jjepa.core.training.Toy.ToyBatches;
import io.github.dl4jjepa.core.training.Toy.ToyCheckpoints;
import io.github.dl4jjepa.core.training.Toy.ToyDecoder;
import io.github.dl4jjepa.core.training.Toy.ToyGradients;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class JepaTrainerTest {
    private static final JepaObjective DROPPING =
            JepaObjective.builder().optLambda(0.5).optLossDropout(0.5).build();
    private static final JepaObjective OBJECTIVE = JepaObjective.cosine(0.5);

    private final ToyDecoder decoder = new ToyDecoder();
    private final Recorder recorder = new Recorder();

    @ParameterizedTest
    @CsvSource({"1, 4", "2, 2"})
    void accumulatesTheGradientOfTheLargeBatch(int batchSize, int accumulate) {
        ToyDecoder large = new ToyDecoder();
        Recorder ofLarge = new Recorder();
        trainer(large, new ToyBatches(10, 4), options()).optListener(ofLarge).build().train();

        trainer(
                        decoder,
                        new ToyBatches(10, batchSize),
                        options().optGradientAccumulationSteps(accumulate))
                .optListener(recorder)
                .build()
                .train();

        assertThat(values(decoder.parameters().arrays()))
                .isEqualTo(values(large.parameters().arrays()));
        assertThat(recorder.steps).hasSameSizeAs(ofLarge.steps);
        for (int i = 0; i < recorder.steps.size(); i++) {
            StepMetrics step = recorder.steps.get(i);
            StepMetrics golden = ofLarge.steps.get(i);
            assertThat(step.gradientNorm()).isEqualTo(golden.gradientNorm());
            assertThat(step.cost().tokens()).isEqualTo(golden.cost().tokens());
            assertThat(step.losses().total())
                    .isCloseTo(golden.losses().total(), within(1e-12 * golden.losses().total()));
        }
    }

    @Test
    void takesTheStepThatTheLossesGradientAsksFor() {
        // One example with one label, 0, and one pair, 0: gradients are gamma w and lambda b.
        trainer(decoder, new ToyBatches(1, 1), options().optMaxSteps(1).optMaxGradientNorm(0))
                .optListener(recorder)
                .build()
                .train();

        StepMetrics step = recorder.steps.get(0);
        double squares = 1 + 0.75 * 0.75 + 0.5 * 0.5 + 0.25 * 0.25 + 0.25 * 0.25;
        assertThat(step.losses().languageModel()).isCloseTo(squares / 2, within(1e-6));
        assertThat(step.losses().jepa()).isCloseTo(1, within(1e-6));
        assertThat(step.losses().total()).isCloseTo(squares / 2 + 0.5, within(1e-6));
        assertThat(step.gradientNorm()).isCloseTo(Math.sqrt(squares + 0.5), within(1e-6));
        // Adam's first step is the learning rate in each direction that has a gradient.
        assertThat(decoder.parameters().array("bias").toFloatVector())
                .containsExactly(new float[] {0.9f, -0.9f}, within(1e-6f));
    }

    @Test
    void neverTakesAStepAcrossAnEpochsEnd() {
        trainer(
                        decoder,
                        new ToyBatches(5, 1),
                        options().optEpochs(2).optGradientAccumulationSteps(2))
                .optListener(recorder)
                .build()
                .train();

        assertThat(recorder.steps)
                .extracting(StepMetrics::epoch)
                .containsExactly(0.4, 0.8, 1.0, 1.4, 1.8, 2.0);
        assertThat(recorder.steps)
                .extracting(step -> step.cost().tokens())
                .containsExactly(6L, 6L, 3L, 6L, 6L, 3L);
        assertThat(recorder.steps)
                .extracting(StepMetrics::step)
                .containsExactly(1L, 2L, 3L, 4L, 5L, 6L);
    }

    @ParameterizedTest
    @ValueSource(longs = {3, 11})
    void takesAsManyStepsAsAskedForHoweverManyEpochsThatIs(long maxSteps) {
        ToyBatches batches = new ToyBatches(5, 1);
        TrainingSummary summary =
                trainer(decoder, batches, options().optEpochs(1).optMaxSteps(maxSteps))
                        .optListener(recorder)
                        .build()
                        .train();

        assertThat(summary.steps()).isEqualTo(maxSteps);
        assertThat(recorder.totalSteps).isEqualTo(maxSteps);
        assertThat(recorder.steps).hasSize((int) maxSteps);
        assertThat(summary.lastStep()).contains(recorder.steps.get((int) maxSteps - 1));
    }

    @Test
    void runsTheScheduleOverTheStepsItTakes() {
        trainer(
                        decoder,
                        new ToyBatches(4, 1),
                        options().optEpochs(2).optLearningRate(0.5).optWarmupSteps(4))
                .optListener(recorder)
                .build()
                .train();

        assertThat(recorder.steps)
                .extracting(StepMetrics::learningRate)
                .containsExactly(0.0, 0.125, 0.25, 0.375, 0.5, 0.375, 0.25, 0.125);
    }

    @Test
    void decaysOnlyWhatTheDecoderSays() {
        ToyDecoder undecayed = new ToyDecoder();
        trainer(undecayed, new ToyBatches(4, 2), options().optMaxGradientNorm(0)).build().train();

        trainer(decoder, new ToyBatches(4, 2), options().optMaxGradientNorm(0).optWeightDecay(0.5))
                .build()
                .train();

        Map<String, List<Float>> with = values(decoder.parameters().arrays());
        Map<String, List<Float>> without = values(undecayed.parameters().arrays());
        assertThat(with.get("bias")).isEqualTo(without.get("bias"));
        assertThat(with.get("weight")).doesNotContainAnyElementsOf(without.get("weight"));
    }

    @Test
    void reportsNoJepaLossWhereThereAreNoViews() {
        trainer(decoder, new ToyBatches(4, 2, false), options())
                .setGradientSource(new ToyGradients(decoder, JepaObjective.cosine(0)))
                .optListener(recorder)
                .build()
                .train();

        assertThat(recorder.steps)
                .allSatisfy(
                        step -> {
                            assertThat(step.losses().jepa()).isNaN();
                            assertThat(step.losses().total())
                                    .isEqualTo(step.losses().languageModel());
                        });
    }

    @Test
    void evaluatesAtEachEpochsEndAndKeepsTheBest() {
        ToyCheckpoints checkpoints = new ToyCheckpoints();
        TrainingSummary summary =
                trainer(decoder, new ToyBatches(4, 2), options().optEpochs(3))
                        .optValidation(new ToyBatches(3, 2))
                        .optCheckpoints(checkpoints)
                        .optListener(recorder)
                        .build()
                        .train();

        assertThat(recorder.evaluatedSteps()).containsExactly(2L, 4L, 6L);
        assertThat(checkpoints.states)
                .extracting(TrainerState::step, TrainerState::epoch, TrainerState::batch)
                .containsExactly(tuple(2L, 1, 0), tuple(4L, 2, 0), tuple(6L, 3, 0));
        assertThat(recorder.checkpoints).isEqualTo(checkpoints.states);
        assertThat(summary.bestValue())
                .isEqualTo(
                        recorder.steps.stream()
                                .flatMap(step -> step.validation().stream())
                                .mapToDouble(MeanLosses::total)
                                .min()
                                .orElseThrow());
        assertThat(recorder.steps.get((int) summary.bestStep() - 1).validation())
                .get()
                .extracting(MeanLosses::total)
                .isEqualTo(summary.bestValue());
    }

    @Test
    void evaluatesEveryNStepsAndAtTheLastAndSavesWhatIsBest() {
        ToyCheckpoints checkpoints = new ToyCheckpoints();
        // The weights move towards the validation points at every step: each evaluation is best.
        trainer(
                        decoder,
                        new ToyBatches(4, 2),
                        options()
                                .optMaxSteps(11)
                                .optLearningRate(0.01)
                                .optEvaluateEvery(4)
                                .optCheckpointEvery(7))
                .optValidation(new ToyBatches(4, 2))
                .optCheckpoints(checkpoints)
                .optListener(recorder)
                .build()
                .train();

        assertThat(recorder.evaluatedSteps()).containsExactly(4L, 8L, 11L);
        assertThat(checkpoints.states)
                .extracting(TrainerState::step, TrainerState::bestStep)
                .containsExactly(tuple(4L, 4L), tuple(7L, 4L), tuple(8L, 8L), tuple(11L, 11L));
    }

    @Test
    void stopsAtANonFiniteLossWithTheExamplesNamedAndTheWeightsUntouched() {
        GradientSource source =
                new ToyGradients(decoder, OBJECTIVE) {
                    @Override
                    public Losses evaluate(MultiViewBatch batch) {
                        Losses losses = super.evaluate(batch);
                        return batch.sources().contains("toy:3")
                                ? new Losses(Double.NaN, losses.labels(), 0.5, 1)
                                : losses;
                    }
                };
        WeightsAfterEachStep weights = new WeightsAfterEachStep();
        ToyBatches batches = new ToyBatches(6, 1);

        assertThatThrownBy(
                        () ->
                                trainer(decoder, batches, options().optGradientAccumulationSteps(2))
                                        .setGradientSource(source)
                                        .optListener(weights)
                                        .build()
                                        .train())
                .isInstanceOf(NonFiniteLossException.class)
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("Step " + (weights.taken() + 1) + ":")
                .hasMessageContaining("language-model loss is NaN, the JEPA loss ")
                .hasMessageContaining("examples toy:3,");
        assertThat(values(decoder.parameters().arrays())).isEqualTo(weights.last());
        assertThat(batches.batches).allMatch(batch -> batch.inputIds().wasClosed());
    }

    /** The trainer's data, of which the language-model loss of some examples is not a number. */
    private GradientSource notANumberAt(String... sources) {
        return new ToyGradients(decoder, OBJECTIVE) {
            @Override
            public Losses evaluate(MultiViewBatch batch) {
                Losses losses = super.evaluate(batch);
                return Collections.disjoint(batch.sources(), List.of(sources))
                        ? losses
                        : new Losses(Double.NaN, losses.labels(), 0.5, 1);
            }
        };
    }

    @Test
    void skipsAsManyNonFiniteStepsAsItMayWithoutAnUpdate() {
        Recorder recorder = new Recorder();
        WeightsAfterEachStep weights = new WeightsAfterEachStep();
        ToyCheckpoints checkpoints = new ToyCheckpoints();
        trainer(
                        decoder,
                        new ToyBatches(6, 1),
                        options().optEpochs(1).optCheckpointEvery(1).optSkipNonFinite(2))
                .setGradientSource(notANumberAt("toy:3", "toy:5"))
                .optCheckpoints(checkpoints)
                .optListener(recorder)
                .optListener(weights)
                .build()
                .train();

        List<StepMetrics> skipped = recorder.steps.stream().filter(StepMetrics::skipped).toList();
        assertThat(skipped).hasSize(2);
        for (int step = 1; step <= 6; step++) {
            boolean changed = !weights.weights.get(step).equals(weights.weights.get(step - 1));
            assertThat(changed).isNotEqualTo(recorder.steps.get(step - 1).skipped());
        }
        assertThat(checkpoints.states.get(5).skippedSteps()).isEqualTo(2);
        assertThat(weights.last().values())
                .allSatisfy(array -> assertThat(array).allMatch(value -> Float.isFinite(value)));
    }

    @Test
    void theOptimizerDoesNotCountSkippedSteps() {
        WeightsAfterEachStep skipping = new WeightsAfterEachStep();
        ToyBatches batches = new ToyBatches(4, 1);
        batches.seek(0, 0);
        String first = batches.nextBatch().sources().get(0);
        trainer(
                        decoder,
                        new ToyBatches(4, 1),
                        options()
                                .optSchedule(WeightSchedule.CONSTANT)
                                .optMaxSteps(4)
                                .optSkipNonFinite(1))
                .setGradientSource(notANumberAt(first))
                .optListener(skipping)
                .build()
                .train();

        List<Float> before = skipping.weights.get(1).get("weight");
        List<Float> after = skipping.weights.get(2).get("weight");
        assertThat(skipping.weights.get(0).get("weight")).isEqualTo(before);
        // AdamW's first step moves each element by the learning rate, whatever the gradient is.
        assertThat(Math.abs(after.get(0) - before.get(0))).isCloseTo(0.1f, within(1e-5f));
    }

    @Test
    void oneNonFiniteStepTooManyEndsTheTraining() {
        assertThatThrownBy(
                        () ->
                                trainer(
                                                decoder,
                                                new ToyBatches(6, 1),
                                                options().optEpochs(1).optSkipNonFinite(1))
                                        .setGradientSource(notANumberAt("toy:3", "toy:5"))
                                        .build()
                                        .train())
                .isInstanceOf(NonFiniteLossException.class);
    }

    @Test
    void aResumedRunRemembersTheStepsItSkipped() {
        ToyCheckpoints checkpoints = new ToyCheckpoints();
        GradientSource source = notANumberAt("toy:3");
        Supplier<JepaTrainer.Builder> run =
                () ->
                        trainer(
                                        decoder,
                                        new ToyBatches(6, 1),
                                        options()
                                                .optEpochs(2)
                                                .optCheckpointEvery(1)
                                                .optSkipNonFinite(1))
                                .setGradientSource(source)
                                .optCheckpoints(checkpoints);
        JepaTrainer killed = run.get().optListener(new KillAfter(7)).build();
        assertThatThrownBy(killed::train).isInstanceOf(Killed.class);

        assertThatThrownBy(() -> run.get().build().resume())
                .as("the example comes again in the second epoch")
                .isInstanceOf(NonFiniteLossException.class);
    }

    @Test
    void endsEarlyOnceValidationsNoLongerImprove() {
        ToyCheckpoints checkpoints = new ToyCheckpoints();
        Recorder recorder = new Recorder();
        JepaTrainer.Builder builder = endingEarly(decoder, checkpoints).optListener(recorder);
        TrainingSummary summary = builder.build().train();

        assertThat(summary.stoppedEarly()).isTrue();
        assertThat(summary.steps()).isEqualTo(summary.bestStep() + 3).isLessThan(100);
        double best = recorder.steps.get((int) summary.bestStep() - 1).validation().get().total();
        assertThat(recorder.steps.subList((int) summary.bestStep(), (int) summary.steps()))
                .hasSize(3)
                .allMatch(step -> step.validation().get().total() >= best);
        assertThat(checkpoints.states.get(checkpoints.states.size() - 1).step())
                .isEqualTo(summary.steps());
        assertThat(builder.build().resume().steps())
                .as("a resumed run has nothing left to do")
                .isEqualTo(summary.steps());
    }

    private JepaTrainer.Builder endingEarly(ToyDecoder model, ToyCheckpoints checkpoints) {
        return trainer(
                        model,
                        new ToyBatches(8, 2),
                        options()
                                .optLearningRate(2)
                                .optSchedule(WeightSchedule.CONSTANT)
                                .optMaxSteps(100)
                                .optEvaluateEvery(1)
                                .optCheckpointEvery(1)
                                .optEarlyStoppingPatience(3))
                .optValidation(new ToyBatches(3, 2))
                .optCheckpoints(checkpoints);
    }

    @Test
    void aResumedRunEndsEarlyAtTheSameStep() {
        TrainingSummary whole = endingEarly(new ToyDecoder(), new ToyCheckpoints()).build().train();
        ToyCheckpoints checkpoints = new ToyCheckpoints();
        JepaTrainer killed =
                endingEarly(new ToyDecoder(), checkpoints)
                        .optListener(new KillAfter(whole.steps() - 1))
                        .build();
        assertThatThrownBy(killed::train).isInstanceOf(Killed.class);

        assertThat(endingEarly(decoder, checkpoints).build().resume().steps())
                .isEqualTo(whole.steps());
    }

    @Test
    void theBestStepIsThatOfTheChosenMetric() {
        ToyCheckpoints checkpoints = new ToyCheckpoints();
        Recorder recorder = new Recorder();
        TrainingSummary summary =
                trainer(
                                decoder,
                                new ToyBatches(8, 2),
                                options()
                                        .optLearningRate(2)
                                        .optMaxSteps(12)
                                        .optEvaluateEvery(1)
                                        .optBestMetric(TrainingOptions.BestMetric.JEPA_LOSS))
                        .optValidation(new ToyBatches(3, 2))
                        .optCheckpoints(checkpoints)
                        .optListener(recorder)
                        .build()
                        .train();

        double lowest =
                recorder.steps.stream()
                        .mapToDouble(step -> step.validation().get().jepa())
                        .min()
                        .getAsDouble();
        assertThat(summary.bestValue()).isEqualTo(lowest);
        assertThat(recorder.steps.get((int) summary.bestStep() - 1).validation().get().jepa())
                .isEqualTo(lowest);
    }

    @Test
    void refusesAMetricThatNoValidationHas() {
        assertThatThrownBy(
                        () ->
                                trainer(
                                                decoder,
                                                new ToyBatches(2, 1),
                                                options().optEarlyStoppingPatience(1))
                                        .build())
                .isInstanceOf(JepaException.class)
                .hasMessage("earlyStoppingPatience needs validation data");
        assertThatThrownBy(
                        () ->
                                trainer(
                                                decoder,
                                                new ToyBatches(2, 1),
                                                options()
                                                        .optBestMetric(
                                                                TrainingOptions.BestMetric
                                                                        .TEXT_RETRIEVAL_AT_1))
                                        .optValidation(new ToyBatches(2, 1))
                                        .build())
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("text-retrieval-at-1 needs two validation examples");
    }

    @Test
    void aStoppedRunEndsAsIfItHadNotBeenStopped(@TempDir Path folder) throws IOException {
        ToyDecoder whole = new ToyDecoder();
        ToyCheckpoints ofWhole = new ToyCheckpoints();
        resumable(whole, ofWhole, folder.resolve("whole")).build().train();
        ToyCheckpoints checkpoints = new ToyCheckpoints();
        Recorder recorder = new Recorder();

        assertThatThrownBy(
                        () ->
                                resumable(new ToyDecoder(), checkpoints, folder.resolve("stopped"))
                                        .optListener(recorder)
                                        .optStop(() -> recorder.steps.size() == 5)
                                        .build()
                                        .train())
                .isInstanceOf(TrainingStoppedException.class)
                .hasMessageContaining("after step 5 of ");
        assertThat(checkpoints.states)
                .extracting(TrainerState::step)
                .as("the steps with checkpoints")
                .endsWith(4L, 5L);
        resumable(decoder, checkpoints, folder.resolve("stopped")).build().resume();

        assertThat(values(decoder.parameters().arrays()))
                .isEqualTo(values(whole.parameters().arrays()));
        assertThat(withoutSeconds(folder.resolve("stopped")))
                .isEqualTo(withoutSeconds(folder.resolve("whole")));
    }

    @Test
    void namesTheStepAtWhichTheDataCannotBeReadAndFreesItsBatches() {
        ToyCheckpoints checkpoints = new ToyCheckpoints();
        ToyBatches batches =
                new ToyBatches(4, 1) {
                    @Override
                    public MultiViewBatch nextBatch() {
                        if (this.batches.size() == 5) {
                            throw new UncheckedIOException(new IOException("Input/output error"));
                        }
                        return super.nextBatch();
                    }
                };

        assertThatThrownBy(
                        () ->
                                trainer(decoder, batches, options().optGradientAccumulationSteps(2))
                                        .optCheckpoints(checkpoints)
                                        .build()
                                        .train())
                .isInstanceOf(JepaException.class)
                .hasMessage(
                        "Step 3, in epoch 2: the training data cannot be read: Input/output error."
                                + " The last checkpoint is whole: mend the cause and resume.");
        assertThat(checkpoints.states).extracting(TrainerState::step).containsExactly(2L);
        assertThat(batches.batches).hasSize(5).allMatch(batch -> batch.inputIds().wasClosed());
    }

    @Test
    void stopsAtANonFiniteGradientWithTheExamplesNamedAndTheWeightsUntouched() {
        GradientSource source =
                new ToyGradients(decoder, OBJECTIVE) {
                    @Override
                    public Losses accumulate(
                            StepRequest step, BiConsumer<String, INDArray> gradients) {
                        gradients.accept(
                                "weight",
                                decoder.parameters()
                                        .array("weight")
                                        .ulike()
                                        .assign(Float.POSITIVE_INFINITY));
                        return super.accumulate(step, gradients);
                    }
                };

        assertThatThrownBy(
                        () ->
                                trainer(
                                                decoder,
                                                new ToyBatches(2, 1),
                                                options().optGradientAccumulationSteps(2))
                                        .setGradientSource(source)
                                        .build()
                                        .train())
                .isInstanceOf(NonFiniteLossException.class)
                .hasMessageContaining("Step 1, gradient norm Infinity")
                .hasMessageContaining("toy:0")
                .hasMessageContaining("toy:1");
        assertThat(values(decoder.parameters().arrays()))
                .isEqualTo(values(new ToyDecoder().parameters().arrays()));
    }

    @Test
    void stopsAtANonFiniteValidationLossBeforeTheCheckpoint() {
        ToyCheckpoints checkpoints = new ToyCheckpoints();
        GradientSource source =
                new ToyGradients(decoder, OBJECTIVE) {
                    @Override
                    public Losses evaluate(MultiViewBatch batch) {
                        return batch.sources().contains("toy:7")
                                ? new Losses(Double.POSITIVE_INFINITY, 1, 0, 0)
                                : super.evaluate(batch);
                    }
                };

        assertThatThrownBy(
                        () ->
                                trainer(decoder, new ToyBatches(4, 2), options())
                                        .setGradientSource(source)
                                        .optValidation(new ToyBatches(8, 4))
                                        .optCheckpoints(checkpoints)
                                        .build()
                                        .train())
                .isInstanceOf(NonFiniteLossException.class)
                .hasMessageContaining("Validation after step 2")
                .hasMessageContaining("toy:7");
        assertThat(checkpoints.states).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 5, 6, 7, 11, 12})
    void goesOnAfterAKillAsIfNothingHadHappened(long killedAfter, @TempDir Path folder)
            throws IOException {
        ToyCheckpoints whole = new ToyCheckpoints();
        TrainingSummary expected =
                resumable(new ToyDecoder(), whole, folder.resolve("whole")).build().train();

        ToyCheckpoints killed = new ToyCheckpoints();
        Path metrics = folder.resolve("killed");
        JepaTrainer trainer =
                resumable(new ToyDecoder(), killed, metrics)
                        .optListener(new KillAfter(killedAfter))
                        .build();
        assertThatThrownBy(trainer::train).isInstanceOf(Killed.class);
        TrainingSummary resumed = resumable(decoder, killed, metrics).build().resume();

        assertThat(values(killed.arrays)).isEqualTo(values(whole.arrays));
        assertThat(killed.states.get(killed.states.size() - 1))
                .usingRecursiveComparison()
                .ignoringFieldsMatchingRegexes(".*seconds")
                .isEqualTo(whole.states.get(whole.states.size() - 1));
        assertThat(withoutSeconds(metrics)).isEqualTo(withoutSeconds(folder.resolve("whole")));
        assertThat(resumed)
                .usingRecursiveComparison()
                .withEqualsForType(Double::equals, Double.class)
                .ignoringFieldsMatchingRegexes(".*seconds")
                .isEqualTo(expected);
    }

    @Test
    void hasNothingToDoWhereTheRunHadEnded() {
        ToyCheckpoints checkpoints = new ToyCheckpoints();
        trainer(decoder, new ToyBatches(4, 2), options())
                .optCheckpoints(checkpoints)
                .build()
                .train();
        Map<String, List<Float>> trained = values(decoder.parameters().arrays());

        TrainingSummary summary =
                trainer(decoder, new ToyBatches(4, 2), options())
                        .optCheckpoints(checkpoints)
                        .optListener(recorder)
                        .build()
                        .resume();

        assertThat(recorder.steps).isEmpty();
        assertThat(summary.steps()).isEqualTo(8);
        assertThat(summary.lastStep()).isEmpty();
        assertThat(values(decoder.parameters().arrays())).isEqualTo(trained);
    }

    @ParameterizedTest
    @CsvSource({"4, 1, 1", "6, 2, 1", "4, 2, 2"})
    void refusesToGoOnWithOtherBatches(int examples, int batchSize, int accumulate) {
        ToyCheckpoints checkpoints = new ToyCheckpoints();
        trainer(decoder, new ToyBatches(4, 2), options().optMaxSteps(3))
                .optCheckpoints(checkpoints)
                .build()
                .train();
        JepaTrainer other =
                trainer(
                                decoder,
                                new ToyBatches(examples, batchSize),
                                options().optGradientAccumulationSteps(accumulate))
                        .optCheckpoints(checkpoints)
                        .build();

        assertThatThrownBy(other::resume)
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("checkpoint of step 3 was written at batch 1 of epoch 1")
                .hasMessageContaining("resume with the training data, batch size");
    }

    @Test
    void resumesNothingWithoutACheckpointStore() {
        JepaTrainer trainer = trainer(decoder, new ToyBatches(4, 2), options()).build();

        assertThatThrownBy(trainer::resume)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("optCheckpoints");
    }

    @Test
    void freesItsBatches() {
        ToyBatches training = new ToyBatches(4, 2);
        ToyBatches validation = new ToyBatches(3, 2);
        trainer(decoder, training, options()).optValidation(validation).build().train();

        assertThat(Stream.of(training, validation).flatMap(source -> source.batches.stream()))
                .hasSize(16)
                .allMatch(batch -> batch.inputIds().wasClosed())
                .allMatch(batch -> batch.targetIndices().wasClosed());
    }

    @Test
    void saysWhatIsMissing() {
        assertThatThrownBy(() -> JepaTrainer.builder().build())
                .isInstanceOf(NullPointerException.class)
                .hasMessage("setGradientSource was not called");
    }

    private static JepaTrainer.Builder dropping(
            ToyDecoder decoder, ToyBatches batches, TrainingOptions.Builder options) {
        return trainer(decoder, batches, options)
                .setGradientSource(new ToyGradients(decoder, DROPPING));
    }

    @Test
    void stepsThatDropTheTermAskForNoViews() {
        ToyBatches batches = new ToyBatches(40, 1);
        dropping(decoder, batches, options().optEpochs(1).optGradientAccumulationSteps(2))
                .optListener(recorder)
                .build()
                .train();

        assertThat(recorder.steps).hasSize(20);
        for (StepMetrics step : recorder.steps) {
            boolean views = DROPPING.hasJepaTerm(42, step.step());
            assertThat(Double.isNaN(step.losses().jepa())).isNotEqualTo(views);
            int first = 2 * (int) (step.step() - 1);
            assertThat(batches.batches.subList(first, first + 2))
                    .allSatisfy(batch -> assertThat(batch.pairs() > 0).isEqualTo(views));
            assertThat(step.cost().tokens()).isEqualTo(views ? 6 : 4);
        }
        assertThat(recorder.steps.stream().filter(step -> Double.isNaN(step.losses().jepa())))
                .hasSizeBetween(5, 15);
    }

    @Test
    void theSeedDecidesWhichStepsDropTheTerm() {
        dropping(decoder, new ToyBatches(40, 1), options().optEpochs(1).optSeed(1))
                .optListener(recorder)
                .build()
                .train();
        Recorder other = new Recorder();
        dropping(decoder, new ToyBatches(40, 1), options().optEpochs(1).optSeed(2))
                .optListener(other)
                .build()
                .train();
        assertThat(recorder.steps.stream().map(step -> step.cost().tokens()).toList())
                .isNotEqualTo(other.steps.stream().map(step -> step.cost().tokens()).toList());
    }

    @Test
    void refusesBatchesWithoutTheViewsThatTheObjectiveCompares() {
        JepaTrainer trainer = trainer(decoder, new ToyBatches(4, 2, false), options()).build();
        assertThatThrownBy(trainer::train)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("compares views")
                .hasMessageContaining("toy:");
    }

    @Test
    void aComputeBudgetEndsTheRunAtTheLastStepItPaysFor() {
        // 30 operations for each example's tokens, and one for each of its one to three labels.
        trainer(decoder, new ToyBatches(3, 1), options().optEpochs(1).optComputeBudget(7 * 32))
                .optListener(recorder)
                .build()
                .train();
        double spent = recorder.steps.stream().mapToDouble(step -> step.cost().flops()).sum();
        assertThat(recorder.steps).hasSize(7);
        assertThat(recorder.totalSteps).isEqualTo(7);
        assertThat(spent).isBetween(7 * 32 - 33.0, 7 * 32.0);
    }

    @Test
    void underOneBudgetAPlainRunTakesMoreSteps() {
        TrainingOptions.Builder options = options().optComputeBudget(1000);
        JepaTrainer whole = trainer(decoder, new ToyBatches(3, 1), options).build();
        JepaTrainer dropping = dropping(decoder, new ToyBatches(3, 1), options).build();
        JepaTrainer plain =
                trainer(decoder, new ToyBatches(3, 1, false), options)
                        .setGradientSource(new ToyGradients(decoder, JepaObjective.cosine(0)))
                        .build();
        assertThat(plain.totalSteps()).isGreaterThan(dropping.totalSteps());
        assertThat(dropping.totalSteps()).isGreaterThan(whole.totalSteps());
    }

    @Test
    void refusesABudgetThatDoesNotPayForAStep() {
        JepaTrainer trainer =
                trainer(decoder, new ToyBatches(3, 1), options().optComputeBudget(20)).build();
        assertThatThrownBy(trainer::train)
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("first step");
    }

    @Test
    void theCostOfAResumedRunIsThatOfAllItsSteps() {
        ToyCheckpoints checkpoints = new ToyCheckpoints();
        TrainingOptions.Builder options = options().optEpochs(1).optCheckpointEvery(1);
        trainer(decoder, new ToyBatches(3, 1), options.optMaxSteps(2))
                .optCheckpoints(checkpoints)
                .build()
                .train();
        TrainingSummary summary =
                trainer(decoder, new ToyBatches(3, 1), options.optMaxSteps(3))
                        .optCheckpoints(checkpoints)
                        .build()
                        .resume();
        assertThat(summary.cost().tokens()).isEqualTo(9);
        assertThat(summary.cost().paddedTokens()).isEqualTo(12);
        assertThat(summary.cost().paddingShare()).isCloseTo(0.25, within(1e-12));
        assertThat(summary.cost().flops()).isEqualTo(90 + 1 + 2 + 3);
    }

    @Test
    void auxiliariesAreTrainedAndKeptBesideTheModel() {
        INDArray auxiliary = Nd4j.createFromArray(1f, 2f);
        ToyGradients withAuxiliary =
                new ToyGradients(decoder, OBJECTIVE) {
                    @Override
                    public ParameterSet parameters() {
                        return super.parameters()
                                .plus(
                                        new ParameterSet(
                                                List.of(
                                                        new Parameter(
                                                                "helper",
                                                                auxiliary,
                                                                true,
                                                                false,
                                                                Parameter.Group.AUXILIARY))));
                    }

                    @Override
                    public Losses accumulate(
                            StepRequest step, BiConsumer<String, INDArray> gradients) {
                        gradients.accept("helper", auxiliary.ulike().assign(1));
                        return super.accumulate(step, gradients);
                    }
                };
        ToyCheckpoints checkpoints = new ToyCheckpoints();
        trainer(decoder, new ToyBatches(3, 1), options().optMaxSteps(1))
                .setGradientSource(withAuxiliary)
                .optCheckpoints(checkpoints)
                .build()
                .train();
        assertThat(auxiliary.toFloatVector())
                .containsExactly(new float[] {0.9f, 1.9f}, within(1e-5f));
        assertThat(checkpoints.arrays.get("helper")).isEqualTo(auxiliary);
    }

    private static JepaTrainer.Builder calibrated(
            ToyDecoder decoder, int every, TrainingOptions.Builder options) {
        return trainer(decoder, new ToyBatches(9, 2), options.optLearningRate(0.01))
                .setGradientSource(new ToyGradients(decoder, calibrated(every)));
    }

    private static JepaObjective calibrated(int every) {
        return JepaObjective.builder().optCalibration(new Calibration(0.25, every)).build();
    }

    @Test
    void calibratesLambdaToTheRatioOfTheGradients() {
        ToyGradients source = new ToyGradients(decoder, OBJECTIVE);
        List<Double> expected = new ArrayList<>();
        ToyBatches same = new ToyBatches(9, 2);
        same.seek(0, 0);
        calibrated(decoder, 3, options().optMaxSteps(5))
                .optListener(recorder)
                .optListener(
                        new TrainerListener() {
                            @Override
                            public void onStart(long totalSteps, TrainerState state) {
                                expected.add(ratio(source, same.nextBatch()));
                            }

                            @Override
                            public void onStep(StepMetrics metrics) {
                                if (metrics.step() < 5) {
                                    expected.add(ratio(source, same.nextBatch()));
                                }
                            }
                        })
                .build()
                .train();
        List<Double> lambdas = recorder.steps.stream().map(StepMetrics::lambda).toList();
        assertThat(lambdas.get(0)).isCloseTo(expected.get(0) / 4, within(1e-9));
        assertThat(lambdas.get(3)).isCloseTo(expected.get(3) / 4, within(1e-9));
        assertThat(lambdas)
                .containsExactly(
                        lambdas.get(0),
                        lambdas.get(0),
                        lambdas.get(0),
                        lambdas.get(3),
                        lambdas.get(3));
        assertThat(lambdas.get(3)).isNotEqualTo(lambdas.get(0));
    }

    /** The length of the language model's gradient, divided by that of the JEPA term's. */
    private static double ratio(ToyGradients source, MultiViewBatch batch) {
        double[] squares = new double[2];
        for (int i = 0; i < 2; i++) {
            try (Gradients gradients = new Gradients(source.parameters().arrays())) {
                source.accumulate(
                        source.wholeStep(
                                List.of(batch),
                                new StepRequest.Weights(1 - i, i),
                                new StepRequest.Seed(42, 1)),
                        gradients);
                squares[i] = gradients.norm(parameter -> true);
            }
        }
        return squares[0] / squares[1];
    }

    @Test
    void aCalibratedStepCostsAPassMoreAndItsGradientIsThatOfItsLambda() {
        calibrated(decoder, 1, options().optMaxSteps(1)).optListener(recorder).build().train();
        StepMetrics step = recorder.steps.get(0);
        ToyDecoder other = new ToyDecoder();
        Recorder fixed = new Recorder();
        trainer(other, new ToyBatches(9, 2), options().optLearningRate(0.01).optMaxSteps(1))
                .setGradientSource(new ToyGradients(other, JepaObjective.cosine(step.lambda())))
                .optListener(fixed)
                .build()
                .train();
        assertThat(step.gradientNorm()).isCloseTo(fixed.steps.get(0).gradientNorm(), within(1e-5));
        assertThat(step.losses()).isEqualTo(fixed.steps.get(0).losses());
        assertThat(step.cost().flops()).isEqualTo(2 * fixed.steps.get(0).cost().flops());
    }

    @Test
    void aResumedRunGoesOnWithTheLambdaItHadMeasured() {
        calibrated(decoder, 100, options().optMaxSteps(8)).optListener(recorder).build().train();
        ToyDecoder resumed = new ToyDecoder();
        ToyCheckpoints checkpoints = new ToyCheckpoints();
        calibrated(resumed, 100, options().optMaxSteps(4).optCheckpointEvery(4))
                .optCheckpoints(checkpoints)
                .build()
                .train();
        Recorder rest = new Recorder();
        calibrated(resumed, 100, options().optMaxSteps(8))
                .optCheckpoints(checkpoints)
                .optListener(rest)
                .build()
                .resume();
        assertThat(rest.steps)
                .extracting(StepMetrics::lambda)
                .containsOnly(recorder.steps.get(0).lambda());
        assertThat(rest.steps).hasSize(4);
    }

    @Test
    void refusesToCalibrateByATermWithoutAGradient() {
        GradientSource flat =
                new ToyGradients(decoder, calibrated(1)) {
                    @Override
                    public ParameterSet parameters() {
                        Parameter bias = super.parameters().get("bias");
                        return super.parameters()
                                .where(parameter -> !parameter.equals(bias))
                                .plus(
                                        new ParameterSet(
                                                List.of(
                                                        new Parameter(
                                                                bias.name(),
                                                                bias.array(),
                                                                true,
                                                                false,
                                                                Parameter.Group.HEAD))));
                    }
                };
        JepaTrainer trainer = calibrated(decoder, 1, options()).setGradientSource(flat).build();
        assertThatThrownBy(trainer::train)
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("lambda cannot be calibrated");
    }

    @Test
    void theStateBesideTheModelIsUpdatedEachStepAndKept() {
        INDArray updates = Nd4j.createFromArray(0f);
        GradientSource counting =
                new ToyGradients(decoder, OBJECTIVE) {
                    @Override
                    public Map<String, INDArray> state() {
                        return Map.of("updates", updates);
                    }

                    @Override
                    public void parametersUpdated() {
                        updates.addi(1);
                    }
                };
        ToyCheckpoints checkpoints = new ToyCheckpoints();
        trainer(decoder, new ToyBatches(3, 1), options().optMaxSteps(5))
                .setGradientSource(counting)
                .optCheckpoints(checkpoints)
                .build()
                .train();
        assertThat(checkpoints.arrays.get("updates").getInt(0)).isEqualTo(5);
    }

    @Test
    void looksAtTheViewsAtEachEvaluation() {
        AnswerAccuracy answers = new AnswerAccuracy(0, 0, 0);
        INDArray text = Nd4j.eye(2).castTo(DataType.DOUBLE);
        ViewDiagnostics views =
                ViewDiagnostics.of(new ViewEmbeddings(text, text, new int[] {0, 1}), answers);
        trainer(decoder, new ToyBatches(3, 1), options().optMaxSteps(5).optEvaluateEvery(2))
                .optDiagnostics(() -> views)
                .optListener(recorder)
                .build()
                .train();
        assertThat(recorder.steps)
                .extracting(step -> step.diagnostics().isPresent())
                .containsExactly(false, true, false, true, true);
    }

    /** Gradient descent with momentum, with the state {@code <parameter>.momentum}. */
    private static final class Momentum implements Optimizer {
        private final ParameterSet parameters;
        private final Map<String, INDArray> state = new LinkedHashMap<>();
        private boolean closed;

        Momentum(ParameterSet parameters) {
            this.parameters = parameters;
            parameters.forEach(
                    parameter ->
                            state.put(
                                    parameter.name() + ".momentum",
                                    Nd4j.zerosLike(parameter.array())));
        }

        @Override
        public void step(
                long step,
                double learningRate,
                Map<String, INDArray> gradients,
                double gradientScale) {
            for (Parameter parameter : parameters) {
                INDArray momentum = state.get(parameter.name() + ".momentum");
                momentum.muli(0.9).addi(gradients.get(parameter.name()).mul(gradientScale));
                parameter.array().subi(momentum.mul(learningRate));
            }
        }

        @Override
        public Map<String, INDArray> state() {
            return state;
        }

        @Override
        public void close() {
            closed = true;
        }
    }

    @Test
    void anotherOptimizerIsResumedFromItsState() {
        List<Momentum> optimizers = new ArrayList<>();
        Optimizer.Factory factory =
                parameters -> {
                    optimizers.add(new Momentum(parameters));
                    return optimizers.get(optimizers.size() - 1);
                };
        ToyDecoder whole = new ToyDecoder();
        ToyCheckpoints ofWhole = new ToyCheckpoints();
        trainer(whole, new ToyBatches(4, 2), options().optMaxSteps(6))
                .optOptimizer(factory)
                .optCheckpoints(ofWhole)
                .build()
                .train();

        ToyCheckpoints checkpoints = new ToyCheckpoints();
        JepaTrainer killed =
                trainer(decoder, new ToyBatches(4, 2), options().optMaxSteps(6))
                        .optOptimizer(factory)
                        .optCheckpoints(checkpoints)
                        .optListener(new KillAfter(3))
                        .build();
        assertThatThrownBy(killed::train).isInstanceOf(Killed.class);
        trainer(decoder, new ToyBatches(4, 2), options().optMaxSteps(6))
                .optOptimizer(factory)
                .optCheckpoints(checkpoints)
                .build()
                .resume();

        assertThat(values(decoder.parameters().arrays()))
                .isEqualTo(values(whole.parameters().arrays()));
        assertThat(values(checkpoints.arrays)).isEqualTo(values(ofWhole.arrays));
        assertThat(checkpoints.arrays)
                .containsOnlyKeys("weight", "bias", "weight.momentum", "bias.momentum");
        assertThat(optimizers).hasSize(3).allMatch(optimizer -> optimizer.closed);
    }

    private static TrainingOptions.Builder options() {
        return TrainingOptions.builder().optLearningRate(0.1);
    }

    private static JepaTrainer.Builder trainer(
            ToyDecoder decoder, ToyBatches batches, TrainingOptions.Builder options) {
        return JepaTrainer.builder()
                .setGradientSource(new ToyGradients(decoder, OBJECTIVE))
                .setBatches(batches)
                .optOptions(options.build());
    }

    /** Twelve steps of up to two micro-batches, three to an epoch; checkpoints at 2, 4, 6… */
    private static JepaTrainer.Builder resumable(
            ToyDecoder decoder, CheckpointStore checkpoints, Path metrics) {
        return dropping(
                        decoder,
                        new ToyBatches(9, 2),
                        options()
                                .optGradientAccumulationSteps(2)
                                .optSchedule(WeightSchedule.COSINE)
                                .optWarmupSteps(2)
                                .optWeightDecay(0.1)
                                .optCheckpointEvery(2))
                .optValidation(new ToyBatches(3, 2))
                .optCheckpoints(checkpoints)
                .optListener(new MetricsFile(metrics));
    }

    private static List<String> withoutSeconds(Path metrics) throws IOException {
        return Files.readAllLines(metrics).stream()
                .map(line -> line.replaceAll("\"seconds\":[^,}]*", ""))
                .toList();
    }

    /** The elements of arrays, to be compared bit by bit: INDArray.equals allows for 1e-5. */
    private static Map<String, List<Float>> values(Map<String, INDArray> arrays) {
        Map<String, List<Float>> values = new LinkedHashMap<>();
        arrays.forEach((name, array) -> values.put(name, elements(array)));
        return values;
    }

    private static List<Float> elements(INDArray array) {
        List<Float> elements = new ArrayList<>();
        for (float element : array.ravel().toFloatVector()) {
            elements.add(element);
        }
        return elements;
    }

    /** Remembers what it was told. */
    private static final class Recorder implements TrainerListener {
        private final List<StepMetrics> steps = new ArrayList<>();
        private final List<TrainerState> checkpoints = new ArrayList<>();
        private long totalSteps;

        @Override
        public void onStart(long totalSteps, TrainerState state) {
            this.totalSteps = totalSteps;
        }

        @Override
        public void onStep(StepMetrics metrics) {
            steps.add(metrics);
        }

        @Override
        public void onCheckpoint(TrainerState state) {
            checkpoints.add(state);
        }

        private List<Long> evaluatedSteps() {
            return steps.stream()
                    .filter(step -> step.validation().isPresent())
                    .map(StepMetrics::step)
                    .toList();
        }
    }

    private final class WeightsAfterEachStep implements TrainerListener {
        private final List<Map<String, List<Float>>> weights =
                new ArrayList<>(List.of(values(decoder.parameters().arrays())));

        @Override
        public void onStep(StepMetrics metrics) {
            weights.add(values(decoder.parameters().arrays()));
        }

        private int taken() {
            return weights.size() - 1;
        }

        private Map<String, List<Float>> last() {
            return weights.get(weights.size() - 1);
        }
    }

    private static final class Killed extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    private record KillAfter(long step) implements TrainerListener {
        @Override
        public void onStep(StepMetrics metrics) {
            if (metrics.step() == step) {
                throw new Killed();
            }
        }
    }
}
