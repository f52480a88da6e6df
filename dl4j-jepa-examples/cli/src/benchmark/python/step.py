"""Time a training step in PyTorch: the twin of `jepa benchmark step`, with the same options and JSON keys.

A transformers Llama with random weights and a tied head is trained in float32 on random tokens with AdamW. The
head is computed at the labeled positions only. plain is fine-tuning without the JEPA term; jepa has each
conversation, a [PRED] token after its prompt, and a second copy of its code that sees itself only, in one row, as the
shared prefix layout does; forward is the forward pass of plain without gradients.

    OMP_NUM_THREADS=2 python step.py --rounds 3 --steps 6
"""

import argparse
import json
import resource
import statistics
import time

import peft
import torch
from torch.nn.functional import cosine_similarity, cross_entropy
from transformers import LlamaConfig, LlamaModel

# The defaults of jepa finetune.
LEARNING_RATE = 2e-5
WEIGHT_DECAY = 0.0
MAX_GRADIENT_NORM = 1.0


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sizes = {"hidden": 256, "layers": 6, "heads": 8, "kv-heads": 4, "ffn": 688, "vocab": 8000}
    lengths = {"batch-size": 12, "prompt-tokens": 38, "code-tokens": 22}
    for name, default in (sizes | lengths | {"rounds": 6, "steps": 6}).items():
        parser.add_argument(f"--{name}", type=int, default=default, metavar="N", help=f"default: {default}")
    parser.add_argument(
        "--lora-rank", type=int, metavar="N", help="train a peft adapter of all linear maps, and the row of [PRED]"
    )
    parser.add_argument(
        "--threads", type=int, default=torch.get_num_threads(), metavar="N", help="default: as many as PyTorch takes"
    )
    parser.add_argument("--attention", choices=["eager", "sdpa"], default="eager", help="default: eager")
    parser.add_argument(
        "--optimizer", choices=["fused", "foreach"], default="fused", help="implementation of AdamW; default: fused"
    )
    parser.add_argument(
        "--compile", action="store_true", help="run the loss through torch.compile, with sdpa attention; needs a C++ compiler"
    )
    parser.add_argument("--json", action="store_true", help="print no progress; there is none")
    options = parser.parse_args()
    if options.compile:
        options.attention = "sdpa"
    return options


class Batch:
    """Token ids, positions, mask and labels of a batch, and the positions that the JEPA term compares."""

    def __init__(self, options, with_views):
        prompt, code = options.prompt_tokens, options.code_tokens
        predictor = options.vocab - 1
        generator = torch.Generator().manual_seed(2)
        ids = torch.randint(0, predictor, (options.batch_size, prompt + code), generator=generator)
        positions = torch.arange(prompt + code)
        # Segments of a row: 0 prompt, 1 code after the prompt, 2 [PRED] after the prompt, 3 code alone.
        segments = torch.cat([torch.zeros(prompt), torch.ones(code)])
        if with_views:
            predictors = torch.full((options.batch_size, 1), predictor)
            ids = torch.cat([ids, predictors, ids[:, prompt:]], dim=1)
            positions = torch.cat([positions, torch.tensor([prompt]), torch.arange(code)])
            segments = torch.cat([segments, torch.tensor([2.0]), torch.full((code,), 3.0)])
        self.ids = ids
        self.positions = positions.expand(options.batch_size, -1)
        self.mask = None if not with_views else additive_mask(segments, positions).expand(options.batch_size, 1, -1, -1)
        self.predicting = slice(prompt - 1, prompt + code - 1)
        self.labels = ids[:, prompt : prompt + code].reshape(-1)
        self.prediction = prompt + code if with_views else None


def additive_mask(segments, positions):
    """0 where a token sees another, and the least float32 elsewhere: [1, 1, tokens, tokens]."""
    same = segments[:, None] == segments[None, :]
    prefix = (segments[None, :] == 0) & (segments[:, None] != 3)
    seen = (same | prefix) & (positions[None, :] <= positions[:, None])
    return torch.zeros(seen.shape).masked_fill(~seen, torch.finfo(torch.float32).min)[None, None]


def embedding_of(model):
    table = model.get_input_embeddings()
    adapter = getattr(table, "token_adapter", None)
    return table.weight if adapter is None else adapter.get_merged_weights(["default"])


def loss_of(model, batch):
    hidden = model(
        input_ids=batch.ids, position_ids=batch.positions, attention_mask=batch.mask, use_cache=False
    ).last_hidden_state
    labeled = hidden[:, batch.predicting].reshape(-1, hidden.shape[-1])
    loss = cross_entropy(labeled @ embedding_of(model).T, batch.labels)
    if batch.prediction is None:
        return loss
    return loss + (1 - cosine_similarity(hidden[:, batch.prediction], hidden[:, -1], dim=-1)).mean()


class Arm:
    """One way to train, with the seconds of its steps."""

    def __init__(self, model, batch, optimizer, loss_of):
        self.model = model
        self.batch = batch
        self.optimizer = optimizer
        self.trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.loss_of = loss_of
        self.seconds = []

    def run(self, steps):
        for step in range(steps + 1):
            begun = time.perf_counter()
            loss = self.loss_of(self.model, self.batch)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.trained, MAX_GRADIENT_NORM)
            self.optimizer.step()
            self.optimizer.zero_grad(set_to_none=True)
            loss.item()
            if step > 0:
                self.seconds.append(time.perf_counter() - begun)


def forward_seconds(model, batch, steps, loss_of):
    seconds = []
    with torch.no_grad():
        for step in range(steps + 1):
            begun = time.perf_counter()
            loss_of(model, batch).item()
            if step > 0:
                seconds.append(time.perf_counter() - begun)
    return seconds


def step_flops(options):
    """Forward and backward pass of a plain batch, counted as the Java side counts them (StepCost.flops)."""
    head_dim = options.hidden // options.heads
    row = options.prompt_tokens + options.code_tokens
    per_layer = (
        2 * options.heads + 2 * options.kv_heads
    ) * head_dim * options.hidden + 3 * options.hidden * options.ffn
    attention = 2 * options.heads * head_dim * row * (row + 1) // 2
    forward = options.layers * (per_layer * row + attention) + options.hidden * options.vocab * options.code_tokens
    return 3 * 2 * options.batch_size * forward


def main():
    options = parse_arguments()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    model = LlamaModel(
        LlamaConfig(
            vocab_size=options.vocab,
            hidden_size=options.hidden,
            num_hidden_layers=options.layers,
            num_attention_heads=options.heads,
            num_key_value_heads=options.kv_heads,
            intermediate_size=options.ffn,
            rms_norm_eps=1e-5,
            max_position_embeddings=max(512, options.prompt_tokens + options.code_tokens + 1),
            attn_implementation=options.attention,
        )
    )
    if options.lora_rank:
        # The defaults of jepa finetune.
        model = peft.get_peft_model(
            model,
            peft.LoraConfig(
                r=options.lora_rank,
                lora_alpha=2 * options.lora_rank,
                target_modules="all-linear",
                trainable_token_indices=[options.vocab - 1],
            ),
        )
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(
        trained, lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY, **{options.optimizer: True}
    )
    loss = torch.compile(loss_of) if options.compile else loss_of
    plain = Arm(model, Batch(options, with_views=False), optimizer, loss)
    jepa = Arm(model, Batch(options, with_views=True), optimizer, loss)
    forward = []
    for _ in range(options.rounds):
        plain.run(options.steps)
        jepa.run(options.steps)
        forward += forward_seconds(model, plain.batch, options.steps, loss)

    plain_seconds = statistics.median_high(plain.seconds)
    print(
        json.dumps(
            {
                "params": sum(parameter.numel() for parameter in model.parameters()),
                "trained": sum(parameter.numel() for parameter in trained),
                "plain_ms": plain_seconds * 1e3,
                "jepa_ms": statistics.median_high(jepa.seconds) * 1e3,
                "forward_ms": statistics.median_high(forward) * 1e3,
                "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
                "gflops": step_flops(options) / plain_seconds / 1e9,
                "threads": torch.get_num_threads(),
                "rounds": options.rounds,
                "steps": options.steps,
                "attention": options.attention,
                "optimizer": options.optimizer,
                "compile": options.compile,
            }
        )
    )


if __name__ == "__main__":
    main()
