"""Writes what transformers makes of a grid of rotary configurations, for RotaryGridTest.

    pip install torch==2.15.0 transformers==5.23.0
    python rope_goldens.py > ../resources/models/rope.json

Every family is combined with every rope type and its options, partial rotation, windows, sizes of heads, and the forms of
config.json that transformers 4 and 5 write. Of each combination that transformers accepts the file holds the frequencies, the
attention factor and the logits after a short and after a long row; of the others, why they fail. The weights are computed, not
stored: see `weights`.
"""

import copy
import json
import logging
import sys

import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM

transformers.logging.set_verbosity(logging.CRITICAL)

SHORT, LONG = 12, 40  # tokens of the rows; 16 is the length before stretching
COMMON = dict(vocab_size=11, hidden_size=24, intermediate_size=20, num_hidden_layers=2, num_attention_heads=3,
              num_key_value_heads=1, max_position_embeddings=64, tie_word_embeddings=False)
FAMILIES = {
    "llama": {}, "mistral": dict(sliding_window=None), "qwen2": dict(use_sliding_window=False),
    "qwen3": dict(head_dim=8, use_sliding_window=False), "gemma": dict(head_dim=8, tie_word_embeddings=True),
    "gemma2": dict(head_dim=8, query_pre_attn_scalar=8, sliding_window=10, tie_word_embeddings=True),
    "gemma3_text": dict(head_dim=8, query_pre_attn_scalar=8, sliding_window=10, tie_word_embeddings=True,
                        layer_types=["sliding_attention", "full_attention"]),
    "olmo": {}, "olmo2": {}, "phi": {}, "phi3": {"pad_token_id": None},
}
TEST_KEYS = dict(bos_token_id=1, eos_token_id=2, pad_token_id=None)

PAIRS = [1.0, 1.3, 1.7, 2.5, 3.0, 3.1, 3.3, 3.6]
FAR = [1.5, 2.0, 4.0, 7.0, 8.0, 8.5, 9.0, 9.5]


def longrope(pairs, **more):
    return dict(rope_type="longrope", short_factor=PAIRS[:pairs], long_factor=FAR[:pairs], **more)


def types(pairs):
    """Rope types with their options; the theta comes apart, for it moves between the forms of config.json."""
    yield "default", dict(rope_type="default")
    yield "linear", dict(rope_type="linear", factor=4.0)
    yield "linear below one", dict(rope_type="linear", factor=0.5)
    yield "dynamic", dict(rope_type="dynamic", factor=4.0)
    llama3 = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0)
    yield "llama3", dict(llama3, original_max_position_embeddings=16)
    yield "llama3 without original", llama3
    yield "llama3 reversed", dict(llama3, low_freq_factor=4.0, high_freq_factor=1.0, original_max_position_embeddings=16)
    yarn = dict(rope_type="yarn", factor=4.0)
    yield "yarn", dict(yarn, original_max_position_embeddings=16)
    yield "yarn without original", yarn
    yield "yarn, factor null", dict(yarn, factor=None, original_max_position_embeddings=16)
    yield "yarn, attention factor", dict(yarn, attention_factor=1.25, original_max_position_embeddings=16)
    yield "yarn, both mscales", dict(yarn, mscale=0.7, mscale_all_dim=1.2, original_max_position_embeddings=16)
    yield "yarn, one mscale", dict(yarn, mscale=0.7, original_max_position_embeddings=16)
    yield "yarn, not truncated", dict(yarn, truncate=False, original_max_position_embeddings=16)
    yield "yarn, betas", dict(yarn, beta_fast=4, beta_slow=0.5, truncate=False, original_max_position_embeddings=16)
    yield "longrope", longrope(pairs, original_max_position_embeddings=16)
    yield "longrope, factor", longrope(pairs, factor=2.0, original_max_position_embeddings=16)
    yield "longrope, attention factor", longrope(pairs, attention_factor=1.3, original_max_position_embeddings=16)
    yield "longrope without original", longrope(pairs)
    yield "longrope for half a head", longrope(pairs // 2, original_max_position_embeddings=16)
    yield "su", dict(longrope(pairs), rope_type="su", original_max_position_embeddings=16)
    yield "yarn with factors", dict(longrope(pairs), rope_type="yarn", factor=4.0, original_max_position_embeddings=16)
    yield "proportional", dict(rope_type="proportional", partial_rotary_factor=0.5)


def v5(family, rope, theta=None, **top):
    if family == "gemma3_text":
        return dict(nested(rope, dict(rope_type="default", rope_theta=50.0), theta), **top)
    return dict(rope_parameters={**rope, **({} if theta is None else dict(rope_theta=theta))}, **top)


def v4(family, rope, theta=None, **top):
    rope = dict(rope)
    kind = rope["rope_type"]
    if family != "gemma3_text":
        rope["type"] = rope.pop("rope_type")  # the older name of the key
    if kind == "default":
        rope = None
    if rope and kind in ("longrope", "su"):
        top["original_max_position_embeddings"] = rope.pop("original_max_position_embeddings", None)
        top = {k: v for k, v in top.items() if v is not None}
    return dict(rope_scaling=rope, **({} if theta is None else dict(rope_theta=theta)), **top)


def nested(rope, local, theta=None):
    full = {**rope, **({} if theta is None else dict(rope_theta=theta))}
    return dict(rope_parameters={"full_attention": full, "sliding_attention": local})


def grid():
    """The name of each case, its family, and what it changes of the family's configuration."""
    for family in FAMILIES:
        pairs = 4 if family != "phi" else 2
        for name, rope in types(pairs):
            yield name, family, v5(family, rope, 500.0)
            yield name + ", v4", family, v4(family, rope, 500.0)
        yield "defaults", family, {}
        yield "theta alone", family, dict(rope_theta=500.0)
        yield "theta twice", family, v5(family, dict(rope_type="default"), 500.0, rope_theta=70.0)
        yield "both forms", family, dict(v5(family, dict(rope_type="linear", factor=2.0), 500.0), **v4(family, dict(rope_type="linear", factor=4.0)))
        yield "empty old form", family, dict(v5(family, dict(rope_type="linear", factor=2.0), 500.0), rope_scaling={})
        yarn = dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=16)
        yield "original twice", family, v5(family, yarn, 500.0, original_max_position_embeddings=32)
        yield "original at the top", family, v5(family, longrope(pairs), 500.0, original_max_position_embeddings=16)
        yield "original twice, longrope", family, v5(
            family, longrope(pairs, original_max_position_embeddings=16), 500.0, original_max_position_embeddings=32)
        yield "by layer type", family, nested(dict(rope_type="linear", factor=2.0), dict(rope_type="linear", factor=4.0), 500.0)
        for part in (0.25, 0.4, 0.5, 0.75, 0.9, 1.0) if family in ("llama", "phi", "phi3") else (0.5, 0.9):
            n = int(8 * part) // 2
            for name, rope in (("default", dict(rope_type="default")), ("linear", dict(rope_type="linear", factor=4.0)),
                               ("yarn", yarn), ("longrope", longrope(n, original_max_position_embeddings=16))):
                name = f"{name}, {part} of a head"
                yield name, family, v5(family, dict(rope, partial_rotary_factor=part), 500.0)
                yield name + " by the top", family, v5(family, rope, 500.0, partial_rotary_factor=part)
                yield name + ", v4", family, v4(family, rope, 500.0, partial_rotary_factor=part)
        yield "heads of another width", family, v5(family, yarn, 500.0, head_dim=12)
        yield "heads of another width, longrope", family, v5(
            family, longrope(6 if family != "phi" else 3, original_max_position_embeddings=16), 500.0, head_dim=12)
        yield "odd heads", family, dict(hidden_size=15, head_dim=5)
        yield "odd heads, derived", family, dict(hidden_size=15, **({"head_dim": 5} if "head_dim" in FAMILIES[family] else {}))
        yield "odd heads in part", family, dict(
            v5(family, dict(rope_type="default", partial_rotary_factor=0.8), 500.0), hidden_size=15,
            **({"head_dim": 5} if "head_dim" in FAMILIES[family] else {}))
        yield "heads do not divide", family, dict(hidden_size=25)
    for family in ("mistral", "phi3"):
        for window in (None, 5):
            yield f"window {window}", family, dict(sliding_window=window)
        yield "window and layer types", family, dict(sliding_window=5, layer_types=["sliding_attention", "full_attention"])
    for family in ("qwen2", "qwen3"):
        yield "window", family, dict(use_sliding_window=True, sliding_window=5, max_window_layers=1)
        yield "window, not used", family, dict(use_sliding_window=False, sliding_window=5, max_window_layers=0)
        yield "window null", family, dict(use_sliding_window=True, sliding_window=None, max_window_layers=0)
        yield "layer types", family, dict(use_sliding_window=True, sliding_window=5, layer_types=["sliding_attention", "full_attention"])
        yield "layer types without window", family, dict(use_sliding_window=False, sliding_window=5, layer_types=["sliding_attention", "full_attention"])
    for family in ("gemma2", "gemma3_text"):
        yield "layer types reversed", family, dict(sliding_window=5, layer_types=["full_attention", "sliding_attention"])
        yield "layer types all full", family, dict(sliding_window=5, layer_types=["full_attention"] * 2)
        yield "layer types all sliding", family, dict(sliding_window=5, layer_types=["sliding_attention"] * 2)
        yield "no layer types", family, dict(sliding_window=5, layer_types=None)
        yield "window null", family, dict(sliding_window=None)
    gemma = "gemma3_text"
    yield "flat", gemma, dict(rope_parameters=dict(rope_type="linear", factor=4.0, rope_theta=500.0))
    yield "older name of the type", gemma, dict(rope_scaling=dict(type="linear", factor=4.0))
    yield "pattern", gemma, dict(layer_types=None, sliding_window_pattern=2)
    yield "local base", gemma, dict(rope_theta=500.0, rope_local_base_freq=30.0)
    yield "local base and scaling", gemma, dict(
        rope_theta=500.0, rope_local_base_freq=30.0, rope_scaling=dict(rope_type="linear", factor=8.0))
    yield "scaled local layers", gemma, nested(
        dict(rope_type="linear", factor=8.0), dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=16), 500.0)
    yield "longrope in local layers", gemma, nested(
        dict(rope_type="default"), longrope(4, original_max_position_embeddings=16), 500.0)
    yield "full layers alone", gemma, dict(rope_parameters={"full_attention": dict(rope_type="linear", factor=8.0)})
    yield "local layers alone", gemma, dict(rope_parameters={"sliding_attention": dict(rope_type="linear", factor=8.0)})
    yield "both forms by layer type", gemma, dict(
        nested(dict(rope_type="linear", factor=8.0), dict(rope_type="default"), 500.0), rope_scaling=dict(factor=2.0))


def values(count, index):
    """The numbers of a tensor: neither neutral nor of low rank, and the same in any language."""
    i = torch.arange(count, dtype=torch.float64) % 1009
    return 0.3 * torch.sin(0.37 * i * i + 1.1 * index)


def weights(model, family):
    parameters = dict(model.named_parameters())
    with torch.no_grad():
        for index, name in enumerate(sorted(parameters)):
            p = parameters[name]
            gain = p.dim() == 1 and name.endswith(".weight") and not family.startswith("gemma")
            p.copy_((values(p.numel(), index) + (1 if gain else 0)).reshape(p.shape))


def rounded(tensor, digits):
    return [float(f"{x:.{digits}g}") for x in tensor.flatten().tolist()]


TABLES, LOGITS = [], []  # what cases refer to by number: attention factor and frequencies; logits


def index(table, row):
    if row not in table:
        table.append(row)
    return table.index(row)


def run(model, length):
    with torch.no_grad():
        logits = model(input_ids=(torch.arange(length) * 7 % 11)[None]).logits[0, -1]
    rotary = model.model.rotary_emb
    layered = hasattr(rotary, "full_attention_inv_freq") or hasattr(rotary, "sliding_attention_inv_freq")
    found = dict(logits=index(LOGITS, rounded(logits, 7)))
    for key, prefix in (("full", "full_attention_"), ("window", "sliding_attention_")) if layered else (("full", ""),):
        if hasattr(rotary, prefix + "inv_freq"):
            frequencies = rounded(getattr(rotary, prefix + "inv_freq"), 8)
            found[key] = index(TABLES, [getattr(rotary, prefix + "attention_scaling"), *frequencies])
    return found


def case(name, family, changes):
    settings = {**TEST_KEYS, **COMMON, **FAMILIES[family], **changes, "model_type": family}
    row = dict(name=name, family=family, changes=changes)
    try:
        config = AutoConfig.for_model(**copy.deepcopy(settings))
        model = AutoModelForCausalLM.from_config(config, attn_implementation="eager").float().eval()
        weights(model, family)
        short, far = run(model, SHORT), run(model, LONG)
        row.update(short=short, long=far)
    except Exception as e:  # transformers has no common type for what it refuses
        row["refused"] = f"{type(e).__name__}: {e}".split("\n")[0][:90]
    return row


def main():
    rows = [case(*c) for c in grid()]

    def lines(values):
        return ",\n".join(json.dumps(value, separators=(",", ":")) for value in values)

    print('{"short":%d,"long":%d,"common":%s,\n"families":%s,\n"tables":[\n%s\n],\n"logits":[\n%s\n],\n"cases":[\n%s\n]}' % (
        SHORT, LONG, lines([COMMON]), lines([FAMILIES]), lines(TABLES), lines(LOGITS), lines(rows)))
    accepted = sum("refused" not in row for row in rows)
    print(f"{len(rows)} cases, {accepted} of them accepted", file=sys.stderr)


if __name__ == "__main__":
    main()
