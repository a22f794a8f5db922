"""Onset and cycle of oscillations against the recursion of one singular value, and the Hessian."""

import itertools

import numpy as np
import pytest
import torch

from greedyrank.theory import edge_of_stability


def late_values(value, depth, learning_rate, steps=20_000):
    """Return the last two values of the product of scalar layers that start at 0.1, the last one at 0."""
    layers = np.full(depth, 0.1)
    layers[-1] = 0.0
    products = []
    for _ in range(steps):
        products.append(layers.prod())
        others = np.array([np.delete(layers, j).prod() for j in range(depth)])
        layers = layers - learning_rate * (products[-1] - value) * others
    return sorted(products[-2:])


@pytest.mark.parametrize(("value", "depth"), [(10.0, 3), (5.0, 2), (1.0, 4)])
@pytest.mark.parametrize("share", [0.9, 1.02, 1.15])
def test_the_recursion_ends_in_the_predicted_cycle(value, depth, share):
    step = share * edge_of_stability.onset(value, depth)
    expected = edge_of_stability.two_cycle(value, depth, step)
    np.testing.assert_allclose(late_values(value, depth, step), expected, rtol=1e-9)
    assert (expected[0] < expected[1]) == (share > 1)


def test_onsets_are_those_printed_in_the_paper():
    found = [edge_of_stability.onset(value, 3) for value in (10, 9.5, 9)]
    np.testing.assert_allclose(found, [0.03094, 0.033134, 0.035611], rtol=1.6e-4)


def test_curvatures_are_eigenvalues_of_the_hessian_at_the_balanced_minimum():
    values = torch.tensor([10.0, 9.5, 9.0], dtype=torch.float64)
    layer = torch.diag(values ** (1 / 3))

    def loss(flat):
        first, second, third = flat.reshape(3, 3, 3)
        return ((third @ second @ first - torch.diag(values)) ** 2).sum() / 2

    hessian = torch.autograd.functional.hessian(loss, torch.stack([layer] * 3).reshape(-1))
    found = np.linalg.eigvalsh(hessian.numpy())
    for first, second in itertools.product(values.tolist(), repeat=2):
        assert np.abs(found - edge_of_stability.cross_curvature(first, second, 3)).min() < 1e-10
    assert edge_of_stability.cross_curvature(10, 10, 3) == pytest.approx(2 / edge_of_stability.onset(10, 3))
