"""Writes src/test/resources/analysis/tsne.json: exact t-SNE as scikit-learn computes it.

Needs scikit-learn (made with 1.9.1). Run in dl4j-jepa-examples/cli:

    python src/test/python/tsne_goldens.py
"""

import json

import numpy as np
from scipy.spatial.distance import squareform
from sklearn.manifold import _t_sne
from sklearn.metrics import pairwise_distances

POINTS, SIZE, PERPLEXITY = 24, 6, 5.0
EARLY = 12.0

random = np.random.default_rng(1)
# Whole numbers: scikit-learn rounds squared distances to float32, which leaves these as they are.
vectors = random.integers(-4, 5, (POINTS, SIZE)).astype(float)
vectors[: POINTS // 2] += 6
start = random.normal(0, 1e-4, (POINTS, 2))
places = random.normal(0, 1, (POINTS, 2))

distances = pairwise_distances(vectors, metric="euclidean", squared=True)
condensed = _t_sne._joint_probabilities(distances, PERPLEXITY, 0)
divergence, gradient = _t_sne._kl_divergence(places.ravel(), condensed, 1, POINTS, 2)


def descend(places, first, last, momentum, exaggeration):
    return _t_sne._gradient_descent(
        _t_sne._kl_divergence,
        places,
        it=first,
        max_iter=last,
        n_iter_check=last,
        n_iter_without_progress=last,
        momentum=momentum,
        learning_rate=max(POINTS / EARLY / 4, 50),
        min_grad_norm=0,
        args=[condensed * exaggeration, 1, POINTS, 2],
    )[0]


def embed(exploration, others):
    result = descend(start.ravel(), 0, exploration, 0.5, EARLY)
    if others:
        result = descend(result, exploration, exploration + others, 0.8, 1)
    return result.reshape(POINTS, 2)


golden = {
    "vectors": vectors.tolist(),
    "perplexity": PERPLEXITY,
    "affinities": squareform(condensed).tolist(),
    "places": places.tolist(),
    "divergence": divergence,
    "gradient": gradient.reshape(POINTS, 2).tolist(),
    "start": start.tolist(),
    # Few steps: rounding errors grow with each.
    "explored": embed(12, 0).tolist(),
    "settled": embed(10, 10).tolist(),
}
with open("src/test/resources/analysis/tsne.json", "w") as file:
    json.dump(golden, file)
    file.write("\n")
