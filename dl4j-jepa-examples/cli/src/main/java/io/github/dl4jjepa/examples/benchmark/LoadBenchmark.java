package io.github.dl4jjepa.examples.benchmark;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.models.decoder.TransformerDecoder;
import io.github.dl4jjepa.models.huggingface.CheckpointFolder;
import io.github.dl4jjepa.models.huggingface.DecoderLoader;
import io.github.dl4jjepa.models.internal.ProcessMemory;
import io.github.dl4jjepa.models.safetensors.SafetensorsCheckpoint;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * What it costs to load a model, beside the first touch of as much memory: that is what a load
 * would take if nothing had to be read or converted. The files are read once before, so that the
 * operating system has them in memory; then loads and touches take turns.
 */
public final class LoadBenchmark {
    /** How often a load and a touch take turns. */
    public static final int ROUNDS = 3;

    private static final int BUFFER_BYTES = 1 << 20;
    private static final int PAGE_BYTES = 4096;

    private final CheckpointFolder folder;

    /**
     * @param folder the model's
     */
    public LoadBenchmark(CheckpointFolder folder) {
        this.folder = folder;
    }

    /**
     * The figures; times are medians.
     *
     * @param params parameters of the model
     * @param touchSeconds to write to every page of arrays of the parameters' sizes
     * @param loadSeconds to load the model
     * @param loadOverTouch the ratio of the two
     * @param peakOverWeights how far the first load's peak of resident memory was above what was
     *     resident before, as a multiple of the parameters' size in float32; pages of the files
     *     that the load maps count as resident
     */
    public record Result(
            long params,
            double touchSeconds,
            double loadSeconds,
            double loadOverTouch,
            double peakOverWeights) {}

    /**
     * Runs the benchmark.
     *
     * @param progress is told after each load
     * @throws JepaException if the model cannot be read
     */
    public Result run(Runnable progress) {
        List<Path> files =
                folder.weights().tensors().values().stream()
                        .map(SafetensorsCheckpoint.TensorInfo::file)
                        .distinct()
                        .toList();
        // The native libraries are not part of the model.
        Nd4j.zeros(1).close();
        read(files);

        List<Double> touchSeconds = new ArrayList<>();
        List<Double> loadSeconds = new ArrayList<>();
        long params = 0;
        long growth = 0;
        for (int round = 0; round < ROUNDS; round++) {
            long residentBefore = ProcessMemory.residentBytes();
            long begun = System.nanoTime();
            TransformerDecoder decoder = DecoderLoader.load(folder);
            loadSeconds.add(secondsSince(begun));
            if (round == 0) {
                growth = ProcessMemory.peakBytes() - residentBefore;
                params = decoder.parameterCount();
            }
            List<Long> lengths = new ArrayList<>();
            for (INDArray array : decoder.parameters().arrays().values()) {
                lengths.add(array.length());
                array.close();
            }

            begun = System.nanoTime();
            List<INDArray> touched = lengths.stream().map(LoadBenchmark::touched).toList();
            touchSeconds.add(secondsSince(begun));
            touched.forEach(INDArray::close);
            progress.run();
        }
        double touch = Median.of(touchSeconds.stream().mapToDouble(Double::doubleValue));
        double load = Median.of(loadSeconds.stream().mapToDouble(Double::doubleValue));
        return new Result(
                params, touch, load, load / touch, (double) growth / (params * Float.BYTES));
    }

    /** New memory for so many parameters, each page of which was written to. */
    private static INDArray touched(long length) {
        INDArray array = Nd4j.createUninitialized(DataType.FLOAT, length);
        for (long i = 0; i < length; i += PAGE_BYTES / Float.BYTES) {
            array.data().put(i, 0f);
        }
        return array;
    }

    private static void read(List<Path> files) {
        ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES);
        for (Path file : files) {
            try (FileChannel channel = FileChannel.open(file)) {
                while (channel.read(buffer.clear()) >= 0) {
                    // The bytes are not looked at.
                }
            } catch (IOException e) {
                throw new JepaException(file + ": cannot be read: " + e.getMessage(), e);
            }
        }
    }

    private static double secondsSince(long begun) {
        return (System.nanoTime() - begun) / 1e9;
    }
}
