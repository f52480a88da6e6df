package io.github.dl4jjepa.examples.benchmark;

import io.github.dl4jjepa.core.iterator.MultiViewBatch;
import io.github.dl4jjepa.core.iterator.PackedLabels;
import io.github.dl4jjepa.core.layer.JepaLossLayer;
import io.github.dl4jjepa.core.training.JepaTrainer;
import io.github.dl4jjepa.core.view.LanguageModelLayout;
import io.github.dl4jjepa.core.view.TokenizedExample;
import io.github.dl4jjepa.models.huggingface.CheckpointFolder;
import io.github.dl4jjepa.models.huggingface.DecoderLoader;
import io.github.dl4jjepa.models.internal.ProcessMemory;
import io.github.dl4jjepa.models.layer.DecoderVertex;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.FeedForwardLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;

/**
 * What our layers cost in a Deeplearning4j network: {@link JepaLossLayer} without the JEPA term
 * instead of {@code RnnOutputLayer}, after the same LSTM; and a {@link DecoderVertex} in a {@code
 * ComputationGraph} instead of {@link JepaTrainer}. They take turns on the same sequences.
 */
public final class LayerBenchmark {
    private static final int VOCABULARY = 2000;
    private static final int EMBEDDING = 64;
    private static final int HIDDEN = 128;
    private static final int BATCH = 12;
    private static final int PROMPT_TOKENS = 38;
    private static final int CODE_TOKENS = 22;
    private static final double LEARNING_RATE = 1e-4;

    private final Set<Arm> arms;
    private final @Nullable CheckpointFolder model;
    private final int rounds;
    private final int steps;

    /** What is trained. */
    public enum Arm {
        /** An LSTM under Deeplearning4j's output layer. */
        RNN_OUTPUT_LAYER(false),
        /** The same LSTM under ours, at lambda 0. */
        JEPA_LOSS_LAYER(false),
        /** A decoder as a vertex of a {@code ComputationGraph}. */
        DECODER_VERTEX(true),
        /** The same decoder by our trainer. */
        JEPA_TRAINER(true);

        private final boolean needsModel;

        Arm(boolean needsModel) {
            this.needsModel = needsModel;
        }
    }

    /**
     * @param arms what to train; one alone to learn its memory
     * @param model the decoder of the arms that have one, which are left out if it is null
     * @param rounds how often they take turns
     * @param steps timed steps of each in a round; one more before them is not timed
     */
    public LayerBenchmark(Set<Arm> arms, @Nullable CheckpointFolder model, int rounds, int steps) {
        this.arms = arms;
        this.model = model;
        this.rounds = rounds;
        this.steps = steps;
    }

    /**
     * The figures.
     *
     * @param stepMs milliseconds a step: forward, backward, update
     * @param peakRssMb most resident memory of the process, in MB
     */
    public record Result(Map<Arm, Double> stepMs, long peakRssMb, int rounds, int steps) {}

    /**
     * Runs the benchmark.
     *
     * @param progress is told after each round
     */
    public Result run(Runnable progress) {
        Map<Arm, Training> trainings = new EnumMap<>(Arm.class);
        for (Arm arm : arms) {
            if (model != null || !arm.needsModel) {
                trainings.put(arm, training(arm));
            }
        }
        for (int round = 0; round < rounds; round++) {
            int number = round;
            trainings.values().forEach(training -> training.train(number));
            progress.run();
        }
        Map<Arm, Double> medians = new EnumMap<>(Arm.class);
        trainings.forEach((arm, training) -> medians.put(arm, training.milliseconds()));
        return new Result(medians, ProcessMemory.peakBytes() >> 20, rounds, steps);
    }

    /** One way to train, with the times of its steps. */
    private interface Training {
        void train(int round);

        /** The median of the timed steps. */
        double milliseconds();
    }

    private Training training(Arm arm) {
        return switch (arm) {
            case RNN_OUTPUT_LAYER -> new Fitted(rnnOutputLayer());
            case JEPA_LOSS_LAYER -> new Fitted(jepaLossLayer());
            case DECODER_VERTEX -> new Fitted(decoderVertex(Objects.requireNonNull(model)));
            case JEPA_TRAINER -> new Trained(Objects.requireNonNull(model));
        };
    }

    /** A Deeplearning4j network. */
    private final class Fitted implements Training {
        private final Runnable step;
        private final List<Double> times = new ArrayList<>();

        Fitted(Runnable step) {
            this.step = step;
        }

        @Override
        public void train(int round) {
            step.run();
            for (int i = 0; i < steps; i++) {
                long begun = System.nanoTime();
                step.run();
                times.add((System.nanoTime() - begun) / 1e6);
            }
        }

        @Override
        public double milliseconds() {
            return Median.of(times.stream().mapToDouble(Double::doubleValue));
        }
    }

    /** A decoder by our trainer. */
    private final class Trained implements Training {
        private final TimedArm arm;

        Trained(CheckpointFolder model) {
            int vocabulary = DecoderLoader.config(model).vocabularySize();
            arm =
                    new TimedArm(
                            DecoderLoader.load(model, vocabulary),
                            examples(vocabulary),
                            new LanguageModelLayout(),
                            0,
                            0,
                            false,
                            steps);
        }

        @Override
        public void train(int round) {
            arm.train(round);
        }

        @Override
        public double milliseconds() {
            return arm.milliseconds(false);
        }
    }

    private static List<TokenizedExample> examples(int vocabulary) {
        return new TrainingShape(
                        EMBEDDING, 1, 1, 1, 1, vocabulary, BATCH, PROMPT_TOKENS, CODE_TOKENS)
                .examples();
    }

    private static MultiViewBatch batch(int vocabulary) {
        return MultiViewBatch.of(examples(vocabulary), new LanguageModelLayout(), 0);
    }

    private static Runnable rnnOutputLayer() {
        MultiLayerNetwork network =
                lstm(
                        new RnnOutputLayer.Builder()
                                .nOut(VOCABULARY)
                                .activation(Activation.SOFTMAX)
                                .build());
        MultiViewBatch batch = batch(VOCABULARY);
        long time = batch.inputIds().size(1);
        INDArray labels = Nd4j.zeros(DataType.FLOAT, BATCH, VOCABULARY, time);
        INDArray mask = Nd4j.zeros(DataType.FLOAT, BATCH, time);
        int[] indices = batch.labelIndices().toIntVector();
        int[] ids = batch.labelIds().toIntVector();
        for (int i = 0; i < ids.length; i++) {
            if (ids[i] != MultiViewBatch.NO_INDEX) {
                labels.putScalar(indices[i] / time, ids[i], indices[i] % time, 1);
                mask.putScalar(indices[i] / time, indices[i] % time, 1);
            }
        }
        return () -> network.fit(batch.inputIds(), labels, null, mask);
    }

    private static Runnable jepaLossLayer() {
        MultiLayerNetwork network =
                lstm(new JepaLossLayer.Builder().nOut(VOCABULARY).lambda(0).build());
        MultiViewBatch batch = batch(VOCABULARY);
        INDArray labels = PackedLabels.pack(batch);
        return () -> network.fit(batch.inputIds(), labels);
    }

    private static MultiLayerNetwork lstm(FeedForwardLayer loss) {
        MultiLayerNetwork network =
                new MultiLayerNetwork(
                        new NeuralNetConfiguration.Builder()
                                .seed(1)
                                .updater(new Adam(LEARNING_RATE))
                                .list()
                                .layer(
                                        new EmbeddingSequenceLayer.Builder()
                                                .nIn(VOCABULARY)
                                                .nOut(EMBEDDING)
                                                .hasBias(false)
                                                .build())
                                .layer(new LSTM.Builder().nOut(HIDDEN).build())
                                .layer(loss)
                                .setInputType(InputType.recurrent(VOCABULARY))
                                .build());
        network.init();
        return network;
    }

    private static Runnable decoderVertex(CheckpointFolder model) {
        int vocabulary = DecoderLoader.config(model).vocabularySize();
        DecoderVertex decoder = DecoderVertex.load(model, vocabulary);
        ComputationGraph network =
                new ComputationGraph(
                        new NeuralNetConfiguration.Builder()
                                .updater(new Adam(LEARNING_RATE))
                                .graphBuilder()
                                .addInputs("ids", "positions", "segments", "prefixes")
                                .addVertex(
                                        "decoder",
                                        decoder,
                                        "ids",
                                        "positions",
                                        "segments",
                                        "prefixes")
                                .addLayer(
                                        "loss",
                                        new JepaLossLayer.Builder()
                                                .nIn(decoder.hiddenSize())
                                                .nOut(vocabulary)
                                                .hasBias(false)
                                                .lambda(0)
                                                .build(),
                                        "decoder")
                                .setOutputs("loss")
                                .build());
        network.init();
        network.getParam("loss_W").assign(decoder.headOf());
        MultiViewBatch batch = batch(vocabulary);
        MultiDataSet data =
                new MultiDataSet(
                        new INDArray[] {
                            batch.inputIds(),
                            batch.positionIds(),
                            batch.segmentIds(),
                            batch.prefixIds()
                        },
                        new INDArray[] {PackedLabels.pack(batch)});
        return () -> network.fit(data);
    }
}
