"""Ground truths: the matrix or tensor that a problem observes, and the distance to it."""

from __future__ import annotations

import numpy as np


def orthogonal(size: int, rng: np.random.Generator) -> np.ndarray:
    """Draw an orthogonal matrix from the Haar measure."""
    q, r = np.linalg.qr(rng.standard_normal((size, size)))
    return q * np.sign(np.diagonal(r))


def draw(settings: dict, rng: np.random.Generator) -> np.ndarray:
    """Draw a target, float64, shape ``settings["shape"]``.

    ``target_rank``: ``sum_r u_r^1 o ... o u_r^N`` with standard normal vectors, rescaled to
    Frobenius norm ``target_norm``; for matrices the U V^T of Arora et al. (gen_gt.py), or U U^T where
    ``target_symmetric``. ``target_spectrum``: V diag(lambda) V^T with a random orthogonal V (Chou et
    al. 2020, section 2). ``target_decay`` p: the same with lambda_k proportional to k^-p, rescaled
    (Gunasekar et al. 2017, section 5).
    """
    shape = settings["shape"]
    if settings["target_rank"] is None:
        size = shape[0]
        spectrum = settings["target_spectrum"]
        if spectrum is None:
            spectrum = np.arange(1, size + 1) ** -settings["target_decay"]
            spectrum = spectrum * settings["target_norm"] / np.linalg.norm(spectrum)
        vectors = orthogonal(size, rng)[:, : len(spectrum)]
        return (vectors * spectrum) @ vectors.T
    target = np.ones((1, settings["target_rank"]))
    factor = None
    for length in shape:
        if factor is None or not settings["target_symmetric"]:
            factor = rng.standard_normal((length, settings["target_rank"]))
        target = (target[:, None] * factor).reshape(-1, settings["target_rank"])
    target = target.sum(axis=1)
    target *= settings["target_norm"] / np.linalg.norm(target)
    return target.reshape(shape)


def noise(shape: list[int], settings: dict, rng: np.random.Generator) -> np.ndarray:
    """Draw what is added to each entry of a target, symmetric where the target is."""
    drawn = settings["noise_std"] * rng.standard_normal(shape)
    symmetric = settings["target_symmetric"] or settings["target_rank"] is None
    return np.triu(drawn) + np.triu(drawn, 1).T if symmetric else drawn


def relative_errors(end_to_end: np.ndarray, data: list[dict]) -> dict[str, np.ndarray]:
    """Return ``relative_error`` = ||W - W*||_F / ||W*||_F of each run, where every W* is known."""
    if not all("target" in arrays for arrays in data):
        return {}
    errors = [
        np.linalg.norm((found - arrays["target"]).ravel()) / np.linalg.norm(arrays["target"])
        for found, arrays in zip(end_to_end.astype(np.float64), data, strict=True)
    ]
    return {"relative_error": np.array(errors)}
