"""Deep linear networks: how layers start, compression, and the subspace that training keeps."""

import numpy as np
import pytest

from greedyrank.config.yaml_input import ConfigError
from greedyrank.data import targets
from greedyrank.errors import UserError
from greedyrank.factorizations import linear_network
from greedyrank.theory import invariant_subspace

WHOLE = {
    "shape": [12, 12],
    "target_rank": None,
    "target_norm": None,
    "target_truncated_rank": 2,
    "observations": 144,
    "layer_scale": 0.5,
    "dtype": "float64",
    "record": {"every": 1, "end_to_end": True},
    "stop": {"max_steps": 200},
    "learning_rate": 0.5,
}


@pytest.fixture
def network(make_slice):
    """Make a slice of runs that observe all of a 12x12 matrix of rank 2."""
    return lambda **changes: make_slice("linear_network", "gd", **{**WHOLE, **changes})


def test_layers_start_as_multiples_of_the_identity(run_settings):
    (run,) = run_settings("linear_network", shape=[3, 4], depth=3, layer_scales=[0.1, 0.2, 0.0], layer_scale=None)
    first, second, third = linear_network.initial(run)
    np.testing.assert_array_equal(first, 0.1 * np.eye(3, 4))
    np.testing.assert_array_equal(second, 0.2 * np.eye(3))
    np.testing.assert_array_equal(third, np.zeros((3, 3)))


@pytest.mark.parametrize("width", [2, 5, 9])
def test_layers_start_with_orthonormal_columns_or_rows(run_settings, width):
    settings = {"shape": [6, 7], "depth": 3, "layer_scales": None, "layer_scale": 2.0}
    (run,) = run_settings("linear_network", width=width, **settings)
    layers = linear_network.initial(run)
    assert [layer.shape for layer in layers] == [(width, 7), (width, width), (6, width)]
    for layer in layers:
        short = layer @ layer.T if layer.shape[0] <= layer.shape[1] else layer.T @ layer
        np.testing.assert_allclose(short, 4 * np.eye(len(short)), atol=1e-12)


def test_gaussian_layers_have_the_norm_of_orthogonal_ones(run_settings):
    settings = {"shape": [60, 80], "depth": 2, "width": 70, "layer_scales": None, "layer_scale": 2.0}
    starts = [run_settings("linear_network", start=start, **settings)[0] for start in ("orthogonal", "gaussian")]
    for first, second in zip(*map(linear_network.initial, starts), strict=True):
        assert np.linalg.norm(second) == pytest.approx(np.linalg.norm(first), rel=0.03)


def test_a_compressed_network_follows_the_whole_one(network, train):
    """The difference has the spectral norm that theory gives, at every step, to rounding."""
    found = train(network(cases=[{}, {"compressed_width": [4]}], axes={"seed": [0]}))
    whole, compressed = found["end_to_end"]
    scales = invariant_subspace.kept_scales(0.5, 3, 1 / 144, 0.5, 200)
    apart = np.linalg.norm(whole - compressed, 2, axis=(1, 2))
    np.testing.assert_allclose(apart, scales**3, rtol=1e-12)
    assert np.linalg.norm(whole[-1] - whole[0]) > 0.1  # it has moved


def test_a_compressed_network_from_gaussian_layers_would_not(network, train):
    found = train(network(cases=[{"start": ["gaussian"]}, {"compressed_width": [4]}], axes={"seed": [0]}))
    whole, compressed = found["end_to_end"]
    scales = invariant_subspace.kept_scales(0.5, 3, 1 / 144, 0.5, 200)
    assert (np.linalg.norm(whole - compressed, 2, axis=(1, 2)) / scales**3).min() > 1.1


def test_outer_layers_take_larger_steps(network, train):
    """One step from the singular vectors of what is seen, against plain numpy."""
    settings = {"observations": 100, "compressed_width": 3, "outer_rate": 5.0, "stop": {"max_steps": 1}, "depth": 2}
    small = network(axes={"seed": [0]}, **settings)
    found = train(small)["end_to_end"][0]
    (run,) = small.runs
    data = linear_network.completion.generate(run)
    values, seen = linear_network.completion.observed(run, data)
    left, _, right = np.linalg.svd(values)
    first, second = 0.5 * right[:3], 0.5 * left[:, :3]
    np.testing.assert_allclose(found[0], second @ first, atol=1e-14)
    slope = 2 / 100 * seen * (second @ first - data["target"])
    moved = (second - 5 * 0.5 * slope @ first.T) @ (first - 5 * 0.5 * second.T @ slope)
    np.testing.assert_allclose(found[1], moved, atol=1e-13)


def test_a_subspace_that_is_too_small_is_named(network, train):
    with pytest.raises(UserError, match="compressed_width is 3; the target and the initial layers need at least 4"):
        train(network(compressed_width=3, axes={"seed": [0]}))


def test_layers_are_recorded(network, train):
    found = train(network(record_layers=True, axes={"seed": [0, 1]}))
    layers, products = found["layers"], found["end_to_end"]
    assert layers.shape == (2, 201, 3, 12, 12)
    np.testing.assert_allclose(layers[:, :, 2] @ layers[:, :, 1] @ layers[:, :, 0], products, atol=1e-14)


def test_a_diagonal_start_stays_exactly_diagonal(make_slice, train):
    """Oscillations are those of scalars: no rounding leaves the axes, and each entry follows its own recursion."""
    steps = 300
    small = make_slice(
        "linear_network", "gd", shape=[3, 3], target_rank=None, target_norm=None, target_spectrum=[10.0, 9.0],
        target_aligned=True, observations=9, loss="half_sum", depth=3, layer_scales=[0.1, 0.1, 0.0], layer_scale=None,
        learning_rate=0.034, dtype="float64", stop={"max_steps": steps}, record={"every": 1, "end_to_end": True},
    )  # fmt: skip
    (found,) = train(small)["end_to_end"]
    assert np.all(found[:, ~np.eye(3, dtype=bool)] == 0)
    for place, value in enumerate((10.0, 9.0)):
        layers = np.array([0.1, 0.1, 0.0])
        for step in range(steps + 1):
            assert found[step, place, place] == pytest.approx(layers.prod(), rel=1e-9, abs=1e-12)
            others = np.array([layers[1] * layers[2], layers[0] * layers[2], layers[0] * layers[1]])
            layers = layers - 0.034 * (layers.prod() - value) * others


def test_the_truncated_target_is_the_best_approximation(run_settings):
    settings = {**WHOLE, "target_truncated_rank": 2, "layer_scales": None}
    (run,) = run_settings("linear_network", **settings)
    target = targets.draw(run, np.random.default_rng(3))
    normal = np.random.default_rng(3).standard_normal((12, 12))
    values = np.linalg.svd(normal, compute_uv=False)
    assert np.linalg.matrix_rank(target) == 2
    assert np.linalg.norm(normal - target) == pytest.approx(np.linalg.norm(values[2:]))


def test_multiplications_are_those_of_the_products():
    """Counted from the shapes: one product a layer forward, two backward, but for the first layer."""
    shapes = [(10, 100), (10, 10), (10, 10), (100, 10)]
    counted = sum(3 * rows * columns * 100 for rows, columns in shapes[1:])
    assert invariant_subspace.multiplications(100, 4, 10) == counted
    assert invariant_subspace.multiplications(100, 3, None) == 6 * 100**3


BAD = {
    "no start": ({"layer_scale": None}, "give exactly one of `layer_scales` and `layer_scale`"),
    "scales of other layers": (
        {"layer_scale": None, "layer_scales": [1.0]},
        "layer_scales is [1.0]; allowed: 3 numbers, one a layer",
    ),
    "a rate of no outer layers": ({"outer_rate": 2.0}, "`outer_rate` goes with `compressed_width`"),
    "a compressed width beyond the side": (
        {"compressed_width": 13},
        "compressed_width is 13 and shape [12, 12]; allowed: a square matrix, and a width up to its side",
    ),
    "a compressed network of some entries": (
        {"compressed_width": 4, "observations": 100},
        "without `outer_rate` a compressed network needs every entry in `observations`",
    ),
    "layers of several shapes": (
        {"record_layers": True, "width": 5},
        "shape is [12, 12]; `record_layers` needs a square matrix and no `width`",
    ),
    "axes of no spectrum": ({"target_aligned": True}, "`target_aligned` goes with `target_spectrum`"),
    "a rank beyond the shape": (
        {"target_truncated_rank": 13},
        "target_truncated_rank is 13; the shape [12, 12] allows at most 12",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_settings_that_do_not_go_together_are_named(network, name):
    changes, message = BAD[name]
    with pytest.raises(ConfigError) as error:
        network(**changes)
    assert message in "\n".join(error.value.messages)
