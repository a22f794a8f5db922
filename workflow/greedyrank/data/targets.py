"""Targets: the matrix or tensor that a problem observes, and the distance to it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from greedyrank.errors import UserError
from greedyrank.theory import tubal


def orthogonal(size: int, rng: np.random.Generator) -> np.ndarray:
    """Draw an orthogonal matrix from the Haar measure."""
    q, r = np.linalg.qr(rng.standard_normal((size, size)))
    return q * np.sign(np.diagonal(r))


MOST_DRAWS = 10_000


def draw(settings: Mapping[str, Any], rng: np.random.Generator) -> np.ndarray:
    """Draw a target, again and again until its root values exceed ``target_root_least``, if there is one.

    See `_draw_once`.

    Raises
    ------
    UserError
        If not one of `MOST_DRAWS` targets is such.
    """
    least = settings["target_root_least"]
    for _ in range(MOST_DRAWS):
        target = _draw_once(settings, rng)
        if least is None or root_values(target)[settings["target_widths"][-1] - 1] > least:
            return target
    raise UserError(
        f"target_root_least is {least}: not one of {MOST_DRAWS} hierarchical targets drawn has such singular values"
        f" between its halves; lower it"
    )


def root_values(target: np.ndarray) -> np.ndarray:
    """Return the singular values of a tensor between the first half of its modes and the second."""
    return np.linalg.svd(target.reshape(math.prod(target.shape[: target.ndim // 2]), -1), compute_uv=False)


def _draw_once(settings: Mapping[str, Any], rng: np.random.Generator) -> np.ndarray:
    """Draw a target, float64, shape ``settings["shape"]``.

    ``target_rank``: ``sum_r u_r^1 o ... o u_r^N`` with standard normal vectors, rescaled to
    Frobenius norm ``target_norm``; for matrices the U V^T of Arora et al. (gen_gt.py), or U U^T where
    ``target_symmetric``. ``target_spectrum``: V diag(lambda) V^T with a random orthogonal V (Chou et
    al. 2020, section 2), or V = I where ``target_aligned``. ``target_decay`` p: the same with lambda_k proportional
    to k^-p, rescaled (Gunasekar et al. 2017, section 5). ``target_truncated_rank``: the leading part of the SVD of a
    standard normal matrix (Yaras et al. 2023). ``target_multilinear_rank``: a standard normal core times random
    orthonormal factors, rescaled. ``target_widths``: see `_hierarchical`, rescaled. ``target_tubal_rank``:
    see `_tubal`.
    """
    if settings["target_tubal_rank"] is not None:
        return _tubal(settings["shape"], settings["target_tubal_rank"], rng)
    if settings["target_spectrum"] is not None or settings["target_decay"] is not None:
        return _symmetric(settings, rng)
    if (rank := settings["target_truncated_rank"]) is not None:
        left, values, right = np.linalg.svd(rng.standard_normal(settings["shape"]), full_matrices=False)
        return (left[:, :rank] * values[:rank]) @ right[:rank]
    if settings["target_rank"] is not None:
        target = _cp(settings["shape"], settings["target_rank"], settings["target_symmetric"], rng)
    elif settings["target_multilinear_rank"] is not None:
        target = _tucker(settings["shape"], settings["target_multilinear_rank"], rng)
    else:
        target = _hierarchical(settings["shape"], settings["target_widths"], settings["target_root_spectrum"], rng)
    return (target * (settings["target_norm"] / np.linalg.norm(target))).reshape(settings["shape"])


def _symmetric(settings: Mapping[str, Any], rng: np.random.Generator) -> np.ndarray:
    size = settings["shape"][0]
    spectrum = settings["target_spectrum"]
    if spectrum is None:
        spectrum = np.arange(1, size + 1) ** -settings["target_decay"]
        spectrum = spectrum * settings["target_norm"] / np.linalg.norm(spectrum)
    vectors = (np.eye(size) if settings["target_aligned"] else orthogonal(size, rng))[:, : len(spectrum)]
    return (vectors * spectrum) @ vectors.T


def _cp(shape: list[int], rank: int, symmetric: bool, rng: np.random.Generator) -> np.ndarray:
    target, factor = np.ones((1, rank)), None
    for length in shape:
        if factor is None or not symmetric:
            factor = rng.standard_normal((length, rank))
        target = (target[:, None] * factor).reshape(-1, rank)
    return target.sum(axis=1)


def _tucker(shape: list[int], ranks: list[int], rng: np.random.Generator) -> np.ndarray:
    target = rng.standard_normal(ranks)
    for mode, (length, rank) in enumerate(zip(shape, ranks, strict=True)):
        factor = orthogonal(length, rng)[:, :rank]
        target = np.moveaxis(np.tensordot(factor, target, (1, mode)), 0, mode)
    return target


def _tubal(shape: list[int], rank: int, rng: np.random.Generator) -> np.ndarray:
    """Draw Q * Q^T of the t-product, with the left singular tensor Q of a normal tensor (Karnik et al. 2025).

    Each of its pages projects on a random subspace, so that its Frobenius norm is sqrt(rank).
    """
    drawn = tubal.pages(rng.standard_normal((shape[0], rank, shape[2])))
    basis = np.linalg.qr(drawn)[0]
    return tubal.from_pages(basis @ tubal.adjoint(basis), shape[2])


def _hierarchical(
    shape: list[int], widths: list[int], spectrum: list[float] | None, rng: np.random.Generator
) -> np.ndarray:
    """Draw a tensor whose neighbouring modes are joined pairwise, level by level (Razin et al. 2022).

    Leaves and weights are standard normal. With ``spectrum`` the two blocks below the root are
    orthonormalized, and these are the singular values between the two halves of the modes.
    """
    nodes = [rng.standard_normal((length, widths[0])) for length in shape]
    for width in widths[1:]:
        pairs = zip(nodes[::2], nodes[1::2], strict=True)
        joined = [(left[:, None] * right).reshape(-1, left.shape[1]) for left, right in pairs]
        nodes = [node @ rng.standard_normal((node.shape[1], width)) for node in joined]
    left, right = nodes
    if spectrum is None:
        return (left * rng.standard_normal(widths[-1])) @ right.T
    return (np.linalg.qr(left)[0] * np.asarray(spectrum)) @ np.linalg.qr(right)[0].T


def noise(shape: list[int], settings: Mapping[str, Any], rng: np.random.Generator) -> np.ndarray:
    """Draw the noise that is added to the entries of a target, symmetric if the target is."""
    drawn = settings["noise_std"] * rng.standard_normal(shape)
    symmetric = (
        settings["target_symmetric"] or settings["target_spectrum"] is not None or settings["target_decay"] is not None
    )
    return np.triu(drawn) + np.triu(drawn, 1).T if symmetric else drawn


def relative_errors(end_to_end: np.ndarray, data: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Return ``relative_error`` = ||W - W*||_F / ||W*||_F of each run; nothing unless every W* is known."""
    if not all("target" in arrays for arrays in data):
        return {}
    errors = [
        np.linalg.norm((found - arrays["target"]).ravel()) / np.linalg.norm(arrays["target"])
        for found, arrays in zip(end_to_end.astype(np.float64), data, strict=True)
    ]
    return {"relative_error": np.array(errors)}
