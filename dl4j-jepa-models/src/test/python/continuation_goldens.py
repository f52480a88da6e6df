"""Log-probabilities of continuations, as transformers computes them for the fixtures of make_fixtures.py.

    python continuation_goldens.py ../resources/models ../resources/generation/continuations.json

Each continuation is run by itself, without padding, in float32 with eager attention.
"""

import json
import sys

import torch
from transformers import AutoModelForCausalLM

FAMILIES = ["llama", "gpt2", "mistral", "gemma2", "qwen3", "phi3-longrope-partial"]

models, out = sys.argv[1:]
generator = torch.Generator().manual_seed(7)
goldens = {}
for family in FAMILIES:
    model = AutoModelForCausalLM.from_pretrained(f"{models}/{family}", dtype=torch.float32, attn_implementation="eager")
    model.eval()
    vocabulary = model.config.vocab_size
    cases = []
    for length in (5, 17, 1, 30):
        prompt = torch.randint(0, vocabulary, (length,), generator=generator).tolist()
        # Several continuations of one prompt; the last one repeats the first, one token longer.
        lengths = (1, 4, 9)
        continuations = [torch.randint(0, vocabulary, (n,), generator=generator).tolist() for n in lengths]
        continuations.append(continuations[0] + [3])
        for ids in continuations:
            with torch.no_grad():
                logits = model(torch.tensor([prompt + ids]), use_cache=False).logits[0]
            log_probabilities = torch.log_softmax(logits.double(), -1)
            cases.append(
                {
                    "prompt": prompt,
                    "ids": ids,
                    "log_probabilities": [
                        round(log_probabilities[length - 1 + i, token].item(), 7) for i, token in enumerate(ids)
                    ],
                }
            )
    goldens[family] = cases
with open(out, "w") as file:
    json.dump(goldens, file, indent=None, separators=(",", ":"))
    file.write("\n")
