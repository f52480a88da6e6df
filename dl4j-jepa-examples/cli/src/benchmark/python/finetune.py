"""Fine-tune in PyTorch as `jepa finetune` does, to compare peak memory and time: float32, AdamW, the JEPA term with one [PRED].

Rows, labels and mask are those of the shared prefix layout; a batch is padded to its longest row. Validation runs forward
only, and a checkpoint holds weights and optimizer, as ours do.

    OMP_NUM_THREADS=2 python finetune.py --model DIR --train FILE --validation FILE --max-steps 10 --checkpoint-every 5 --output DIR
"""

import argparse
import json
import pathlib
import resource
import statistics
import time

import torch
from torch.nn.functional import cosine_similarity, cross_entropy
from transformers import AutoModelForCausalLM, AutoTokenizer

from step import LEARNING_RATE, MAX_GRADIENT_NORM, WEIGHT_DECAY


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, metavar="DIR")
    parser.add_argument("--train", required=True, metavar="FILE", help="JSON lines with messages")
    parser.add_argument("--validation", metavar="FILE", help="validated on after each checkpoint")
    parser.add_argument("--output", required=True, metavar="DIR", type=pathlib.Path)
    parser.add_argument("--batch-size", type=int, default=4, metavar="N", help="default: 4")
    parser.add_argument("--max-steps", type=int, default=10, metavar="N", help="default: 10")
    parser.add_argument("--checkpoint-every", type=int, default=5, metavar="N", help="default: 5")
    parser.add_argument("--attention", choices=["eager", "sdpa"], default="sdpa", help="default: sdpa")
    return parser.parse_args()


class Row:
    """Token ids, positions and segments of an example: prompt (0), answer after it (1), [PRED] (2), answer alone (3)."""

    def __init__(self, tokenizer, line, predictor):
        messages = json.loads(line)["messages"]
        prompt = tokenizer.apply_chat_template(messages[:-1], add_generation_prompt=True, return_dict=False)
        whole = tokenizer.apply_chat_template(messages, return_dict=False)
        answer = whole[len(prompt) :]
        self.prompt, self.answer = len(prompt), len(answer)
        self.ids = [*whole, predictor, *answer]
        self.positions = [*range(len(whole)), len(prompt), *range(len(answer))]
        self.segments = [0] * len(prompt) + [1] * len(answer) + [2] + [3] * len(answer)

    def predicting(self):
        return slice(self.prompt - 1, self.prompt + self.answer - 1)


def batch_of(rows):
    """Ids, positions and the additive mask, padded at the end."""
    width = max(len(row.ids) for row in rows)

    def padded(values, filler):
        return torch.tensor([value + [filler] * (width - len(value)) for value in values])

    ids = padded([row.ids for row in rows], 0)
    positions = padded([row.positions for row in rows], 0)
    segments = padded([row.segments for row in rows], -1)
    same = segments[:, :, None] == segments[:, None, :]
    prefix = (segments[:, None, :] == 0) & (segments[:, :, None] != 3)
    seen = (same | prefix) & (positions[:, None, :] <= positions[:, :, None])
    mask = torch.zeros(seen.shape).masked_fill(~seen, torch.finfo(torch.float32).min)[:, None]
    return ids, positions, mask


def loss_of(model, rows):
    ids, positions, mask = batch_of(rows)
    hidden = model.model(
        input_ids=ids, position_ids=positions, attention_mask=mask, use_cache=False
    ).last_hidden_state
    labeled = torch.cat([hidden[i, row.predicting()] for i, row in enumerate(rows)])
    labels = torch.cat([ids[i, row.prompt : row.prompt + row.answer] for i, row in enumerate(rows)])
    predictions = torch.stack([hidden[i, row.prompt + row.answer] for i, row in enumerate(rows)])
    targets = torch.stack([hidden[i, len(row.ids) - 1] for i, row in enumerate(rows)])
    return cross_entropy(model.lm_head(labeled), labels) + (1 - cosine_similarity(predictions, targets, dim=-1)).mean()


def rows_of(tokenizer, file, predictor):
    return [Row(tokenizer, line, predictor) for line in pathlib.Path(file).read_text("utf-8").splitlines() if line]


def main():
    options = parse_arguments()
    torch.manual_seed(1)
    tokenizer = AutoTokenizer.from_pretrained(options.model)
    tokenizer.add_special_tokens({"additional_special_tokens": ["[PRED]"]})
    predictor = tokenizer.convert_tokens_to_ids("[PRED]")
    model = AutoModelForCausalLM.from_pretrained(
        options.model, dtype=torch.float32, attn_implementation=options.attention
    )
    if predictor >= model.config.vocab_size:
        model.resize_token_embeddings(predictor + 1)
    train = rows_of(tokenizer, options.train, predictor)
    validation = [] if options.validation is None else rows_of(tokenizer, options.validation, predictor)
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY, fused=True)
    seconds = []
    for step in range(options.max_steps):
        begun = time.perf_counter()
        start = step * options.batch_size % (len(train) - options.batch_size + 1)
        loss_of(model, train[start : start + options.batch_size]).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), MAX_GRADIENT_NORM)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        seconds.append(time.perf_counter() - begun)
        if (step + 1) % options.checkpoint_every == 0:
            folder = options.output / f"step-{step + 1:06d}"
            model.save_pretrained(folder)
            torch.save(optimizer.state_dict(), folder / "optimizer.pt")
            with torch.no_grad():
                for first in range(0, len(validation), options.batch_size):
                    loss_of(model, validation[first : first + options.batch_size])
    print(
        json.dumps(
            {
                "step_ms": statistics.median(seconds) * 1e3,
                "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
            }
        )
    )


if __name__ == "__main__":
    main()
