"""Writes what torch and transformers compute, for AdamWTest, GradientsTest and WeightScheduleTest.

    pip install torch==2.15.0 transformers==5.23.0
    python training_goldens.py --out ../resources/training
"""

import argparse
import json
from pathlib import Path

import torch
from transformers import (
    get_constant_schedule_with_warmup,
    get_cosine_schedule_with_warmup,
    get_linear_schedule_with_warmup,
)

LEARNING_RATE = 1e-2
WEIGHT_DECAY = 0.1
STEPS = 12


def schedules():
    """The factor at every step of some trainings; one of them is shorter than its warm-up."""
    rows = []
    for warmup, total in [(0, 10), (3, 10), (1, 1), (5, 4), (10, 10)]:
        makers = {
            "constant": lambda o: get_constant_schedule_with_warmup(o, warmup),
            "linear": lambda o: get_linear_schedule_with_warmup(o, warmup, total),
            "cosine": lambda o: get_cosine_schedule_with_warmup(o, warmup, total),
        }
        for name, make in makers.items():
            optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
            scheduler = make(optimizer)
            factors = []
            for _ in range(total):
                factors.append(scheduler.get_last_lr()[0])
                optimizer.step()
                scheduler.step()
            rows.append({"schedule": name, "warmup": warmup, "total": total, "factors": factors})
    return rows


def adamw():
    """Two parameters, of which one decays; a learning rate of 0 at the first step, as in a warm-up."""
    torch.manual_seed(7)
    decayed = torch.nn.Parameter(torch.randn(3, 4))
    plain = torch.nn.Parameter(torch.randn(5))
    optimizer = torch.optim.AdamW(
        [{"params": [decayed], "weight_decay": WEIGHT_DECAY}, {"params": [plain], "weight_decay": 0.0}],
        lr=LEARNING_RATE,
    )
    start = {"decayed": decayed.tolist(), "plain": plain.tolist()}
    steps = []
    for step in range(STEPS):
        learning_rate = LEARNING_RATE * step / 4 if step < 4 else LEARNING_RATE
        for group in optimizer.param_groups:
            group["lr"] = learning_rate
        # From ordinary gradients down to some that eps outweighs.
        decayed.grad = torch.randn(3, 4) * 10.0 ** -(step % 4)
        plain.grad = torch.randn(5) * 1e-9
        gradients = {"decayed": decayed.grad.tolist(), "plain": plain.grad.tolist()}
        optimizer.step()
        steps.append(
            {
                "learning_rate": learning_rate,
                "gradients": gradients,
                "decayed": decayed.tolist(),
                "plain": plain.tolist(),
            }
        )
    state = {
        f"{name}.{term}": optimizer.state[parameter][term].tolist()
        for name, parameter in {"decayed": decayed, "plain": plain}.items()
        for term in ("exp_avg", "exp_avg_sq")
    }
    return {"weight_decay": WEIGHT_DECAY, "start": start, "steps": steps, "state": state}


def clipping():
    """One norm that is clipped and one that is not."""
    rows = []
    for max_norm in (1.0, 10.0):
        torch.manual_seed(11)
        parameters = [torch.nn.Parameter(torch.zeros(2, 3)), torch.nn.Parameter(torch.zeros(4))]
        for parameter in parameters:
            parameter.grad = torch.randn(parameter.shape)
        before = [parameter.grad.tolist() for parameter in parameters]
        norm = torch.nn.utils.clip_grad_norm_(parameters, max_norm).item()
        after = [parameter.grad.tolist() for parameter in parameters]
        rows.append({"max_norm": max_norm, "before": before, "norm": norm, "after": after})
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    for name, golden in {"schedules": schedules(), "adamw": adamw(), "clipping": clipping()}.items():
        (out / f"{name}.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
