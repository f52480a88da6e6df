package io.github.dl4jjepa.models.lora;

import io.github.dl4jjepa.core.internal.SeededRandom;
import io.github.dl4jjepa.core.parameters.ParameterSet;
import io.github.dl4jjepa.models.decoder.Adapter;
import io.github.dl4jjepa.models.decoder.DecoderConfig;
import io.github.dl4jjepa.models.decoder.TransformerDecoder;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Adds adapters to decoders, and merges them. */
public final class Lora {
    private Lora() {}

    /**
     * Adds a new adapter, which changes nothing until it is trained: B is zero, A uniform within
     * ±1/sqrt(in) as in peft.
     *
     * @param decoder a decoder without an adapter; its arrays are shared, and frozen
     * @param options which maps are adapted
     * @param newTokens token ids whose rows are trained, from the mean of all other rows; of the
     *     embedding, and of a head that is not tied to it and has no bias
     * @param seed the same seed gives the same A
     * @throws io.github.dl4jjepa.core.JepaException if the options do not fit the model
     */
    public static TransformerDecoder attach(
            TransformerDecoder decoder,
            LoraOptions options,
            Collection<Integer> newTokens,
            long seed) {
        options.requireAllUsed(decoder.config());
        Map<String, INDArray> arrays = new LinkedHashMap<>();
        Map<String, List<Integer>> rows = new LinkedHashMap<>();
        if (!newTokens.isEmpty()) {
            for (String table : tables(decoder.config())) {
                rows.put(table, List.copyOf(newTokens));
                arrays.put(
                        Adapter.rows(table),
                        meanRows(decoder.parameters().array(table), newTokens));
            }
        }
        DataType type = decoder.parameters().dataType();
        options.sizes(decoder.config())
                .forEach(
                        (map, size) -> {
                            long[] widths = widths(decoder.config(), map);
                            arrays.put(
                                    Adapter.down(map),
                                    uniform(size.rank(), widths[1], seed, map, type));
                            arrays.put(Adapter.up(map), Nd4j.zeros(type, widths[0], size.rank()));
                        });
        return decoder.withAdapter(adapter(options, decoder.config(), rows), arrays);
    }

    /**
     * What the options add to a model.
     *
     * @param tokenRows token ids whose rows are trained, by the name of a table's parameter
     * @throws io.github.dl4jjepa.core.JepaException if the options do not fit the model
     */
    public static Adapter adapter(
            LoraOptions options, DecoderConfig config, Map<String, List<Integer>> tokenRows) {
        Map<String, Double> scalings = new LinkedHashMap<>();
        options.sizes(config).forEach((map, size) -> scalings.put(map, size.scaling()));
        return new Adapter(scalings, options.dropout(), tokenRows);
    }

    /**
     * The shapes of the parameters that the options add to a model.
     *
     * @param tokenRows token ids whose rows are trained, by the name of a table's parameter
     * @return by name, the trained rows first
     * @throws io.github.dl4jjepa.core.JepaException if the options do not fit the model
     */
    public static Map<String, long[]> shapes(
            LoraOptions options, DecoderConfig config, Map<String, List<Integer>> tokenRows) {
        Map<String, long[]> shapes = new LinkedHashMap<>();
        tokenRows.forEach(
                (table, tokens) ->
                        shapes.put(
                                Adapter.rows(table),
                                new long[] {tokens.size(), config.hiddenSize()}));
        options.sizes(config)
                .forEach(
                        (map, size) -> {
                            long[] widths = widths(config, map);
                            shapes.put(Adapter.down(map), new long[] {size.rank(), widths[1]});
                            shapes.put(Adapter.up(map), new long[] {widths[0], size.rank()});
                        });
        return shapes;
    }

    private static long[] widths(DecoderConfig config, String map) {
        return Objects.requireNonNull(config.linearMaps().get(map));
    }

    /**
     * The tables whose rows of new tokens are trained. peft drops the bias of a head that has
     * trained rows, so those of a head with a bias stay as they are.
     */
    private static List<String> tables(DecoderConfig config) {
        return config.head().tied() || config.head().bias()
                ? List.of(config.names().embedding())
                : List.of(config.names().embedding(), config.names().headWeight());
    }

    /**
     * Adds rows of new tokens to an adapter.
     *
     * @param decoder a decoder with an adapter; its arrays are shared
     * @param newTokens token ids whose rows are not trained yet
     */
    public static TransformerDecoder withNewTokens(
            TransformerDecoder decoder, Collection<Integer> newTokens) {
        if (newTokens.isEmpty()) {
            return decoder;
        }
        Adapter adapter = decoder.adapter();
        TransformerDecoder base = decoder.withoutAdapter();
        Map<String, INDArray> arrays = new LinkedHashMap<>();
        decoder.parameters()
                .trainable()
                .forEach(parameter -> arrays.put(parameter.name(), parameter.array()));
        base.parameters().names().forEach(arrays::remove);
        Map<String, List<Integer>> rows = new LinkedHashMap<>(adapter.tokenRows());
        for (String table : tables(decoder.config())) {
            List<Integer> all = new ArrayList<>(rows.getOrDefault(table, List.of()));
            List<Integer> added = newTokens.stream().filter(id -> !all.contains(id)).toList();
            if (added.isEmpty()) {
                continue;
            }
            all.addAll(added);
            rows.put(table, all);
            arrays.merge(
                    Adapter.rows(table),
                    meanRows(decoder.parameters().array(table), added),
                    (trained, fresh) -> Nd4j.concat(0, trained, fresh));
        }
        return base.withAdapter(adapter.withTokenRows(rows), arrays);
    }

    private static INDArray meanRows(INDArray table, Collection<Integer> tokens) {
        INDArray sum = table.sum(0);
        tokens.forEach(id -> sum.subi(table.getRow(id)));
        return Nd4j.tile(sum.divi(table.size(0) - tokens.size()).reshape(1, -1), tokens.size(), 1);
    }

    private static INDArray uniform(long rank, long width, long seed, String map, DataType type) {
        Random random = SeededRandom.of(seed, SeededRandom.Use.ADAPTER_WEIGHTS, map.hashCode());
        // Kaiming's with a = sqrt(5).
        double bound = 1 / Math.sqrt(width);
        float[] values = new float[Math.toIntExact(rank * width)];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) ((2 * random.nextDouble() - 1) * bound);
        }
        INDArray array = Nd4j.createFromArray(values).reshape(rank, width);
        return type == DataType.FLOAT ? array : array.castTo(type);
    }

    /**
     * Adds an adapter to the weights themselves.
     *
     * @param decoder a decoder with an adapter; its weights are changed
     * @return the decoder without its adapter
     */
    public static TransformerDecoder merge(TransformerDecoder decoder) {
        ParameterSet parameters = decoder.parameters();
        boolean transposed = decoder.config().hasTransposedMaps();
        decoder.adapter()
                .scalings()
                .forEach(
                        (map, scaling) -> {
                            INDArray down = parameters.array(Adapter.down(map));
                            INDArray up = parameters.array(Adapter.up(map));
                            try (INDArray product = up.mmul(down).muli(scaling)) {
                                parameters
                                        .array(map + ".weight")
                                        .addi(transposed ? product.transpose() : product);
                            }
                        });
        decoder.adapter()
                .tokenRows()
                .forEach(
                        (table, tokens) -> {
                            INDArray rows = parameters.array(Adapter.rows(table));
                            for (int i = 0; i < tokens.size(); i++) {
                                parameters
                                        .array(table)
                                        .get(NDArrayIndex.point(tokens.get(i)))
                                        .assign(rows.getRow(i));
                            }
                        });
        return decoder.withoutAdapter();
    }
}
