package io.github.dl4jjepa.models.layer;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.dl4jjepa.models.decoder.Adapter;
import io.github.dl4jjepa.models.decoder.DecoderConfig;
import io.github.dl4jjepa.models.decoder.TransformerDecoder;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * An adapter as a network's configuration keeps it, without what belongs to the head.
 *
 * @param scalings by the name of each adapted map
 * @param ranks likewise
 * @param tokenRows token ids by the name of a table's parameter
 */
record AdapterSettings(
        Map<String, Double> scalings,
        Map<String, Integer> ranks,
        Map<String, List<Integer>> tokenRows) {
    static AdapterSettings of(TransformerDecoder decoder) {
        Adapter adapter = decoder.adapter();
        Map<String, Integer> ranks = new LinkedHashMap<>();
        adapter.scalings()
                .keySet()
                .forEach(
                        map ->
                                ranks.put(
                                        map,
                                        (int)
                                                decoder.parameters()
                                                        .array(Adapter.down(map))
                                                        .size(0)));
        Map<String, List<Integer>> rows = new LinkedHashMap<>(adapter.tokenRows());
        rows.remove(decoder.config().names().headWeight());
        return new AdapterSettings(adapter.scalings(), ranks, rows);
    }

    static AdapterSettings of(String json) {
        try {
            return new ObjectMapper().readValue(json, AdapterSettings.class);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("the adapter's settings are damaged", e);
        }
    }

    String toJson() {
        try {
            return new ObjectMapper().writeValueAsString(this);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    Adapter adapter() {
        return new Adapter(scalings, 0, tokenRows);
    }

    /** The shapes of the adapter's parameters by name. */
    Map<String, long[]> shapes(DecoderConfig config) {
        Map<String, long[]> maps = config.linearMaps();
        Map<String, long[]> shapes = new LinkedHashMap<>();
        tokenRows.forEach(
                (table, ids) ->
                        shapes.put(
                                Adapter.rows(table), new long[] {ids.size(), config.hiddenSize()}));
        ranks.forEach(
                (map, rank) -> {
                    long[] widths = Objects.requireNonNull(maps.get(map));
                    shapes.put(Adapter.down(map), new long[] {rank, widths[1]});
                    shapes.put(Adapter.up(map), new long[] {widths[0], rank});
                });
        return shapes;
    }

    /** Adds the adapter to its base, with arrays that the network's parameters will replace. */
    TransformerDecoder addTo(TransformerDecoder base) {
        Map<String, INDArray> arrays = new LinkedHashMap<>();
        shapes(base.config())
                .forEach((name, shape) -> arrays.put(name, Nd4j.zeros(DataType.FLOAT, shape)));
        return base.withAdapter(adapter(), arrays);
    }
}
