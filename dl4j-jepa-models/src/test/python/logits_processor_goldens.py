"""What transformers' logits processors make of random logits.

    python logits_processor_goldens.py ../resources/generation/processors.json
"""

import json
import sys

import torch
from transformers import (
    MinNewTokensLengthLogitsProcessor,
    MinPLogitsWarper,
    NoRepeatNGramLogitsProcessor,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

VOCABULARY = 24
PROMPT = 6

cases = []


def case(name, value, processor, ids, logits):
    result = processor(torch.tensor([ids]), torch.tensor([logits])).tolist()[0]
    cases.append(
        {
            "processor": name,
            "value": value,
            "ids": ids,
            "prompt_length": PROMPT,
            "logits": logits,
            "expected": [None if x == float("-inf") else x for x in result],
        }
    )


generator = torch.Generator().manual_seed(1)
for round in range(4):
    # The last rounds have few different tokens, so that n-grams occur again.
    tokens = VOCABULARY if round < 2 else 3
    ids = torch.randint(0, tokens, (PROMPT + 4,), generator=generator).tolist()
    logits = (3 * torch.randn(VOCABULARY, generator=generator)).tolist()
    for value in (1.3, 0.8):
        case("repetition_penalty", value, RepetitionPenaltyLogitsProcessor(value), ids, logits)
    for value in (1, 2, 3, 20):
        case("no_repeat_ngram_size", value, NoRepeatNGramLogitsProcessor(value), ids, logits)
    for value in (4, 5):
        case(
            "min_new_tokens",
            value,
            MinNewTokensLengthLogitsProcessor(PROMPT, value, [2, 7], device="cpu"),
            ids,
            logits,
        )
    for value in (0.6, 1.7):
        case("temperature", value, TemperatureLogitsWarper(value), ids, logits)
    for value in (1, 5, 24, 50):
        case("top_k", value, TopKLogitsWarper(value), ids, logits)
    for value in (0.05, 0.5, 0.9, 0.999):
        case("top_p", value, TopPLogitsWarper(value), ids, logits)
    for value in (0.01, 0.2, 1.0):
        case("min_p", value, MinPLogitsWarper(value), ids, logits)

with open(sys.argv[1], "w") as file:
    json.dump(cases, file)
    file.write("\n")
