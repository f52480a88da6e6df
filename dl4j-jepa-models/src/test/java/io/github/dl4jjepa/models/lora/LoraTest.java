package io.github.dl4jjepa.models.lora;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.parameters.Parameter;
import io.github.dl4jjepa.models.Fixtures;
import io.github.dl4jjepa.models.decoder.Adapter;
import io.github.dl4jjepa.models.decoder.CachedDecoder;
import io.github.dl4jjepa.models.decoder.DecoderConfig;
import io.github.dl4jjepa.models.decoder.TransformerDecoder;
import io.github.dl4jjepa.models.huggingface.CheckpointFolder;
import io.github.dl4jjepa.models.huggingface.DecoderLoader;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class LoraTest {
    private static final List<int[]> ROWS =
            List.of(new int[] {7, 9, 7, 11, 298}, new int[] {30, 299, 31});

    private static TransformerDecoder load(String model) {
        return DecoderLoader.load(CheckpointFolder.open(Fixtures.model(model)));
    }

    private static INDArray logits(TransformerDecoder decoder) {
        try (CachedDecoder reader = new CachedDecoder(decoder, ROWS.size(), 8)) {
            reader.read(0, ROWS);
            return Nd4j.createFromArray(
                    new float[][] {reader.logits(0).clone(), reader.logits(1).clone()});
        }
    }

    private static TransformerDecoder random(TransformerDecoder decoder) {
        for (Parameter parameter : decoder.parameters().trainable()) {
            INDArray array = parameter.array();
            array.addi(
                    Nd4j.randn(
                            0,
                            0.2,
                            array.shape(),
                            Nd4j.getRandomFactory().getNewRandomInstance(7)));
        }
        return decoder;
    }

    private static double relative(INDArray actual, INDArray expected) {
        return actual.distance2(expected) / expected.norm2Number().doubleValue();
    }

    @ParameterizedTest
    @MethodSource("io.github.dl4jjepa.models.Fixtures#families")
    void aNewAdapterLeavesTheLogitsAsTheyAreBitForBit(String model) {
        INDArray expected = logits(load(model));
        TransformerDecoder adapted =
                Lora.attach(load(model), LoraOptions.builder().build(), List.of(), 1);
        assertThat(logits(adapted)).isEqualTo(expected);
    }

    @ParameterizedTest
    @MethodSource("io.github.dl4jjepa.models.Fixtures#families")
    void aMergedAdapterComputesTheSame(String model) {
        TransformerDecoder adapted =
                random(
                        Lora.attach(
                                load(model),
                                LoraOptions.builder().optRank(4).build(),
                                List.of(298, 299),
                                1));
        INDArray base = logits(load(model));
        INDArray expected = logits(adapted);
        TransformerDecoder merged = Lora.merge(adapted);
        assertThat(relative(expected, base)).isGreaterThan(0.01);
        assertThat(relative(logits(merged), expected)).isLessThan(1e-5);
        assertThat(merged.parameters().names())
                .isEqualTo(merged.config().parameterShapes().keySet());
    }

    @Test
    void aRankOfTheFullDimensionCanExpressAnyChange() {
        TransformerDecoder base = load("llama");
        String map = "model.layers.1.mlp.down_proj";
        long[] widths = base.config().linearMaps().get(map);
        assertThat(widths).containsExactly(48, 80);
        TransformerDecoder adapted =
                Lora.attach(
                        base,
                        LoraOptions.builder().optRank(80).optAlpha(80).optTargets(map).build(),
                        List.of(),
                        1);
        INDArray change = Nd4j.randn(0, 0.3, new long[] {48, 80}, Nd4j.getRandom());
        adapted.parameters().array(Adapter.down(map)).assign(Nd4j.eye(80));
        adapted.parameters().array(Adapter.up(map)).assign(change);
        TransformerDecoder changed = load("llama");
        changed.parameters().array(map + ".weight").addi(change);
        assertThat(relative(logits(adapted), logits(changed))).isLessThan(1e-5);
    }

    @Test
    void theFirstMatrixIsUniformAsPeftHasItAndTheSecondZero() {
        TransformerDecoder adapted =
                Lora.attach(load("llama"), LoraOptions.builder().optRank(64).build(), List.of(), 1);
        String map = "model.layers.0.mlp.down_proj";
        INDArray down = adapted.parameters().array(Adapter.down(map));
        double bound = 1 / Math.sqrt(80);
        assertThat(down.shape()).containsExactly(64, 80);
        assertThat(down.amaxNumber().doubleValue()).isBetween(0.99 * bound, bound);
        assertThat(down.meanNumber().doubleValue()).isCloseTo(0, within(0.03 * bound));
        assertThat(down.stdNumber().doubleValue())
                .isCloseTo(bound / Math.sqrt(3), within(0.02 * bound));
        assertThat(adapted.parameters().array(Adapter.up(map)).amaxNumber().doubleValue()).isZero();
        INDArray other = adapted.parameters().array(Adapter.down("model.layers.1.mlp.down_proj"));
        assertThat(other).isNotEqualTo(down);
    }

    @Test
    void newTokensBeginAsTheMeanOfTheOthers() {
        TransformerDecoder base = load("llama");
        INDArray table = base.parameters().array("model.embed_tokens.weight");
        INDArray mean = table.getRows(java.util.stream.IntStream.range(0, 298).toArray()).mean(0);
        TransformerDecoder adapted =
                Lora.attach(base, LoraOptions.builder().build(), List.of(298, 299), 1);
        INDArray rows = adapted.parameters().array(Adapter.rows("model.embed_tokens.weight"));
        assertThat(rows.shape()).containsExactly(2, 48);
        assertThat(rows.getRow(1).distance2(mean)).isLessThan(1e-5);
    }

    @Test
    void aHeadOfItsOwnHasTrainedRowsUnlessItHasABias() {
        LoraOptions options = LoraOptions.builder().build();
        assertThat(Lora.attach(load("mistral"), options, List.of(5), 1).adapter().tokenRows())
                .containsOnlyKeys("model.embed_tokens.weight", "lm_head.weight");
        assertThat(load("phi").config().head().bias()).isTrue();
        assertThat(Lora.attach(load("phi"), options, List.of(5), 1).adapter().tokenRows())
                .containsOnlyKeys("model.embed_tokens.weight");
    }

    @Test
    void tokensAreAddedToAnAdapterThatHasSome() {
        TransformerDecoder adapted =
                random(Lora.attach(load("llama"), LoraOptions.builder().build(), List.of(298), 1));
        TransformerDecoder more = Lora.withNewTokens(adapted, List.of(299));
        String rows = Adapter.rows("model.embed_tokens.weight");
        assertThat(more.adapter().tokenRows().get("model.embed_tokens.weight"))
                .containsExactly(298, 299);
        assertThat(more.parameters().array(rows).getRow(0))
                .isEqualTo(adapted.parameters().array(rows).getRow(0));
        assertThat(more.parameters().trainable().names())
                .isEqualTo(adapted.parameters().trainable().names());
    }

    @Test
    void patternsChooseMapsRanksAndAlphasAsInPeft() {
        DecoderConfig config = load("llama").config();
        LoraOptions options =
                LoraOptions.builder()
                        .optRank(4)
                        .optAlpha(8)
                        .optTargets(ModuleNames.matching(".*self_attn\\.(q|k|v|o)_proj"))
                        .optExclusions(ModuleNames.of(List.of("1.self_attn.o_proj")))
                        .optRankPattern(Map.of("layers\\.0\\.self_attn\\.q_proj", 2))
                        .optAlphaPattern(Map.of("v_proj", 6.0))
                        .build();
        Map<String, LoraOptions.Size> sizes = options.sizes(config);
        assertThat(sizes).hasSize(7).doesNotContainKey("model.layers.1.self_attn.o_proj");
        assertThat(sizes.get("model.layers.0.self_attn.q_proj"))
                .isEqualTo(new LoraOptions.Size(2, 4));
        assertThat(sizes.get("model.layers.1.self_attn.q_proj"))
                .isEqualTo(new LoraOptions.Size(4, 2));
        assertThat(sizes.get("model.layers.1.self_attn.v_proj"))
                .isEqualTo(new LoraOptions.Size(4, 1.5));
    }

    @Test
    void rankStabilizedScalingDividesByTheRoot() {
        LoraOptions options = LoraOptions.builder().optRank(16).optAlpha(8).optRsLora(true).build();
        assertThat(options.sizes(load("llama").config()).values())
                .containsOnly(new LoraOptions.Size(16, 2));
    }

    @Test
    void aNameThatNoMapHasIsRefusedWithThoseThereAre() {
        LoraOptions options = LoraOptions.builder().optTargets("q_proj", "query").build();
        assertThatThrownBy(() -> Lora.attach(load("llama"), options, List.of(), 1))
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("\"query\"")
                .hasMessageContaining("model.layers.0.self_attn.q_proj");
    }

    @Test
    void headsAreRefusedAsTargets() {
        LoraOptions options =
                LoraOptions.builder().optTargets(ModuleNames.matching(".*q_proj|lm_head")).build();
        assertThatThrownBy(() -> Lora.attach(load("mistral"), options, List.of(), 1))
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("lm_head");
    }

    @Test
    void thePartOfAFusedProjectionIsThePeftModule() {
        TransformerDecoder base = load("phi3");
        assertThat(LoraOptions.builder().build().sizes(base.config()).keySet())
                .contains("model.layers.0.self_attn.qkv_proj", "model.layers.1.mlp.gate_up_proj");
        TransformerDecoder gpt2 =
                Lora.attach(
                        load("gpt2"),
                        LoraOptions.builder().optRank(2).optTargets("c_attn").build(),
                        List.of(),
                        1);
        assertThat(gpt2.parameters().array(Adapter.up("transformer.h.0.attn.c_attn")).shape())
                .containsExactly(120, 2);
    }
}
