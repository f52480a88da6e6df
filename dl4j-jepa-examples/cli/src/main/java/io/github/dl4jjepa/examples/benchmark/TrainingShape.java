package io.github.dl4jjepa.examples.benchmark;

import io.github.dl4jjepa.core.view.TokenSpan;
import io.github.dl4jjepa.core.view.TokenizedExample;
import io.github.dl4jjepa.core.view.TokenizedView;
import io.github.dl4jjepa.core.view.ViewOptions;
import io.github.dl4jjepa.models.decoder.DecoderConfig;
import io.github.dl4jjepa.models.decoder.DecoderConfig.Attention;
import io.github.dl4jjepa.models.decoder.DecoderConfig.FeedForward;
import io.github.dl4jjepa.models.decoder.DecoderConfig.Head;
import io.github.dl4jjepa.models.decoder.DecoderConfig.Norm;
import io.github.dl4jjepa.models.decoder.DecoderConfig.NormKind;
import io.github.dl4jjepa.models.decoder.DecoderConfig.NormPlacement;
import io.github.dl4jjepa.models.decoder.DecoderConfig.Projection;
import io.github.dl4jjepa.models.decoder.RotaryEmbedding;
import io.github.dl4jjepa.models.decoder.TensorNames;
import io.github.dl4jjepa.models.decoder.TransformerDecoder;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * A Llama with a tied head, and the rows it is trained on. The last token id is [PRED].
 *
 * @param hidden width of the hidden states
 * @param layers number of transformer blocks
 * @param heads query heads, each {@code hidden / heads} wide
 * @param keyValueHeads key and value heads; divides {@code heads}
 * @param feedForward width of the feed-forward block
 * @param vocabulary number of token ids
 * @param batch examples a step
 * @param promptTokens tokens before an example's answer
 * @param codeTokens tokens of the answer, each of which is a label
 */
public record TrainingShape(
        int hidden,
        int layers,
        int heads,
        int keyValueHeads,
        int feedForward,
        int vocabulary,
        int batch,
        int promptTokens,
        int codeTokens) {
    /** 6.4 million parameters on rows as long as those of NL-RX. */
    static final TrainingShape NL_RX = new TrainingShape(256, 6, 8, 4, 688, 8000, 12, 38, 22);

    private static final int MAX_POSITIONS = 512;

    /** A decoder with random parameters, always the same. */
    TransformerDecoder decoder() {
        return TransformerDecoder.random(
                DecoderConfig.builder()
                        .setVocabularySize(vocabulary)
                        .setHiddenSize(hidden)
                        .setLayers(layers)
                        .setAttention(
                                Attention.llama(
                                        heads, keyValueHeads, hidden / heads, false, layers, 0))
                        .setFeedForward(
                                new FeedForward(
                                        List.of(feedForward),
                                        DecoderConfig.HiddenActivation.SILU,
                                        true,
                                        Projection.SEPARATE,
                                        false))
                        .setNorm(new Norm(NormKind.RMS, 1e-5, NormPlacement.BEFORE))
                        .setHead(Head.plain(true))
                        .setPositions(new RotaryEmbedding(10000, new RotaryEmbedding.Plain()))
                        .setNames(TensorNames.LLAMA)
                        .setMaxPositions(Math.max(MAX_POSITIONS, promptTokens + codeTokens + 1))
                        .build(),
                1);
    }

    /** One [PRED] token. */
    ViewOptions views() {
        return ViewOptions.predictors(vocabulary - 1);
    }

    /** The examples of a batch: random tokens, always the same. */
    List<TokenizedExample> examples() {
        Random random = new Random(2);
        List<TokenizedExample> examples = new ArrayList<>();
        for (int i = 0; i < batch; i++) {
            examples.add(example(random, promptTokens, codeTokens));
        }
        return examples;
    }

    /** An example of random tokens; Text is the prompt, Code is the answer. */
    TokenizedExample example(Random random, int promptTokens, int codeTokens) {
        int[] ids = random.ints(promptTokens + codeTokens, 0, vocabulary - 1).toArray();
        TokenSpan prompt = new TokenSpan(0, promptTokens);
        TokenSpan code = new TokenSpan(promptTokens, ids.length);
        return new TokenizedExample(
                "benchmark",
                ids,
                code,
                List.of(TokenizedView.inRow(ids, prompt), TokenizedView.inRow(ids, code)));
    }
}
