"""The optimisers against torch.optim and against five lines of plain Python."""

import math

import numpy as np
import pytest
import torch

from greedyrank.factorizations import deep_matrix
from greedyrank.plugins import plugin

RATES = [0.1, 0.02, 0.003]
STEPS = 50
OPTIMIZERS = ["gd", "group_rmsprop", "adam", "keras_adam"]


def gradient(parameter):
    """Return a smooth gradient that is no multiple of the parameter."""
    return torch.sin(3 * parameter) + 0.5 * parameter - 0.2


@pytest.fixture
def group(run_settings, place):
    """Make an optimiser for three runs of different learning rates, and their two parameters."""

    def make(name, **overrides):
        runs = run_settings(
            "deep_matrix",
            name,
            product_std=1.0,
            cases=[{"learning_rate": r, "seed": i} for i, r in enumerate(RATES)],
            **overrides,
        )
        model = deep_matrix.Model(runs, place)
        return plugin("optimizers", name).Optimizer(runs, model, place, place), model.parameters

    return make


def advance(optimizer, parameters, steps=STEPS):
    for _ in range(steps):
        optimizer.step(parameters, [gradient(parameter) for parameter in parameters])


@pytest.mark.parametrize(
    ("name", "oracle", "ours", "theirs"),
    [
        ("gd", torch.optim.SGD, {}, {}),
        ("adam", torch.optim.Adam, {}, {}),
        ("adam", torch.optim.Adam, {"beta1": 0.5, "beta2": 0.9, "eps": 1e-3}, {"betas": (0.5, 0.9), "eps": 1e-3}),
    ],
)
def test_against_torch(group, relative, name, oracle, ours, theirs):
    optimizer, parameters = group(name, **ours)
    expected = [[p[run].clone() for p in parameters] for run in range(3)]
    for rate, leaves in zip(RATES, expected, strict=True):
        reference = oracle(leaves, lr=rate, **theirs)
        for _ in range(STEPS):
            for leaf in leaves:
                leaf.grad = gradient(leaf)
            reference.step()
    advance(optimizer, parameters)
    for run, leaves in enumerate(expected):
        for parameter, leaf in zip(parameters, leaves, strict=True):
            assert relative(parameter[run], leaf) <= 1e-12


def group_rmsprop(leaves, rate, decay, eps, steps=STEPS):
    """Move numpy arrays in place by the published formula; return the effective learning rates."""
    square, effective = 0.0, []
    for k in range(1, steps + 1):
        gradients = [np.sin(3 * leaf) + 0.5 * leaf - 0.2 for leaf in leaves]
        square = decay * square + (1 - decay) * sum((g**2).sum() for g in gradients)
        effective.append(rate / (math.sqrt(square / (1 - decay**k)) + eps))
        for leaf, g in zip(leaves, gradients, strict=True):
            leaf -= effective[-1] * g
    return effective


@pytest.mark.parametrize(("decay", "eps"), [(0.99, 1e-6), (0.5, 0.3), (0.0, 1e-6)])
def test_group_rmsprop_against_plain_python(group, relative, decay, eps):
    optimizer, parameters = group("group_rmsprop", decay=decay, eps=eps)
    expected = [[p[run].numpy().copy() for p in parameters] for run in range(3)]
    advance(optimizer, parameters)
    for run, leaves in enumerate(expected):
        effective = group_rmsprop(leaves, RATES[run], decay, eps)
        for parameter, leaf in zip(parameters, leaves, strict=True):
            assert relative(parameter[run], leaf) <= 1e-12
        assert float(optimizer.state["flow_time"][run]) == pytest.approx(sum(effective), rel=1e-12)


def keras_adam(leaves, rate, beta1, beta2, eps, steps=STEPS):
    """Move numpy arrays in place by the update of Keras (optimizers/adam.py, ``update_step``)."""
    moments = [(np.zeros_like(leaf), np.zeros_like(leaf)) for leaf in leaves]
    for k in range(1, steps + 1):
        alpha = rate * math.sqrt(1 - beta2**k) / (1 - beta1**k)
        for leaf, (mean, square) in zip(leaves, moments, strict=True):
            gradient = np.sin(3 * leaf) + 0.5 * leaf - 0.2
            mean += (gradient - mean) * (1 - beta1)
            square += (gradient**2 - square) * (1 - beta2)
            leaf -= alpha * mean / (np.sqrt(square) + eps)


@pytest.mark.parametrize(("beta1", "beta2", "eps"), [(0.9, 0.999, 1e-7), (0.9, 0.999, 0.3), (0.5, 0.9, 0.05)])
def test_keras_adam_against_plain_python(group, relative, beta1, beta2, eps):
    optimizer, parameters = group("keras_adam", beta1=beta1, beta2=beta2, eps=eps)
    start = [[p[run].numpy().copy() for p in parameters] for run in range(3)]
    advance(optimizer, parameters)
    for run, leaves in enumerate(start):
        keras_adam(leaves, RATES[run], beta1, beta2, eps)
        for parameter, leaf in zip(parameters, leaves, strict=True):
            assert relative(parameter[run], leaf) <= 1e-12


@pytest.mark.parametrize("name", ["gd", "adam", "keras_adam"])
def test_flow_time_is_the_sum_of_learning_rates(group, name):
    optimizer, parameters = group(name)
    advance(optimizer, parameters, 10)
    optimizer.set_rate_factors(np.array([1.0, 0.1, 0.0]))
    advance(optimizer, parameters, 5)
    np.testing.assert_allclose(optimizer.state["flow_time"], np.array(RATES) * [15, 10.5, 10], rtol=1e-12)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_factor_of_zero_holds_a_run_exactly(group, name):
    optimizer, parameters = group(name)
    alone, untouched = group(name)
    advance(optimizer, parameters, 7)
    optimizer.set_rate_factors(np.array([1.0, 0.0, 1.0]))
    before = [parameter.clone() for parameter in parameters]
    time = optimizer.state["flow_time"].clone()
    advance(optimizer, parameters, 20)
    advance(alone, untouched, 27)
    for parameter, old, free in zip(parameters, before, untouched, strict=True):
        assert torch.equal(parameter[1], old[1])
        assert torch.equal(parameter[::2], free[::2])
    assert optimizer.state["flow_time"][1] == time[1]
    assert (optimizer.state["flow_time"][::2] > time[::2]).all()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_rate_factors_multiply_the_configured_rate(group, name, relative):
    halved, parameters = group(name)
    plain, expected = group(name)
    start = [parameter.clone() for parameter in parameters]
    halved.set_rate_factors(np.full(3, 0.25))
    halved.set_rate_factors(np.full(3, 0.5))
    advance(halved, parameters, 1)
    advance(plain, expected, 1)
    for ours, oracle, old in zip(parameters, expected, start, strict=True):
        assert relative(ours - old, (oracle - old) / 2) <= 1e-12


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_state_is_all_there_is_to_restore(group, name):
    optimizer, parameters = group(name)
    advance(optimizer, parameters, 9)
    later, copies = group(name)
    for copy, parameter in zip(copies, parameters, strict=True):
        copy.copy_(parameter)
    for key, value in optimizer.state.items():
        later.state[key].copy_(value)
    advance(optimizer, parameters, 9)
    advance(later, copies, 9)
    assert all(torch.equal(a, b) for a, b in zip(parameters, copies, strict=True))
    assert all(torch.equal(later.state[key], value) for key, value in optimizer.state.items())
