package io.github.dl4jjepa.models.decoder;

import java.util.Locale;

/**
 * What a family calls its tensors. Names of a layer's come without the layer's prefix, those of
 * linear maps and norms without {@code .weight} and {@code .bias}.
 *
 * @param embedding of tokens
 * @param positions the learned positions
 * @param head the head, where it is not tied
 * @param finalNorm the norm after the last layer
 * @param layer a layer's prefix; {@code %d} is its number
 * @param query the query projection
 * @param key the key projection
 * @param value the value projection
 * @param queryKeyValue the three in one
 * @param attentionOutput the projection after attention
 * @param queryNorm the norm of queries
 * @param keyNorm the norm of keys
 * @param inputNorm the norm before attention
 * @param postAttentionNorm the norm after attention, or before the feed-forward block
 * @param preFeedForwardNorm the norm before the feed-forward block, where that after attention is
 *     another
 * @param postFeedForwardNorm the norm after the feed-forward block
 * @param gate the gate of the feed-forward block
 * @param up its first projection
 * @param gateUp the two in one
 * @param down its last projection
 */
public record TensorNames(
        String embedding,
        String positions,
        String head,
        String finalNorm,
        String layer,
        String query,
        String key,
        String value,
        String queryKeyValue,
        String attentionOutput,
        String queryNorm,
        String keyNorm,
        String inputNorm,
        String postAttentionNorm,
        String preFeedForwardNorm,
        String postFeedForwardNorm,
        String gate,
        String up,
        String gateUp,
        String down) {
    /** Llama's, which most families have taken over. */
    public static final TensorNames LLAMA =
            new TensorNames(
                    "model.embed_tokens.weight",
                    "model.embed_positions.weight",
                    "lm_head",
                    "model.norm",
                    "model.layers.%d.",
                    "self_attn.q_proj",
                    "self_attn.k_proj",
                    "self_attn.v_proj",
                    "self_attn.qkv_proj",
                    "self_attn.o_proj",
                    "self_attn.q_norm",
                    "self_attn.k_norm",
                    "input_layernorm",
                    "post_attention_layernorm",
                    "pre_feedforward_layernorm",
                    "post_feedforward_layernorm",
                    "mlp.gate_proj",
                    "mlp.up_proj",
                    "mlp.gate_up_proj",
                    "mlp.down_proj");

    /** Phi's. */
    public static final TensorNames PHI =
            new TensorNames(
                    LLAMA.embedding,
                    LLAMA.positions,
                    LLAMA.head,
                    "model.final_layernorm",
                    LLAMA.layer,
                    LLAMA.query,
                    LLAMA.key,
                    LLAMA.value,
                    LLAMA.queryKeyValue,
                    "self_attn.dense",
                    "self_attn.q_layernorm",
                    "self_attn.k_layernorm",
                    LLAMA.inputNorm,
                    LLAMA.postAttentionNorm,
                    LLAMA.preFeedForwardNorm,
                    LLAMA.postFeedForwardNorm,
                    LLAMA.gate,
                    "mlp.fc1",
                    LLAMA.gateUp,
                    "mlp.fc2");

    /** OpenELM's. */
    public static final TensorNames OPENELM =
            new TensorNames(
                    "transformer.token_embeddings.weight",
                    LLAMA.positions,
                    LLAMA.head,
                    "transformer.norm",
                    "transformer.layers.%d.",
                    LLAMA.query,
                    LLAMA.key,
                    LLAMA.value,
                    "attn.qkv_proj",
                    "attn.out_proj",
                    "attn.q_norm",
                    "attn.k_norm",
                    "attn_norm",
                    "ffn_norm",
                    LLAMA.preFeedForwardNorm,
                    LLAMA.postFeedForwardNorm,
                    LLAMA.gate,
                    "ffn.proj_1",
                    "ffn.proj_1",
                    "ffn.proj_2");

    /** GPT-2's. */
    public static final TensorNames GPT2 =
            new TensorNames(
                    "transformer.wte.weight",
                    "transformer.wpe.weight",
                    LLAMA.head,
                    "transformer.ln_f",
                    "transformer.h.%d.",
                    LLAMA.query,
                    LLAMA.key,
                    LLAMA.value,
                    "attn.c_attn",
                    "attn.c_proj",
                    LLAMA.queryNorm,
                    LLAMA.keyNorm,
                    "ln_1",
                    "ln_2",
                    LLAMA.preFeedForwardNorm,
                    LLAMA.postFeedForwardNorm,
                    LLAMA.gate,
                    "mlp.c_fc",
                    LLAMA.gateUp,
                    "mlp.c_proj");

    /** A tensor of a layer. */
    String of(int number, String name) {
        return String.format(Locale.ROOT, layer, number) + name;
    }

    /** The head's matrix. */
    public String headWeight() {
        return head + ".weight";
    }
}
