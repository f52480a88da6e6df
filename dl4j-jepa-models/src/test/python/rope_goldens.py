"""Writes the rotary frequencies that transformers computes, for RotaryEmbeddingTest.

    pip install torch==2.15.0 transformers==5.23.0
    python rope_goldens.py > ../resources/models/rope.json
"""

import json

from transformers import LlamaConfig, Phi3Config
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

BASE = dict(hidden_size=64, num_attention_heads=4, num_hidden_layers=1, vocab_size=99, intermediate_size=8)
LLAMA3 = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=32)
SHORT, LONG = [1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
LONGROPE = dict(rope_type="longrope", short_factor=SHORT, long_factor=LONG)

# Parameters, max_position_embeddings, original_max_position_embeddings and the length of a row.
CASES = [
    (dict(rope_type="linear", factor=4.0), 128, None, 16),
    (dict(rope_type="dynamic", factor=4.0), 128, None, 100),
    (LLAMA3, 256, None, 16),
    (dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=64), 256, None, 16),
    (dict(rope_type="yarn", factor=8.0, original_max_position_embeddings=64, beta_fast=16.0, beta_slow=2.0,
          attention_factor=1.25), 512, None, 16),
    (dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=64, truncate=False, mscale=0.7,
          mscale_all_dim=1.2), 256, None, 16),
    (LONGROPE, 256, 64, 64),
    (LONGROPE, 256, 64, 65),
]


def main():
    rows = []
    for parameters, positions, original, length in CASES:
        phi3 = parameters["rope_type"] == "longrope"
        rope = {"rope_theta": 10000.0, **parameters}
        settings = {**BASE, "max_position_embeddings": positions}
        if phi3:
            settings["original_max_position_embeddings"] = original
        config = (Phi3Config if phi3 else LlamaConfig)(**settings, rope_parameters=dict(rope))
        frequencies, factor = ROPE_INIT_FUNCTIONS[parameters["rope_type"]](config, "cpu", seq_len=length)
        rows.append({
            "config": {**settings, "model_type": "phi3" if phi3 else "llama", "rope_parameters": rope},
            "length": length,
            "frequencies": frequencies.tolist(),
            "attention_factor": factor,
        })
    print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
