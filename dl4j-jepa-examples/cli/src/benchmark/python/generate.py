"""Time greedy generation in transformers: the twin of `jepa benchmark generate`, with the same options and JSON keys.

    OMP_NUM_THREADS=1 python generate.py --rows 1,16
"""

import argparse
import json
import statistics
import time

import torch
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", metavar="DIR", help="default: random weights in the shape of SmolLM2-135M")
    parser.add_argument("--rows", default="1,16", metavar="N,N", help="default: 1,16")
    parser.add_argument("--prompt-tokens", dest="prompt", type=int, default=60, metavar="N", help="default: 60")
    parser.add_argument("--new-tokens", type=int, default=64, metavar="N", help="default: 64")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="default: 3")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), metavar="N")
    parser.add_argument("--attention", choices=["eager", "sdpa"], default="sdpa", help="default: sdpa")
    parser.add_argument("--json", action="store_true", help="print no progress; there is none")
    return parser.parse_args()


def load(options):
    if options.model:
        return AutoModelForCausalLM.from_pretrained(
            options.model, dtype=torch.float32, attn_implementation=options.attention
        )
    config = LlamaConfig(
        hidden_size=576,
        num_hidden_layers=30,
        num_attention_heads=9,
        num_key_value_heads=3,
        intermediate_size=1536,
        vocab_size=49152,
        tie_word_embeddings=True,
        max_position_embeddings=512,
        attn_implementation=options.attention,
    )
    return LlamaForCausalLM(config)


def timed(model, ids, tokens):
    begun = time.perf_counter()
    model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=tokens, do_sample=False)
    return (time.perf_counter() - begun) * 1000


def main():
    options = parse_arguments()
    torch.set_num_threads(options.threads)
    model = load(options).eval()
    model.generation_config.eos_token_id = None
    model.generation_config.pad_token_id = 0
    numbers = [int(number) for number in options.rows.split(",")]
    prefill = {number: [] for number in numbers}
    steps = {number: [] for number in numbers}
    with torch.no_grad():
        for round in range(options.rounds + 1):
            for number in numbers:
                ids = torch.randint(0, model.config.vocab_size, (number, options.prompt))
                # The first token comes with the prompt.
                first = timed(model, ids, 1)
                whole = timed(model, ids, options.new_tokens)
                if round > 0:
                    prefill[number].append(first)
                    steps[number].append((whole - first) / (options.new_tokens - 1))
    rows = []
    for number in numbers:
        prefill_ms, step_ms = statistics.median(prefill[number]), statistics.median(steps[number])
        rows.append(
            {
                "rows": number,
                "prefill_ms": prefill_ms,
                "step_ms": step_ms,
                "prefill_tokens_per_second": number * options.prompt / prefill_ms * 1000,
                "decode_tokens_per_second": number / step_ms * 1000,
            }
        )
    print(
        json.dumps(
            {
                "params": sum(p.numel() for p in model.parameters()),
                "prompt_tokens": options.prompt,
                "new_tokens": options.new_tokens,
                "rounds": options.rounds,
                "rows": rows,
            }
        )
    )


if __name__ == "__main__":
    main()
