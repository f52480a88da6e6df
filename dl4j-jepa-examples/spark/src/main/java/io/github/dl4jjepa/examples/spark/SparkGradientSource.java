package io.github.dl4jjepa.examples.spark;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.internal.samediff.GradientSink;
import io.github.dl4jjepa.core.iterator.MultiViewBatch;
import io.github.dl4jjepa.core.objective.CrossBatchStep;
import io.github.dl4jjepa.core.objective.CrossBatchStep.PairEmbeddings;
import io.github.dl4jjepa.core.objective.CrossBatchStep.PairGradients;
import io.github.dl4jjepa.core.objective.GradientSource;
import io.github.dl4jjepa.core.objective.JepaObjective;
import io.github.dl4jjepa.core.objective.Losses;
import io.github.dl4jjepa.core.objective.StepRequest;
import io.github.dl4jjepa.core.objective.TrainingGraph;
import io.github.dl4jjepa.core.parameters.Parameter;
import io.github.dl4jjepa.core.parameters.ParameterSet;
import io.github.dl4jjepa.models.finetuning.RunReplica;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.BiConsumer;
import org.apache.spark.HashPartitioner;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import scala.Tuple2;

/**
 * Lets the executors of a Spark cluster compute the gradient of a step: that of the one large
 * batch, to which each of them contributes the micro-batches of its part.
 *
 * <p>Each step the trainable parameters are broadcast. The parts of the gradient are added block by
 * block, the blocks by several executors, in the order of the parts: two runs with the same number
 * of partitions agree bit for bit. Where the objective compares pairs with each other, the
 * executors first embed those of their parts, and the driver compares all of them.
 *
 * <p>Evaluation, and all that is not a gradient, is up to the graph of the driver.
 */
final class SparkGradientSource implements GradientSource {
    private static final Logger LOG = LoggerFactory.getLogger(SparkGradientSource.class);

    private final JavaSparkContext context;
    private final TrainingGraph graph;
    private final RunReplica replica;
    private final int partitions;
    private final String run = UUID.randomUUID().toString();
    private final FlatArrays weights;
    private final FlatArrays trained;
    private @Nullable Broadcast<float[][]> broadcast;
    private boolean begun;

    /**
     * @param graph the run's, on the driver
     * @param replica loads the same on an executor
     * @param partitions the most parts that a step is divided into
     * @param broadcastLimit the most bytes of trainable parameters
     * @throws JepaException if there are more
     */
    SparkGradientSource(
            JavaSparkContext context,
            TrainingGraph graph,
            RunReplica replica,
            int partitions,
            long broadcastLimit) {
        this.context = context;
        this.graph = graph;
        this.replica = replica;
        this.partitions = partitions;
        weights = ExecutorModel.weights(graph);
        trained = ExecutorModel.trained(graph);
        if (weights.bytes() > broadcastLimit) {
            boolean isWhole = graph.parameters().frozen().isEmpty();
            throw new JepaException(
                    "each step would send "
                            + megabytes(weights.bytes())
                            + " of trained weights to every executor, which is more than the"
                            + " broadcastLimit of "
                            + megabytes(broadcastLimit)
                            + "; "
                            + (isWhole ? "train an adapter (loraRank), or raise it" : "raise it"));
        }
    }

    private static String megabytes(long bytes) {
        return String.format(Locale.ROOT, "%.1f MB", bytes / 1e6);
    }

    @Override
    public JepaObjective objective() {
        return graph.objective();
    }

    @Override
    public ParameterSet parameters() {
        return graph.parameters();
    }

    @Override
    public Map<String, INDArray> state() {
        return graph.state();
    }

    @Override
    public void parametersUpdated() {
        graph.parametersUpdated();
        if (broadcast != null) {
            broadcast.destroy();
            broadcast = null;
        }
    }

    @Override
    public double flops(List<MultiViewBatch> batches, boolean hasJepaTerm) {
        return graph.flops(batches, hasJepaTerm);
    }

    @Override
    public StepRequest.Totals totals(List<MultiViewBatch> batches) {
        return graph.totals(batches);
    }

    @Override
    public Optional<CrossBatchStep> crossBatchStep() {
        return graph.crossBatchStep();
    }

    @Override
    public Losses evaluate(MultiViewBatch batch) {
        return graph.evaluate(batch);
    }

    @Override
    public Losses accumulate(StepRequest step, BiConsumer<String, INDArray> gradients) {
        if (!begun) {
            begun = true;
            describe(step);
        }
        List<StepPart> parts = StepPart.of(step, partitions);
        ExecutorModel.Work work = new ExecutorModel.Work(run, replica, broadcast());
        long pairs = totals(step.batches()).pairs();
        Optional<CrossBatchStep> phases =
                step.weights().lambda() > 0 && pairs > 0 && parts.size() > 1
                        ? graph.crossBatchStep()
                        : Optional.empty();
        if (phases.isEmpty()) {
            return gradient(work, parts, gradients);
        }
        if (step.totals().pairs() != pairs) {
            throw new IllegalArgumentException(
                    "the objective compares the pairs of all batches, which must be the whole"
                            + " step's");
        }
        List<PairEmbeddings> embeddings =
                SparkJob.await(
                        () -> context.parallelize(parts, parts.size()).map(work::embed).collect());
        try (PairGradients compared = phases.get().compare(embeddings, step.seed())) {
            List<StepPart> seconds = new ArrayList<>();
            for (StepPart part : parts) {
                seconds.add(part.with(compared.parts().get(part.index())));
            }
            return new Losses(0, 0, compared.sum(), 0).plus(gradient(work, seconds, gradients));
        } finally {
            embeddings.forEach(PairEmbeddings::close);
        }
    }

    private void describe(StepRequest step) {
        LOG.info(
                "Each step sends {} of weights to every executor and adds up {} of gradients",
                megabytes(weights.bytes()),
                megabytes(trained.bytes()));
        if (step.batches().size() < partitions) {
            LOG.warn(
                    "A step has {} micro-batches, so that no more than {} of {} partitions are used;"
                            + " raise accumulate, or lower partitions",
                    step.batches().size(),
                    step.batches().size(),
                    partitions);
        }
    }

    private Broadcast<float[][]> broadcast() {
        Broadcast<float[][]> present = broadcast;
        if (present == null) {
            present = context.broadcast(weights.toBlocks());
            broadcast = present;
        }
        return present;
    }

    private Losses gradient(
            ExecutorModel.Work work, List<StepPart> parts, BiConsumer<String, INDArray> gradients) {
        float[][] blocks = trained.newBlocks();
        JavaPairRDD<Integer, GradientBlock> sums =
                context.parallelize(parts, parts.size())
                        .flatMapToPair(part -> work.gradient(part).iterator())
                        .groupByKey(new HashPartitioner(Math.min(parts.size(), blocks.length)))
                        .mapValues(GradientBlock::sum);
        Losses losses = Losses.NONE;
        for (Tuple2<Integer, GradientBlock> block : SparkJob.await(sums::collect)) {
            blocks[block._1()] = block._2().values();
            losses = block._2().losses();
        }
        sums.rdd().cleanShuffleDependencies(false);
        for (Parameter parameter : parameters().trainable()) {
            handOn(parameter, blocks, gradients);
        }
        return losses;
    }

    private void handOn(
            Parameter parameter, float[][] blocks, BiConsumer<String, INDArray> gradients) {
        String name = parameter.name();
        INDArray destination =
                gradients instanceof GradientSink sink ? sink.destination(name) : null;
        if (destination != null) {
            trained.get(blocks, name, destination);
            gradients.accept(name, destination);
            return;
        }
        try (INDArray gradient =
                Nd4j.createUninitialized(parameter.array().dataType(), parameter.array().shape())) {
            trained.get(blocks, name, gradient);
            gradients.accept(name, gradient);
        }
    }
}
