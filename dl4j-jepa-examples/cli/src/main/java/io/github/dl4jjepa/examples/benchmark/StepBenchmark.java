package io.github.dl4jjepa.examples.benchmark;

import io.github.dl4jjepa.core.view.SharedPrefixLayout;
import io.github.dl4jjepa.models.decoder.TransformerDecoder;
import io.github.dl4jjepa.models.internal.ProcessMemory;
import io.github.dl4jjepa.models.lora.Lora;
import io.github.dl4jjepa.models.lora.LoraOptions;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a training step (forward, backward, AdamW) costs without the JEPA term and with it, and a
 * forward pass alone. The three take turns in every round; a time is the median over its steps.
 */
public final class StepBenchmark {
    private final TrainingShape shape;
    private final @Nullable LoraOptions lora;
    private final boolean gradientCheckpointing;
    private final int threads;
    private final int rounds;
    private final int steps;

    /**
     * @param lora the adapter that is trained, with the row of [PRED]; null to train all weights
     * @param gradientCheckpointing whether both trainings compute layers again to save memory
     * @param threads of native operations, 1 to {@link NativeThreads#available()}
     * @param rounds how often the three take turns
     * @param steps timed steps of each in a round; one more before them is not timed
     */
    public StepBenchmark(
            TrainingShape shape,
            @Nullable LoraOptions lora,
            boolean gradientCheckpointing,
            int threads,
            int rounds,
            int steps) {
        this.shape = shape;
        this.lora = lora;
        this.gradientCheckpointing = gradientCheckpointing;
        this.threads = threads;
        this.rounds = rounds;
        this.steps = steps;
    }

    /**
     * The figures.
     *
     * @param params parameters of the decoder
     * @param trained how many of them are trained
     * @param plainMs milliseconds a step without the JEPA term
     * @param jepaMs milliseconds a step with it, shared prefix layout, one [PRED] token
     * @param forwardMs milliseconds a forward pass without the JEPA term
     * @param peakRssMb most resident memory of the process, in MB
     * @param gflops 10<sup>9</sup> floating-point operations a second of the plain step
     */
    public record Result(
            long params,
            long trained,
            double plainMs,
            double jepaMs,
            double forwardMs,
            long peakRssMb,
            double gflops,
            int threads,
            int rounds,
            int steps) {}

    /**
     * Runs the benchmark.
     *
     * @param progress is told after each round
     */
    public Result run(Runnable progress) {
        int available = NativeThreads.available();
        if (threads == available) {
            return measure(progress);
        }
        NativeThreads.limit(threads);
        try {
            return measure(progress);
        } finally {
            NativeThreads.limit(available);
        }
    }

    private Result measure(Runnable progress) {
        TransformerDecoder decoder = decoder();
        try (TimedArm jepa =
                new TimedArm(
                        decoder,
                        shape.examples(),
                        new SharedPrefixLayout(shape.views()),
                        1,
                        0,
                        gradientCheckpointing,
                        steps)) {
            TimedArm plain = jepa.withoutJepaTerm();
            for (int round = 0; round < rounds; round++) {
                plain.train(round);
                jepa.train(round);
                plain.evaluate();
                progress.run();
            }
            double plainMs = plain.milliseconds(false);
            return new Result(
                    decoder.parameterCount(),
                    decoder.parameters().trainable().length(),
                    plainMs,
                    jepa.milliseconds(true),
                    plain.forwardMilliseconds(),
                    ProcessMemory.peakBytes() >> 20,
                    plain.flops(false) / plainMs / 1e6,
                    threads,
                    rounds,
                    steps);
        }
    }

    private TransformerDecoder decoder() {
        TransformerDecoder decoder = shape.decoder();
        return lora == null
                ? decoder
                : Lora.attach(decoder, lora, List.of(shape.vocabulary() - 1), 1);
    }
}
