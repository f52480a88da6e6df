"""Writes what torch and NumPy compute, for DistanceTest, RegularizerTest and ViewDiagnosticsTest.

    pip install torch==2.15.0 numpy==2.4.6
    python objective_goldens.py --out ../resources/objective
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

TEMPERATURE = 0.2
ANSWERS = [4, 7, 4, 1, 0]


def info_nce(p, t, both=True):
    """Cross entropies of finding one's own target, equal answers apart."""
    answers = torch.tensor(ANSWERS)
    same = answers[:, None].eq(answers[None]) & ~torch.eye(len(answers), dtype=torch.bool)
    scores = (F.normalize(p, dim=-1) @ F.normalize(t, dim=-1).T / TEMPERATURE)
    scores = scores.masked_fill(same, float("-inf"))
    own = torch.arange(len(answers))
    there = F.cross_entropy(scores, own, reduction="none")
    back = F.cross_entropy(scores.T, own, reduction="none")
    return (there + back) / 2 if both else there


def sigreg(z, directions, limit=5.0, points=17):
    """LeJEPA, arXiv 2511.08544, algorithm 1: Epps and Pulley's statistic, mean over directions."""
    u = torch.linspace(-limit, limit, points, dtype=z.dtype)
    gaussian = torch.exp(-0.5 * u**2)
    characteristic = torch.exp(1j * (z @ directions)[..., None] * u).mean(0)
    error = (characteristic - gaussian).abs().square() * gaussian
    return torch.trapezoid(error, u, dim=-1).mul(len(z)).mean()


def vicreg(z):
    """arXiv 2105.04906, equations 1 to 4, with the weights 25 and 1 divided by 25."""
    deviation = torch.sqrt(z.var(dim=0) + 1e-4)
    covariance = torch.cov(z.T)
    off = covariance.square().sum() - covariance.diagonal().square().sum()
    return torch.relu(1 - deviation).mean() + off / z.shape[1] / 25


def centered(x):
    return x - x.mean(0)


DISTANCES = {
    "cosine": lambda p, t: 1 - F.cosine_similarity(p, t),
    "centered-cosine": lambda p, t: 1 - F.cosine_similarity(centered(p), centered(t)),
    "l2": lambda p, t: (p - t).norm(dim=-1),
    "mse": lambda p, t: (p - t).square().mean(-1),
    "info-nce": info_nce,
    "info-nce-one-way": lambda p, t: info_nce(p, t, both=False),
    "centered-info-nce": lambda p, t: info_nce(centered(p), centered(t)),
    "semantic-tube": lambda p, t: 1 - F.cosine_similarity(p, t),
}


def objectives():
    generator = torch.Generator().manual_seed(5)
    p, t = (torch.randn(5, 4, dtype=torch.float64, generator=generator) for _ in range(2))
    directions = F.normalize(torch.randn(4, 3, dtype=torch.float64, generator=generator), dim=0)
    p.requires_grad_()
    t.requires_grad_()
    distances = {}
    for name, distance in DISTANCES.items():
        values = distance(p, t)
        gradients = torch.autograd.grad(values.sum(), (p, t))
        distances[name] = {
            "values": values.tolist(),
            "prediction_gradient": gradients[0].tolist(),
            "target_gradient": gradients[1].tolist(),
        }
    regularizers = {}
    for name, penalty in {"sigreg": lambda z: sigreg(z, directions), "vicreg": vicreg}.items():
        value = penalty(p)
        regularizers[name] = {
            "value": value.item(),
            "gradient": torch.autograd.grad(value, p)[0].tolist(),
        }
    return {
        "temperature": TEMPERATURE,
        "answers": ANSWERS,
        "prediction": p.tolist(),
        "target": t.tolist(),
        "directions": directions.tolist(),
        "distances": distances,
        "regularizers": regularizers,
    }


def cosines(text, code):
    unit = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in (text, code)]
    return unit[0] @ unit[1].T


def effective_rank(x):
    shares = np.linalg.svd(x, compute_uv=False)
    shares = shares / shares.sum()
    shares = shares[shares > 0]
    return float(np.exp(-(shares * np.log(shares)).sum()))


def retrieval(scores, answers, nearest):
    hits = 0
    for i, row in enumerate(scores):
        own = max(row[j] for j in range(len(row)) if answers[j] == answers[i])
        hits += sum(row[j] >= own for j in range(len(row)) if answers[j] != answers[i]) < nearest
    return hits / len(scores)


def diagnostics(pairs, hidden, seed):
    random = np.random.default_rng(seed)
    common = 2 * random.standard_normal(hidden)
    text = random.standard_normal((pairs, hidden)) + common
    code = 0.5 * text @ random.standard_normal((hidden, hidden)) + random.standard_normal(
        (pairs, hidden)
    )
    answers = [int(n) for n in random.integers(0, pairs, pairs)]
    other = np.not_equal.outer(answers, answers)
    raw = cosines(text, code)
    center = cosines(text - text.mean(0), code - code.mean(0))
    expected = {
        "paired_cosine": raw.diagonal().mean(),
        "unpaired_cosine": raw[other].mean(),
        "paired_cosine_centered": center.diagonal().mean(),
        "unpaired_cosine_centered": center[other].mean(),
        "text_effective_rank": effective_rank(text),
        "code_effective_rank": effective_rank(code),
        "text_norm": np.linalg.norm(text, axis=1).mean(),
        "text_norm_deviation": np.linalg.norm(text, axis=1).std(),
        "code_norm": np.linalg.norm(code, axis=1).mean(),
        "code_norm_deviation": np.linalg.norm(code, axis=1).std(),
    }
    for nearest in (1, 5):
        expected[f"text_retrieval_at_{nearest}"] = retrieval(center, answers, nearest)
        expected[f"code_retrieval_at_{nearest}"] = retrieval(center.T, answers, nearest)
    if pairs > hidden:
        residual = code - text @ np.linalg.lstsq(text, code, rcond=None)[0]
        expected["linear_map_error"] = (residual**2).sum() / ((code - code.mean(0)) ** 2).sum()
    return {
        "text": text.tolist(),
        "code": code.tolist(),
        "answers": answers,
        "values": {name: float(value) for name, value in expected.items()},
        "difference_singular_values": np.linalg.svd(text - code, compute_uv=False).tolist(),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    (out / "objectives.json").write_text(json.dumps(objectives(), indent=1) + "\n")
    cases = [diagnostics(14, 5, 1), diagnostics(6, 9, 2)]
    (out / "diagnostics.json").write_text(json.dumps(cases, indent=1) + "\n")


if __name__ == "__main__":
    main()
