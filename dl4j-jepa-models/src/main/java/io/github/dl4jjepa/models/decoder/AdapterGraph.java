package io.github.dl4jjepa.models.decoder;

import io.github.dl4jjepa.core.ops.Ops;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeSet;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDIndex;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Draws an {@link Adapter}.
 *
 * <p>Masks of dropout are inputs of the graph: a table of as many random masks as there are tokens
 * for each width of an adapted map's input, and for each map the order in which its tokens take
 * them. That is as random for each map, and needs the memory of one.
 *
 * @param adapter what is added
 * @param inputWidths by the name of each adapted map, in the order of its masks
 * @param graph the graph
 * @param dataType of parameters and activations
 * @param parameter gives a parameter's variable in the graph by its name
 * @param training whether dropout is drawn
 */
record AdapterGraph(
        Adapter adapter,
        Map<String, Long> inputWidths,
        SameDiff graph,
        DataType dataType,
        Function<String, SDVariable> parameter,
        boolean training) {
    private static final String MASKS = "dropout_masks.";
    private static final String ORDER = "dropout_order";

    /**
     * Adds to a linear map.
     *
     * @param x the map's input, {@code [n, in]}
     * @param product what the frozen map makes of it, {@code [n, out]}
     */
    SDVariable linear(String map, SDVariable x, SDVariable product) {
        Double scaling = adapter.scalings().get(map);
        if (scaling == null) {
            return product;
        }
        SDVariable inner = Ops.linear(dropped(map, x), parameter.apply(Adapter.down(map)));
        SDVariable scaled = scaling == 1 ? inner : inner.mul(scaling);
        return Ops.add(product, Ops.linear(scaled, parameter.apply(Adapter.up(map))));
    }

    private SDVariable dropped(String map, SDVariable x) {
        if (!training || adapter.dropout() == 0) {
            return x;
        }
        int number = new ArrayList<>(inputWidths.keySet()).indexOf(map);
        long width = Objects.requireNonNull(inputWidths.get(map));
        SDVariable masks = input(MASKS + width, dataType, -1, width);
        SDVariable order = input(ORDER, DataType.INT32, inputWidths.size(), -1);
        return Ops.multiplyConstant(
                x, Ops.gather(masks, order.get(SDIndex.point(number), SDIndex.all())));
    }

    private SDVariable input(String name, DataType type, long... shape) {
        return graph.hasVariable(name)
                ? graph.getVariable(name)
                : graph.placeHolder(name, type, shape);
    }

    /** Values of the inputs; see {@link io.github.dl4jjepa.core.decoder.Decoder#dropoutMasks}. */
    static Map<String, INDArray> masks(
            Adapter adapter,
            Map<String, Long> inputWidths,
            DataType dataType,
            long tokens,
            @Nullable Random random) {
        Map<String, INDArray> inputs = new HashMap<>();
        int rows = random == null ? 1 : Math.toIntExact(tokens);
        for (long width : new TreeSet<>(inputWidths.values())) {
            float[] mask = new float[Math.toIntExact(rows * width)];
            for (int i = 0; i < mask.length; i++) {
                boolean kept = random == null || random.nextFloat() >= adapter.dropout();
                mask[i] = kept ? (float) (random == null ? 1 : 1 / (1 - adapter.dropout())) : 0;
            }
            INDArray array = Nd4j.createFromArray(mask).reshape(rows, width);
            inputs.put(MASKS + width, dataType == DataType.FLOAT ? array : array.castTo(dataType));
        }
        int[][] order = new int[inputWidths.size()][Math.toIntExact(tokens)];
        if (random != null) {
            for (int[] row : order) {
                shuffle(row, random);
            }
        }
        inputs.put(ORDER, Nd4j.createFromArray(order));
        return inputs;
    }

    private static void shuffle(int[] order, Random random) {
        for (int i = 0; i < order.length; i++) {
            int other = random.nextInt(i + 1);
            order[i] = order[other];
            order[other] = i;
        }
    }

    /**
     * Puts the trained rows of a table in place of the frozen ones.
     *
     * @param ids INT32 {@code [n]}
     * @param rows the frozen rows of these ids, {@code [n, hidden]}
     */
    SDVariable lookUp(String table, SDVariable ids, SDVariable rows) {
        List<Integer> tokens = adapter.tokenRows().get(table);
        if (tokens == null) {
            return rows;
        }
        INDArray trained = Nd4j.createFromArray(new int[][] {ints(tokens)});
        SDVariable column = graph.expandDims(ids, 1);
        SDVariable isToken = column.eq(graph.constant(trained)).castTo(dataType);
        return Ops.add(rows, isToken.mmul(change(table, tokens)));
    }

    /**
     * Puts the logits of trained rows in place of the frozen rows' logits.
     *
     * @param x {@code [n, hidden]}
     * @param logits {@code [n, vocabulary]}
     * @param vocabulary how many rows the table has
     */
    SDVariable logits(String table, SDVariable x, SDVariable logits, int vocabulary) {
        List<Integer> tokens = adapter.tokenRows().get(table);
        if (tokens == null) {
            return logits;
        }
        INDArray columns = Nd4j.zeros(dataType, tokens.size(), vocabulary);
        for (int i = 0; i < tokens.size(); i++) {
            columns.putScalar(i, tokens.get(i), 1);
        }
        SDVariable changes = Ops.linear(x, change(table, tokens));
        return Ops.add(logits, Ops.linearTransposed(changes, graph.constant(columns)));
    }

    /** By how much the trained rows differ from the frozen ones. */
    private SDVariable change(String table, List<Integer> tokens) {
        SDVariable trained = parameter.apply(Adapter.rows(table));
        INDArray frozen = parameter.apply(table).getArr().getRows(ints(tokens));
        return Ops.addConstant(trained, graph.constant(frozen.neg()));
    }

    private static int[] ints(List<Integer> tokens) {
        return tokens.stream().mapToInt(Integer::intValue).toArray();
    }
}
