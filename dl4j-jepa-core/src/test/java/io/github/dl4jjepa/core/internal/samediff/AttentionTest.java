package io.github.dl4jjepa.core.internal.samediff;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jjepa.core.ops.Ops;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.bytedeco.javacpp.FloatPointer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** The fused operator against attention composed of SameDiff's operators, in double precision. */
class AttentionTest {
    private static final int ROWS = 3;
    private static final int KEY_VALUE_HEADS = 2;
    private static final int GROUP = 2;

    /** Of a result's norm. */
    private static final double TOLERANCE = 2e-6;

    private record Setting(int time, int headDim, int window, double scale) {
        int width(int heads) {
            return heads * headDim;
        }
    }

    /** What tokens see: {@code [rows, time]} each. */
    private record Seen(int[][] positions, int[][] segments, int[][] prefixes) {
        /** A prefix, two views that see it, and padding, in rows of different lengths. */
        static Seen rows(int time) {
            Seen seen = new Seen(new int[ROWS][time], new int[ROWS][time], new int[ROWS][time]);
            for (int row = 0; row < ROWS; row++) {
                int prefix = time / 3 + row;
                int view = Math.max(1, time / 4);
                for (int token = 0; token < time; token++) {
                    int segment = token < prefix ? 0 : 1 + (token - prefix) / view;
                    boolean pads = segment > 2 || row == 1 && segment > 1;
                    int start = segment == 0 ? 0 : (segment - 1) * view;
                    seen.positions[row][token] = token - start;
                    seen.segments[row][token] = pads ? -1 : segment;
                    seen.prefixes[row][token] = pads ? -1 : 0;
                }
            }
            return seen;
        }

        boolean sees(int row, int query, int key, int window) {
            int segment = segments[row][key];
            int distance = positions[row][query] - positions[row][key];
            return (segment == segments[row][query] || segment == prefixes[row][query])
                    && distance >= 0
                    && (window == 0 || distance < window);
        }
    }

    private static INDArray random(Random random, long rows, long columns) {
        float[] values = new float[Math.toIntExact(rows * columns)];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return Nd4j.create(values, new long[] {rows, columns}, 'c');
    }

    private static Map<String, float[]> run(Setting setting, boolean fused) {
        Random random = new Random(5);
        long tokens = (long) ROWS * setting.time;
        int heads = KEY_VALUE_HEADS * GROUP;
        DataType type = fused ? DataType.FLOAT : DataType.DOUBLE;
        INDArray queries = random(random, tokens, setting.width(heads)).muli(setting.scale);
        INDArray keys = random(random, tokens, setting.width(KEY_VALUE_HEADS));
        INDArray values = random(random, tokens, setting.width(KEY_VALUE_HEADS));
        INDArray weights = random(random, tokens, setting.width(heads));
        Seen seen = Seen.rows(setting.time);
        SameDiff graph = fused ? Graphs.createForExecutor() : Graphs.create();
        SDVariable query = graph.var("queries", queries.castTo(type));
        SDVariable key = graph.var("keys", keys.castTo(type));
        SDVariable value = graph.var("values", values.castTo(type));
        SDVariable mixed =
                fused
                        ? FusedOperators.attention(
                                query,
                                key,
                                value,
                                graph.constant(Nd4j.createFromArray(seen.positions)),
                                graph.constant(Nd4j.createFromArray(seen.segments)),
                                graph.constant(Nd4j.createFromArray(seen.prefixes)),
                                setting.headDim,
                                setting.window)
                        : composed(setting, seen, query, key, value);
        mixed = graph.math().mul("mixed", mixed, graph.constant(Nd4j.ones(type, 1, 1)));
        Ops.multiplyConstant(mixed, graph.constant(weights.castTo(type))).sum().rename("loss");
        graph.setLossVariables("loss");
        Map<String, float[]> results = new HashMap<>();
        try (Arena arena = new Arena(type);
                GradientFunction function =
                        new GradientFunction(
                                graph,
                                List.of("queries", "keys", "values"),
                                List.of("mixed"),
                                arena,
                                List.of())) {
            // Recorded, then replayed.
            for (int run = 0; run < 2; run++) {
                function.run(
                        Map.of(),
                        (name, array) -> results.put(name, array.dup('c').data().asFloat()),
                        (name, array) -> results.put(name, array.dup('c').data().asFloat()));
            }
        }
        return results;
    }

    private static SDVariable composed(
            Setting setting, Seen seen, SDVariable query, SDVariable key, SDVariable value) {
        SameDiff graph = query.getSameDiff();
        int time = setting.time;
        INDArray mask = Nd4j.create(DataType.DOUBLE, ROWS, 1, (long) GROUP * time, time);
        for (int row = 0; row < ROWS; row++) {
            for (int i = 0; i < GROUP * time; i++) {
                for (int j = 0; j < time; j++) {
                    boolean sees = seen.sees(row, i % time, j, setting.window);
                    mask.putScalar(new long[] {row, 0, i, j}, sees ? 0 : -1e9);
                }
            }
        }
        SDVariable queries =
                query.reshape(ROWS, time, KEY_VALUE_HEADS, GROUP, setting.headDim)
                        .permute(0, 2, 3, 1, 4)
                        .reshape(ROWS, KEY_VALUE_HEADS, GROUP * time, setting.headDim);
        SDVariable keys =
                key.reshape(ROWS, time, KEY_VALUE_HEADS, setting.headDim).permute(0, 2, 1, 3);
        SDVariable values =
                value.reshape(ROWS, time, KEY_VALUE_HEADS, setting.headDim).permute(0, 2, 1, 3);
        SDVariable scores = graph.mmul(queries, keys, false, true, false);
        SDVariable weights = graph.nn().softmax(Ops.addConstant(scores, graph.constant(mask)), -1);
        return graph.mmul(weights, values)
                .reshape(ROWS, KEY_VALUE_HEADS, GROUP, time, setting.headDim)
                .permute(0, 3, 1, 2, 4)
                .reshape((long) ROWS * time, setting.width(KEY_VALUE_HEADS * GROUP));
    }

    /**
     * Lengths below and above a block's, head widths that make blocks of different sizes, windows,
     * and scores so large that their exponentials overflow.
     */
    @ParameterizedTest
    @CsvSource({
        "1, 8, 0, 0.3",
        "37, 8, 0, 0.3",
        "150, 32, 0, 0.2",
        "150, 64, 20, 0.1",
        "301, 128, 0, 0.1",
        "131, 256, 70, 0.06",
        "150, 32, 0, 10",
        "150, 32, 0, 0"
    })
    void agreesWithAttentionInDoublePrecision(int time, int headDim, int window, double scale) {
        Setting setting = new Setting(time, headDim, window, scale);
        Map<String, float[]> fused = run(setting, true);
        // Scores of some hundreds have fewer digits behind the point.
        double tolerance = TOLERANCE * Math.max(1, scale * scale);
        run(setting, false)
                .forEach(
                        (name, expected) ->
                                assertThat(distance(fused.get(name), expected))
                                        .as(name)
                                        .isLessThanOrEqualTo(tolerance * norm(expected)));
    }

    private static double distance(float[] a, float[] b) {
        float[] difference = new float[a.length];
        for (int i = 0; i < a.length; i++) {
            difference[i] = a[i] - b[i];
        }
        return norm(difference);
    }

    private static double norm(float[] x) {
        double squares = 0;
        for (float value : x) {
            squares += (double) value * value;
        }
        return Math.sqrt(squares);
    }

    @Test
    void resultsAreTheSameBitsWhateverTheNumberOfThreads() {
        Setting setting = new Setting(301, 64, 0, 0.1);
        int before = Nd4j.factory().blas().getMaxThreads();
        try {
            Nd4j.factory().blas().setMaxThreads(1);
            Map<String, float[]> one = run(setting, true);
            for (int threads : new int[] {2, 5}) {
                Nd4j.factory().blas().setMaxThreads(threads);
                Map<String, float[]> several = run(setting, true);
                one.forEach((name, values) -> assertThat(several.get(name)).isEqualTo(values));
            }
        } finally {
            Nd4j.factory().blas().setMaxThreads(before);
        }
    }

    /** Where there is oneDNN, the other library's products would not be run by any other test. */
    @Test
    void productsOfBothLibrariesAgree() {
        Random random = new Random(1);
        float[] a = random(random, 50, 60).data().asFloat();
        float[] b = random(random, 50, 60).data().asFloat();
        for (boolean transposesA : new boolean[] {false, true}) {
            for (boolean transposesB : new boolean[] {false, true}) {
                for (boolean adds : new boolean[] {false, true}) {
                    try (FloatPointer left = new FloatPointer(a);
                            FloatPointer right = new FloatPointer(b);
                            FloatPointer own = new FloatPointer(b);
                            FloatPointer blas = new FloatPointer(b)) {
                        TileProduct.multiply(
                                transposesA,
                                transposesB,
                                TileProduct.Tile.at(left.address(), 3, 60),
                                TileProduct.Tile.at(right.address(), 5, 60),
                                TileProduct.Tile.at(own.address(), 7, 60),
                                30,
                                40,
                                35,
                                adds);
                        TileProduct.multiplyByOpenBlas(
                                transposesA,
                                transposesB,
                                TileProduct.Tile.at(left.address(), 3, 60),
                                TileProduct.Tile.at(right.address(), 5, 60),
                                TileProduct.Tile.at(blas.address(), 7, 60),
                                30,
                                40,
                                35,
                                adds);
                        float[] expected = values(blas);
                        assertThat(expected).isNotEqualTo(b);
                        assertThat(distance(values(own), expected))
                                .isLessThan(1e-6 * norm(expected));
                    }
                }
            }
        }
    }

    private static float[] values(FloatPointer pointer) {
        float[] values = new float[50 * 60];
        pointer.get(values);
        return values;
    }
}
