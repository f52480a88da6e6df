package io.github.dl4jjepa.models.decoder;

import io.github.dl4jjepa.core.parameters.Parameter;
import io.github.dl4jjepa.core.parameters.ParameterSet;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The parameters of an {@link Adapter}, checked against the decoder that it is added to. */
final class AdapterParameters {
    private final Map<String, INDArray> arrays;
    private final List<Parameter> parameters = new ArrayList<>();

    private AdapterParameters(Map<String, INDArray> arrays) {
        this.arrays = arrays;
    }

    /**
     * Checks the arrays of an adapter.
     *
     * @throws IllegalArgumentException if the adapter or an array does not fit the decoder
     */
    static ParameterSet of(DecoderConfig config, Adapter adapter, Map<String, INDArray> arrays) {
        AdapterParameters all = new AdapterParameters(arrays);
        all.tables(config, adapter);
        all.maps(config, adapter);
        if (all.parameters.size() < arrays.size()) {
            throw new IllegalArgumentException(
                    "the adapter has "
                            + all.parameters.size()
                            + " arrays, not "
                            + arrays.size()
                            + ": "
                            + arrays.keySet());
        }
        return new ParameterSet(all.parameters);
    }

    private void tables(DecoderConfig config, Adapter adapter) {
        TensorNames names = config.names();
        adapter.tokenRows()
                .forEach(
                        (table, tokens) -> {
                            boolean isEmbedding = table.equals(names.embedding());
                            if (!isEmbedding
                                    && (config.head().tied()
                                            || !table.equals(names.headWeight()))) {
                                throw new IllegalArgumentException(
                                        table + " has no rows of tokens that can be trained");
                            }
                            for (int id : tokens) {
                                if (id < 0 || id >= config.vocabularySize()) {
                                    throw new IllegalArgumentException(
                                            "token id "
                                                    + id
                                                    + " is not one of "
                                                    + config.vocabularySize());
                                }
                            }
                            add(
                                    Adapter.rows(table),
                                    isEmbedding ? Parameter.Group.EMBEDDING : Parameter.Group.HEAD,
                                    tokens.size(),
                                    config.hiddenSize());
                        });
    }

    private void maps(DecoderConfig config, Adapter adapter) {
        Map<String, long[]> maps = config.linearMaps();
        for (String map : adapter.scalings().keySet()) {
            long[] widths = maps.get(map);
            if (widths == null) {
                throw new IllegalArgumentException(map + " is not a linear map of a layer");
            }
            INDArray down = arrays.get(Adapter.down(map));
            long rank = down == null ? 1 : down.size(0);
            add(Adapter.down(map), Parameter.Group.ADAPTER, rank, widths[1]);
            add(Adapter.up(map), Parameter.Group.ADAPTER, widths[0], rank);
        }
    }

    private void add(String name, Parameter.Group group, long... shape) {
        INDArray array = arrays.get(name);
        if (array == null || !Arrays.equals(array.shape(), shape)) {
            throw new IllegalArgumentException(
                    name
                            + " must be an array of shape "
                            + Arrays.toString(shape)
                            + ", not "
                            + (array == null ? "missing" : Arrays.toString(array.shape())));
        }
        parameters.add(new Parameter(name, array, true, true, group));
    }
}
