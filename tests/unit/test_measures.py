"""Measures against closed forms and numpy; the theorems against exact gradient flow."""

import functools

import numpy as np
import pytest
import scipy.integrate
import scipy.linalg
import tensorly
import xarray as xr

from beyond.phase_diagram.statistics import degrees_of_freedom
from greedyrank import stages, storage
from greedyrank.config import sweeps
from greedyrank.config.settings import problems
from greedyrank.config.settings.problems import TARGET
from greedyrank.data import targets
from greedyrank.factorizations import cp, deep_matrix, tucker
from greedyrank.measures import rank_one_trajectory, tensor_rank
from greedyrank.plugins import plugin
from greedyrank.problems import completion
from greedyrank.spectra import extraction, linear_algebra, selection
from greedyrank.theory import counterexample, growth_laws, rank_one


def measure(name, runs):
    return plugin("measures", name).measure(runs)


def recorded(matrices, steps=None, **variables):
    """Return a data set of end-to-end matrices (run, record, row, column)."""
    matrices = np.asarray(matrices)
    steps = np.tile(np.arange(matrices.shape[1]), (len(matrices), 1)) if steps is None else np.array(steps)
    found = {"end_to_end": (("run", "record", "row", "column"), matrices), "step": (("run", "record"), steps)}
    return xr.Dataset({**found, **{name: (("run", "row", "column"), np.asarray(v)) for name, v in variables.items()}})


@pytest.fixture
def padded():
    """Two runs of 3 and 2 records of 4x4 matrices, the shorter one padded with NaN."""
    matrices = np.random.default_rng(0).standard_normal((2, 3, 4, 4))
    matrices[1, 2] = np.nan
    return recorded(matrices, steps=[[0, 5, 9], [0, 5, -1]])


# -- spectra ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_singular_values(padded, dtype):
    padded = padded.assign(end_to_end=padded.end_to_end.astype(dtype))
    found = measure("singular_values", padded).singular_value
    assert found.dims == ("run", "record", "component")
    assert found.dtype == np.float64
    for run, record in ((0, 0), (0, 2), (1, 1)):
        matrix = padded.end_to_end[run, record].to_numpy().astype(np.float64)
        np.testing.assert_allclose(found[run, record], np.linalg.svd(matrix, compute_uv=False), rtol=1e-12)
    assert np.isnan(found[1, 2]).all()


def test_only_the_ten_largest_singular_values_are_kept():
    found = measure("singular_values", recorded(np.diag(np.arange(12.0))[None, None])).singular_value
    np.testing.assert_allclose(found[0, 0], np.arange(11.0, 1.0, -1), rtol=1e-12)


def test_order_of_the_dimensions_does_not_matter(padded):
    turned = padded.transpose("column", "record", "row", "run")
    for name in ("singular_values", "nuclear_norm", "effective_rank", "determinant"):
        xr.testing.assert_allclose(measure(name, turned).transpose(*measure(name, padded).dims), measure(name, padded))


@pytest.mark.parametrize("n", [2, 5])
def test_effective_rank_closed_forms(n):
    single = np.outer(np.arange(1.0, n + 1), np.ones(n))
    two = np.diag([3.0, 1.0] + [0.0] * (n - 2))
    found = measure("effective_rank", recorded([[7.0 * np.eye(n), single, two]])).effective_rank[0]
    entropy = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))
    np.testing.assert_allclose(found, [n, 1.0, np.exp(entropy)], rtol=1e-10)


def test_effective_rank_of_exact_zeros_and_of_padding():
    np.testing.assert_allclose(
        linear_algebra.effective_rank(np.array([[2.0, 0.0, 0.0], [2.0, 2.0, 0.0]])), [1.0, 2.0], rtol=1e-15
    )
    assert np.isnan(linear_algebra.effective_rank(np.full((1, 3), np.nan))).all()


def test_nuclear_norm_and_determinant(padded):
    norm, det = measure("nuclear_norm", padded).nuclear_norm, measure("determinant", padded).determinant
    for run, record in ((0, 0), (0, 2), (1, 1)):
        matrix = padded.end_to_end[run, record].to_numpy()
        assert float(norm[run, record]) == pytest.approx(np.linalg.norm(matrix, "nuc"), rel=1e-12)
        assert float(det[run, record]) == pytest.approx(np.linalg.det(matrix), rel=1e-12)
    assert np.isnan(norm[1, 2]) and np.isnan(det[1, 2])


def test_leading_minor_of_a_rectangle():
    matrices = np.random.default_rng(1).standard_normal((2, 2, 3, 5))
    matrices[1, 1] = np.nan
    found = measure("leading_minor", recorded(matrices, steps=[[0, 5], [0, -1]])).leading_minor
    expected = matrices[..., 0, 0] * matrices[..., 1, 1] - matrices[..., 0, 1] * matrices[..., 1, 0]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_schatten_norms(padded):
    found = measure("schatten_norms", padded).schatten_norm
    assert found.order.to_numpy().tolist() == [0.5, 1.0, 2.0, np.inf]
    for run, record in ((0, 0), (0, 2), (1, 1)):
        matrix = padded.end_to_end[run, record].to_numpy()
        here = found.isel(run=run, record=record)
        # The nuclear norm of the square root of (A^T A)^(1/2), squared, is the quasi-norm of order 1/2.
        modulus = scipy.linalg.sqrtm(matrix.T @ matrix)
        oracle = [
            np.trace(scipy.linalg.sqrtm(modulus)).real ** 2,
            *(np.linalg.norm(matrix, k) for k in ("nuc", "fro", 2)),
        ]
        np.testing.assert_allclose(here, oracle, rtol=1e-9)
    assert np.isnan(found.isel(run=1, record=2)).all()


def test_determinant_is_taken_in_float64():
    matrix = np.array([[1e-25, 0], [0, -1e-25]], dtype=np.float32)
    assert float(measure("determinant", recorded(matrix[None, None])).determinant[0, 0]) == pytest.approx(
        -1e-50, rel=1e-6
    )


# -- entries and errors -----------------------------------------------------------------------------


def test_nuclear_rank(padded):
    found = measure("nuclear_rank", padded).nuclear_rank
    assert found.dims == ("run", "record")
    for run, record in ((0, 0), (0, 2), (1, 1)):
        matrix = padded.end_to_end[run, record].to_numpy()
        assert found[run, record] == pytest.approx(np.linalg.norm(matrix, "nuc") / np.linalg.norm(matrix, 2), rel=1e-12)
    assert np.isnan(found[1, 2])


def test_low_rank_approximation():
    rng = np.random.default_rng(1)
    turn = np.linalg.qr(rng.standard_normal((4, 4)))[0]
    target = (turn * [3.0, -2.0, 0.0, 0.0]) @ turn.T
    seen = (turn * [3.0, -2.5, 0.4, -0.3]) @ turn.T
    runs = recorded(np.zeros((1, 1, 4, 4)), target=target[None], observed_values=seen[None])
    found = measure("low_rank_approximation", runs)
    np.testing.assert_allclose(found.observed_eigenvalue[0], [3.0, 0.4, -0.3, -2.5], rtol=1e-12)
    squares = np.array([13.0, 4.0, 0.25, 0.25 + 0.16, 0.25 + 0.16 + 0.09])
    np.testing.assert_allclose(found.low_rank_error[0], np.sqrt(squares / 13.0), rtol=1e-10)


def test_lists_of_settings_are_text():
    runs = [{"target_spectrum": [10.0, -5.0], "loss": "mean"}, {"target_spectrum": [7.5], "loss": "mean"}]
    assert list(extraction.settings_of(runs)["target_spectrum"]) == ["10, -5", "7.5"]


def test_learned_eigenvalues_of_functions_of_the_target(padded):
    symmetric = padded.end_to_end[:, 0].to_numpy() + padded.end_to_end[:, 0].to_numpy().swapaxes(1, 2)
    powers = np.stack([symmetric, symmetric @ symmetric, np.full_like(symmetric, np.nan)], axis=1)
    found = measure("target_eigenvalues", recorded(powers, target=symmetric))
    values = np.stack([np.sort(np.linalg.eigvalsh(matrix))[::-1] for matrix in symmetric])
    np.testing.assert_allclose(found.target_eigenvalue, values, rtol=1e-12)
    np.testing.assert_allclose(found.learned_eigenvalue[:, 0], values, rtol=1e-10)
    np.testing.assert_allclose(found.learned_eigenvalue[:, 1], values**2, rtol=1e-10)
    assert np.isnan(found.learned_eigenvalue[:, 2]).all()


def test_unobserved_entry(padded):
    masks = np.ones((2, 4, 4))
    masks[0, 0, 1] = masks[1, 2, 0] = 0
    found = measure("unobserved_entry", padded.assign(observed_mask=(("run", "row", "column"), masks))).unobserved_entry
    assert found.dims == ("run", "record")
    np.testing.assert_array_equal(found[0], padded.end_to_end[0, :, 0, 1])
    np.testing.assert_array_equal(found[1], padded.end_to_end[1, :, 2, 0])
    assert (found < 0).any() and (found > 0).any() and np.isnan(found[1, 2])


def test_unobserved_entry_needs_exactly_one(padded):
    masks = np.ones((2, 4, 4))
    masks[:, 0, 0] = masks[1, 0, 1] = 0
    with pytest.raises(ValueError, match="one unobserved entry a run"):
        measure("unobserved_entry", padded.assign(observed_mask=(("run", "row", "column"), masks)))


def test_perturbation():
    """Two records of each run; the second run has one alone, and ends on the other side of zero than eps."""
    matrices = np.zeros((3, 2, 2, 2))
    matrices[:, :, 1, 1] = [[-0.3, 0.2], [-0.1, np.nan], [0.4, -0.5]]
    observed = np.array([[[0, -2.0], [0.5, 0.1]], [[0, -3.0], [0.5, 0.1]], [[0, -2.0], [0.5, 0.0]]])
    runs = recorded(matrices, steps=[[0, 5], [0, -1], [0, 5]], observed_values=observed)
    found = measure("perturbation", runs)
    np.testing.assert_array_equal(found.eps, [0.1, 0.1, 0.0])
    np.testing.assert_array_equal(found["product"], [-1.0, -1.5, -1.0])
    np.testing.assert_array_equal(found.corner_entry, matrices[:, :, 1, 1])
    np.testing.assert_array_equal(found.wrong_branch, [0, 1, 0])


def test_reconstruction_error():
    found = measure("reconstruction_error", xr.Dataset({"relative_error": (("run", "record"), [[0.5, np.nan]])}))
    np.testing.assert_array_equal(found.relative_error, [[0.5, np.nan]])
    np.testing.assert_array_equal(found.relative_squared_error, [[0.25, np.nan]])


def test_component_norms_are_sorted_at_each_record():
    norms = np.array([[[1.0, 3.0, 2.0], [5.0, 0.0, 4.0]], [[7.0, 8.0, 9.0], [np.nan] * 3]])
    found = measure("component_norms", xr.Dataset({"component_norm": (("run", "record", "component"), norms)}))
    np.testing.assert_array_equal(found.component_norm, [[[3, 2, 1], [5, 4, 0]], [[9, 8, 7], [np.nan] * 3]])
    many = xr.Dataset({"component_norm": (("run", "record", "component"), np.arange(25.0)[None, None])})
    np.testing.assert_array_equal(measure("component_norms", many).component_norm[0, 0], np.arange(24.0, 14.0, -1))


def test_component_sizes_are_norms_where_they_are_recorded_else_singular_values(padded):
    found = measure("component_sizes", padded).component_size
    np.testing.assert_array_equal(found, measure("singular_values", padded).singular_value)
    norms = np.random.default_rng(1).random((2, 3, 4))
    named = padded.assign(component_norm=(("run", "record", "component"), norms))
    np.testing.assert_array_equal(measure("component_sizes", named).component_size, -np.sort(-norms, axis=-1))


def test_spectra_between_the_halves_of_the_modes():
    rng = np.random.default_rng(2)
    left, right = (np.linalg.qr(rng.standard_normal((6, 2)))[0] for _ in range(2))
    tensors = np.stack([(left * values) @ right.T for values in ([5.0, 2.0], [3.0, 0.5])]).reshape(2, 1, 2, 3, 3, 2)
    modes = [f"mode_{n}" for n in range(4)]
    runs = xr.Dataset(
        {"end_to_end": (("run", "record", *modes), tensors), "target": (("run", *modes), 2 * tensors[:, 0])}
    )
    found = measure("half_spectrum", runs)
    assert found.half_value.dims == ("run", "record", "component")
    np.testing.assert_allclose(found.half_value[:, 0, :3], [[5, 2, 0], [3, 0.5, 0]], atol=1e-12)
    np.testing.assert_allclose(found.target_half_value[:, :3], [[10, 4, 0], [6, 1, 0]], atol=1e-12)
    assert not measure("half_spectrum", runs[["target"]])


def test_crossing_spectrum_is_that_of_the_matrix_whose_rows_are_every_other_mode():
    rng = np.random.default_rng(3)
    left, right = (np.linalg.qr(rng.standard_normal((6, 2)))[0] for _ in range(2))
    matrix = (left * [5.0, 2.0]) @ right.T  # rows (a, c), columns (b, d)
    tensor = matrix.reshape(2, 3, 3, 2).transpose(0, 2, 1, 3)
    modes = [f"mode_{n}" for n in range(4)]
    runs = xr.Dataset(
        {"end_to_end": (("run", "record", *modes), tensor[None, None]), "target": (("run", *modes), 2 * tensor[None])}
    )
    found = measure("crossing_spectrum", runs)
    assert found.crossing_value.dims == ("run", "record", "component")
    np.testing.assert_allclose(found.crossing_value[0, 0, :3], [5, 2, 0], atol=1e-12)
    np.testing.assert_allclose(found.target_crossing_value[0, :3], [10, 4, 0], atol=1e-12)
    assert float(measure("half_spectrum", runs).half_value[0, 0, 2]) > 0.1  # another matricization
    assert not measure("crossing_spectrum", runs[["target"]])


def test_pair_component_norms_are_the_largest_of_each_node():
    rng = np.random.default_rng(4)
    norms = rng.random((2, 3, 2, 12))
    norms[1, 2] = np.nan
    runs = xr.Dataset({"pair_component_norm": (("run", "record", "pair", "pair_component"), norms)})
    found = measure("pair_component_norms", runs).pair_component_norm
    assert found.dims == ("run", "record", "pair", "component")
    np.testing.assert_array_equal(found[:, :2], np.sort(norms[:, :2])[..., :1:-1])
    assert np.isnan(found[1, 2]).all()


@pytest.fixture
def tensors():
    """Two runs of 2 records of 4x5x3 tensors, the second one padded, with targets and masks."""
    rng = np.random.default_rng(1)
    axes = extraction.axes_of(3)
    found = rng.standard_normal((2, 2, 4, 5, 3))
    found[1, 1] = np.nan
    return xr.Dataset(
        {
            "end_to_end": (("run", "record", *axes), found.astype(np.float32)),
            "target": (("run", *axes), rng.standard_normal((2, 4, 5, 3))),
            "observed_mask": (("run", *axes), rng.integers(0, 2, (2, 4, 5, 3)).astype(float)),
        }
    )


def test_multilinear_spectra_are_the_slice_norms_of_tensorly_s_hosvd_core(tensors):
    found = measure("multilinear_spectra", tensors).multilinear_value
    assert found.dims == ("run", "record", "mode", "component")
    assert found.shape == (2, 2, 3, 5)
    tensor = tensors.end_to_end[1, 0].to_numpy().astype(np.float64)
    bases = [tensorly.tenalg.svd_interface(tensorly.unfold(tensor, mode))[0] for mode in range(3)]
    core = tensorly.tenalg.multi_mode_dot(tensor, bases, transpose=True)
    for mode, length in enumerate(tensor.shape):
        norms = np.linalg.norm(tensorly.unfold(core, mode), axis=1)
        np.testing.assert_allclose(found[1, 0, mode, :length], norms[:length] / norms[0], rtol=1e-10)
        assert np.isnan(found[1, 0, mode, length:]).all()
    assert np.isnan(found[1, 1]).all()


def test_multilinear_spectra_of_a_target_of_known_rank():
    settings = {name: None for name in TARGET} | {"shape": [6, 7, 5], "target_multilinear_rank": [2, 3, 4]}
    target = targets.draw({**settings, "target_norm": 3.0}, np.random.default_rng(0))
    runs = xr.Dataset({"end_to_end": (("run", "record", *extraction.axes_of(3)), target[None, None])})
    values = measure("multilinear_spectra", runs).multilinear_value
    np.testing.assert_array_equal((values > 1e-9).sum("component")[0, 0], [2, 3, 4])


def test_held_out_error(tensors):
    found = measure("held_out_error", tensors)
    seen = tensors.observed_mask[1].to_numpy() > 0
    residual = tensors.end_to_end[1, 0].to_numpy() - tensors.target[1].to_numpy()
    for name, part in (("train_error", seen), ("test_error", ~seen)):
        expected = np.mean(residual[part] ** 2) / np.mean(tensors.target[1].to_numpy()[part] ** 2)
        np.testing.assert_allclose(found[name][1, 0], expected, rtol=1e-12)
        assert np.isnan(found[name][1, 1])


def test_held_out_error_where_all_is_seen(tensors):
    found = measure("held_out_error", tensors.assign(observed_mask=xr.ones_like(tensors.observed_mask)))
    assert np.isnan(found.test_error).all()
    assert found.train_error[0].notnull().all()


def test_slice_norms_are_sorted_with_their_columns():
    slices = np.array([[[[1.0, 3.0, 2.0], [5.0, np.nan, 6.0]]]])
    columns = 10 * slices
    dims = ("run", "record", "mode", "slice")
    found = measure("slice_norms", xr.Dataset({"slice_norm": (dims, slices), "column_norm": (dims, columns)}))
    expected = np.array([[[[3.0, 2.0, 1.0], [6.0, 5.0, np.nan]]]])
    np.testing.assert_array_equal(found.slice_norm, expected)
    np.testing.assert_array_equal(found.column_norm, 10 * expected)


def test_image_errors_are_those_recorded():
    names = ("train_error", "test_error", "train_variance", "test_variance", "test_accuracy", "test_class_accuracy")
    runs = xr.Dataset({name: (("run", "record"), [[i, i / 2]]) for i, name in enumerate((*names, "loss"))})
    assert measure("image_errors", runs).equals(runs[list(names)])


def test_errors_of_least_squares_are_those_of_the_baseline():
    names = ("train_error", "test_error", "test_accuracy", "test_class_accuracy")
    runs = xr.Dataset({f"baseline_{name}": ("run", [i, i / 2]) for i, name in enumerate(names)})
    found = measure("least_squares", runs)
    assert set(found) == {f"linear_{name}" for name in names}
    for name in names:
        np.testing.assert_array_equal(found[f"linear_{name}"], runs[f"baseline_{name}"])


# -- alignment --------------------------------------------------------------------------------------


def orthogonal(n, seed):
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((n, n)))[0]


def test_alignment_of_a_gradient_diagonal_in_the_singular_basis():
    left, right, other = orthogonal(5, 1), orthogonal(5, 2), orthogonal(5, 3)
    turned = left @ np.diag([5.0, 4.0, 3.0, 2.0, 1.0]) @ right.T
    gap = np.array([3.0, -1.0, 0.5, 2.0, -4.0])
    initial = other @ np.diag([9.0, 7.0, 5.0, 3.0, 1.0]) @ other.T
    matrices = np.stack([[initial, turned, np.full((5, 5), np.nan)]])
    values = (turned - left @ np.diag(gap) @ right.T)[None]
    found = measure(
        "alignment", recorded(matrices, steps=[[0, 4, -1]], observed_values=values, observed_mask=np.ones((1, 5, 5)))
    )
    # The mask has 25 entries.
    assert float(found.alignment_diagonal[0, 1]) == pytest.approx(np.abs(gap).mean() / 25, rel=1e-12)
    assert float(found.alignment_other[0, 1]) == pytest.approx(0, abs=1e-14)
    seen = np.abs(other.T @ left @ np.diag(gap) @ right.T @ other) / 25
    assert float(found.alignment_diagonal_initial[0, 1]) == pytest.approx(np.trace(seen) / 5, rel=1e-10)
    assert float(found.alignment_other_initial[0, 1]) == pytest.approx((seen.sum() - np.trace(seen)) / 20, rel=1e-10)
    for name in ("alignment_diagonal", "alignment_other"):
        assert float(found[name][0, 0]) == float(found[f"{name}_initial"][0, 0])
        assert np.isnan(found[name][0, 2])


def test_alignment_sees_observed_entries_alone():
    matrix, mask = np.diag([2.0, 1.0]), np.array([[1.0, 0.0], [0.0, 0.0]])
    values = np.array([[0.5, 100.0], [100.0, 100.0]])
    found = measure("alignment", recorded(matrix[None, None], observed_values=values[None], observed_mask=mask[None]))
    assert float(found.alignment_diagonal[0, 0]) == pytest.approx(1.5 / 2)
    assert float(found.alignment_other[0, 0]) == 0


# -- theorems against gradient flow -----------------------------------------------------------------


def flow(velocity, state, time, steps=4):
    """Follow a flow for a short time by Runge-Kutta steps of fourth order."""
    h = time / steps
    for _ in range(steps):
        k1 = velocity(state)
        k2 = velocity([s + h / 2 * k for s, k in zip(state, k1, strict=True)])
        k3 = velocity([s + h / 2 * k for s, k in zip(state, k2, strict=True)])
        k4 = velocity([s + h * k for s, k in zip(state, k3, strict=True)])
        state = [s + h / 6 * (a + 2 * b + 2 * c + d) for s, a, b, c, d in zip(state, k1, k2, k3, k4, strict=True)]
    return state


H = 1e-3


def finite_difference(velocity, state, observe):
    """Return d(observe)/dt along a flow, by a central difference whose error is of order H^4."""
    at = {k: observe(flow(velocity, state, k * H)) for k in (-2, -1, 1, 2)}
    return (8 * (at[1] - at[-1]) - (at[2] - at[-2])) / (12 * H)


def chain(factors):
    out = factors[0]
    for factor in factors[1:]:
        out = factor @ out
    return out


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_singular_values_grow_as_the_theorem_says(run_settings, depth):
    (run,) = run_settings("deep_matrix", shape=[5, 5], depth=depth, product_std=0.5, balanced=True, seed=1)
    factors = deep_matrix.initial(run)
    values, mask = completion.observed(run, completion.generate(run))

    def gradient(w):
        return 2 / mask.sum() * mask * (w - values)

    def velocity(state):
        upstream = gradient(chain(state))
        eye = np.eye(5)
        return [-chain([eye, *state[j + 1 :]]).T @ upstream @ chain([eye, *state[:j]]).T for j in range(len(state))]

    measured = finite_difference(velocity, factors, lambda state: np.linalg.svd(chain(state), compute_uv=False))
    left, sigma, right = np.linalg.svd(chain(factors))
    slopes = np.array([left[:, r] @ gradient(chain(factors)) @ right[r] for r in range(5)])
    predicted = growth_laws.singular_value_growth(sigma, slopes, depth)
    np.testing.assert_allclose(measured, predicted, rtol=0, atol=1e-8 * np.abs(predicted).max())
    assert np.abs(predicted).max() > 1e-3
    wrong = growth_laws.singular_value_growth(sigma, slopes, depth + 1)
    assert np.abs(measured - wrong).max() > 1e-2 * np.abs(predicted).max()


LETTERS = "abcd"


def tensor(factors):
    letters = LETTERS[: len(factors)]
    return np.einsum(",".join(f"{a}r" for a in letters) + f"->{letters}", *factors)


def component_norms(factors):
    return np.prod([np.linalg.norm(factor, axis=0) for factor in factors], axis=0)


@pytest.mark.parametrize("shape", [[4, 3], [3, 4, 2], [3, 2, 4, 2]])
def test_component_norms_grow_as_the_theorem_says(run_settings, shape):
    (run,) = run_settings("cp", "gd", shape=shape, observations=6, factor_std=0.6, seed=2)
    # Balanced: the vectors of a component have equal norms.
    drawn = cp.initial(run)
    target = np.array([0.7, 1.0, 0.4, 1.3, 0.2]) ** (1 / len(shape))
    factors = [factor / np.linalg.norm(factor, axis=0) * target for factor in drawn]
    values, mask = completion.observed(run, completion.generate(run))

    def gradient(w):
        return 2 / mask.sum() * mask * (w - values)

    def velocity(state):
        letters = LETTERS[: len(shape)]
        upstream, found = gradient(tensor(state)), []
        for mode in range(len(shape)):
            others = [(LETTERS[m], state[m]) for m in range(len(shape)) if m != mode]
            spec = ",".join([letters, *(f"{a}r" for a, _ in others)]) + f"->{LETTERS[mode]}r"
            found.append(-np.einsum(spec, upstream, *(factor for _, factor in others)))
        return found

    measured = finite_difference(velocity, factors, component_norms)
    sigma, upstream = component_norms(factors), gradient(tensor(factors))
    gamma = np.array([-(upstream * tensor([f[:, r : r + 1] for f in factors])).sum() / sigma[r] for r in range(5)])
    predicted = growth_laws.component_growth(sigma, gamma, len(shape))
    np.testing.assert_allclose(measured, predicted, rtol=0, atol=1e-8 * np.abs(predicted).max())
    wrong = growth_laws.component_growth(sigma, gamma, len(shape) + 1)
    assert np.abs(measured - wrong).max() > 1e-2 * np.abs(predicted).max()


def test_unobserved_entry_theory():
    # With det W = 0, W_12 = W_21 = 1: W_22 = 1 / W_11, and the loss is half its square.
    entry = np.array([2.0, 70.0])
    np.testing.assert_allclose(counterexample.unobserved_entry((1 / entry) ** 2 / 2), entry, rtol=1e-14)


@pytest.mark.parametrize(("corner_entry", "side"), [(0.13, 1), (-0.02, -1)])
def test_unobserved_entry_theory_of_perturbed_observations(corner_entry, side):
    # W_12 = -2 and W_21 = 0.3 are fitted, W_22 is not, on either side of zero; det W = 0.
    entry, loss = -0.6 / corner_entry, (corner_entry - 0.1) ** 2 / 2
    assert counterexample.unobserved_entry(loss, -0.6, side * 0.1) == pytest.approx(abs(entry), rel=1e-12)
    # The wrong branch has no point below loss eps^2 / 2.
    assert np.isnan(counterexample.unobserved_entry(0.99 * 0.1**2 / 2, -0.6, -0.1))


# -- growth, measured on trained runs ---------------------------------------------------------------


@pytest.fixture
def extracted(tmp_path):
    """Train a slice, and measure it by way of its files: gives what was recorded and what was measured."""

    def make(small, *measures):
        data, runs = tmp_path / "data.npz", tmp_path / "all.npz"
        instances = sweeps.choices(small, list(problems.PROBLEMS[small.problem].data_settings))
        stages.generate({"problem": small.problem, "instances": instances}, None, data)
        stages.train(small.to_json(), [data], runs, checkpoints=tmp_path / "checkpoints")
        return storage.load_arrays(runs)[1], extraction.extract([runs], [data], [], list(measures))

    return make


GROWTH = {"stop": {"max_steps": 40}, "growth": {"every": 10, "offsets": [0, 1, 2]}}


WHOLE = {"record": {"every": 8, "end_to_end": True}, "stop": {"max_steps": 20}}
RANK_ONE = {"problem": "sensing", "ensemble": "rank_one", "sensing_std": None, "measurements": 20}


@pytest.fixture
def looked(monkeypatch):
    """What the measures of an extraction are given, by way of one that keeps it."""
    seen = []
    plain = plugin("measures", "reconstruction_error").measure
    monkeypatch.setattr(
        plugin("measures", "reconstruction_error"), "measure", lambda runs: (seen.append(runs), plain(runs))[1]
    )
    return seen


@pytest.mark.parametrize(
    ("factorization", "settings"),
    [
        ("cp", {"shape": [3, 4, 2]}),
        ("deep_cp", {"shape": [3, 4, 2], **RANK_ONE}),
        ("tucker", {"shape": [3, 4, 2], "observations": None, "observed_fraction": 0.4}),
        ("tucker", {"shape": [3, 4], "depth": 0}),
        ("hierarchical", {"shape": [3, 2, 2, 3], **RANK_ONE}),
    ],
)
def test_whole_tensors_are_recorded_with_their_context(make_slice, extracted, looked, place, factorization, settings):
    small = make_slice(factorization, "gd", axes={"data_seed": [0, 1]}, **settings, **WHOLE)
    arrays, measured = extracted(small, "reconstruction_error")
    (runs,) = looked
    shape = settings["shape"]
    axes = ("row", "column") if len(shape) == 2 else tuple(f"mode_{n}" for n in range(len(shape)))
    assert runs.end_to_end.dims == ("run", "record", *axes)
    assert runs.end_to_end.shape == (2, 4, *shape)
    np.testing.assert_array_equal(runs.end_to_end, arrays["end_to_end"])
    whole = small.runs
    first = plugin("factorizations", factorization).Model(whole, place).end_to_end()
    np.testing.assert_array_equal(arrays["end_to_end"][:, 0], first)
    problem = plugin("problems", small.problem)
    context = [problem.context(run, problem.generate(run)) for run in whole]
    names = {"target"} if small.problem == "sensing" else {"target", "observed_mask", "observed_values"}
    for name in names:
        assert runs[name].dims == ("run", *axes)
        np.testing.assert_array_equal(runs[name], np.stack([arrays[name] for arrays in context]))
    # The errors that were recorded beside them are theirs.
    difference = (runs.end_to_end - runs.target).to_numpy().reshape(2, 4, -1)
    expected = np.linalg.norm(difference, axis=-1) / np.linalg.norm(runs.target.to_numpy().reshape(2, 1, -1), axis=-1)
    np.testing.assert_allclose(measured.relative_error, expected, rtol=1e-12)


def test_tensors_are_not_recorded_unasked(make_slice, train):
    for factorization in ("cp", "deep_cp", "tucker", "hierarchical"):
        assert "end_to_end" not in train(make_slice(factorization, "gd", stop={"max_steps": 2}))


def test_stencils_keep_no_whole_tensors(make_slice, train):
    """As many as there are stencils would fill gigabytes; growth laws of matrices need them."""
    growth = {"growth": {"every": 10, "offsets": [0, 1]}}
    for factorization in ("cp", "tucker"):
        found = train(make_slice(factorization, "gd", **WHOLE, **growth))
        assert {"end_to_end", "growth_component_norm"} <= set(found)
        assert "growth_end_to_end" not in found
    assert "growth_end_to_end" in train(make_slice("deep_matrix", "adam", **WHOLE, **growth))


def test_norms_of_slices_and_columns_are_labelled(make_slice, train):
    arrays = train(make_slice("tucker", "gd", core_shape=[2, 3, 2], growth={"every": 5, "offsets": [0, 1]}))
    found = extraction.dataset(arrays, tucker.Model.axes)
    for name in ("slice_norm", "column_norm"):
        assert found[name].dims == ("run", "record", "mode", "slice")
        assert found[name].shape[2:] == (3, 3)
        assert np.isnan(found[name][..., 2]).sum("record").values.tolist() == [[5, 0, 5]]
    assert found.growth_component_norm.dims == ("run", "growth", "offset", "component")
    assert found.growth_component_norm.shape[-1] == 7


@pytest.mark.parametrize("loss", ["mean", "half_sum"])
@pytest.mark.parametrize("size", [12, 6])
def test_singular_value_growth_of_trained_runs(make_slice, extracted, size, loss):
    small = make_slice(
        "deep_matrix", "gd", shape=[size, size], observations=size * size // 2, depth=3, balanced=True, product_std=0.3,
        loss=loss, learning_rate=0.01 if loss == "mean" else 1e-4, cases=[{"data_seed": 0}, {"data_seed": 4}], **GROWTH,
    )  # fmt: skip
    _, found = extracted(small, "singular_value_growth")
    kept = min(size, 10)
    assert found.growth_step.to_numpy().tolist() == [[0, 10, 20, 30]] * 2
    rate, predicted, sigma = (found[f"growth_{name}"][..., :kept].to_numpy() for name in ("rate", "predicted", "sigma"))
    assert np.isfinite(rate).all() and np.isfinite(predicted).all()
    assert (np.diff(sigma, axis=-1) <= 0).all()
    # Central differences over two steps; balance is lost at the order of the step.
    assert np.abs(rate - predicted).max() < 0.02 * np.abs(predicted).max()


def test_equal_singular_values_have_no_growth(make_slice, extracted):
    small = make_slice(
        "deep_matrix", "gd", shape=[6, 6], observations=20, depth=3, identity_scale=0.1, product_std=None, **GROWTH
    )
    _, found = extracted(small, "singular_value_growth")
    assert np.isnan(found.growth_rate[:, 0]).all() and np.isnan(found.growth_sigma[:, 0]).all()  # from the identity
    assert np.isfinite(found.growth_rate[:, 1:, :6]).all()


def test_component_growth_of_trained_runs(make_slice, extracted):
    small = make_slice(
        "cp", "group_rmsprop", shape=[3, 4, 2], components=14, axes={"data_seed": [0, 1]}, stop={"max_steps": 31},
        growth={"every": 10, "offsets": [0, 1]},
    )  # fmt: skip
    arrays, found = extracted(small, "component_growth", "component_norms", "reconstruction_error")
    assert found.growth_step.to_numpy().tolist() == [[0, 10, 20, 30]] * 2
    assert found.growth_rate.shape == (2, 4, 10)
    for run in range(2):
        norms, time = arrays["growth_component_norm"][run], arrays["growth_flow_time"][run]
        largest = np.argsort(norms[-1, -1])[::-1][:10]
        np.testing.assert_array_equal(found.growth_sigma[run], norms[:, 0, largest])
        np.testing.assert_array_equal(found.growth_gamma[run], arrays["growth_component_gamma"][run][:, 0, largest])
        rate = (norms[:, 1, largest] - norms[:, 0, largest]) / (time[:, 1] - time[:, 0])[:, None]
        np.testing.assert_allclose(found.growth_rate[run], rate, rtol=1e-12)
    np.testing.assert_array_equal(found.relative_error, arrays["relative_error"])


def test_component_growth_follows_the_law_in_flow_time(make_slice, extracted):
    """A component's norm grows by gamma times the sum over modes of (norm / the mode's norm)^2."""
    small = make_slice(
        "cp",
        "gd",
        shape=[3, 4, 2],
        components=3,
        learning_rate=1e-5,
        stop={"max_steps": 2},
        growth={"every": 2, "offsets": [0, 1]},
    )
    _, found = extracted(small, "component_growth")
    (run,) = small.runs
    norms = np.array([np.linalg.norm(factor, axis=0) for factor in cp.initial(run)])
    sigma = norms.prod(0)
    expected = found.growth_gamma[0, 0].to_numpy() * (sigma**2 / norms**2).sum(0)[np.argsort(-sigma)]
    np.testing.assert_allclose(found.growth_rate[0, 0], expected, rtol=1e-3)


HUBER = {"loss": "huber", "huber_threshold": 0.1}
EIGHT = {"shape": [2] * 8, "widths": [2, 3, 4], "observations": 100, "balanced": True}
# Factorization and settings; c and p of the law d(sigma)/dt = c gamma sigma^p.
LAWS = {
    "cp": ("cp", {"balanced": True}, 3, 4 / 3),
    "cp of order 4": ("cp", {"shape": [2, 3, 2, 2], "balanced": True, **HUBER}, 4, 3 / 2),
    "deep cp": ("deep_cp", {"balanced": True, **RANK_ONE}, 6, 5 / 3),
    "deep cp of depth 3": ("deep_cp", {"depth": 3, "balanced": True}, 9, 16 / 9),
    "core alone": ("tucker", {"depth": 0, **RANK_ONE}, 1, 0),
    "tucker": ("tucker", {"depth": 1}, 1, 1),
    "deep tucker": ("tucker", {"depth": 2, "core_shape": [2, 3, 2], **HUBER}, 1, 2),
    "tucker of depth 3": ("tucker", {"depth": 3}, 1, 3),
    "hierarchical of order 2": ("hierarchical", {"shape": [4, 5], "widths": [4], "balanced": True}, 3, 4 / 3),
    "hierarchical": ("hierarchical", {"balanced": True, **RANK_ONE, **HUBER}, 3, 4 / 3),
    "hierarchical of order 8": ("hierarchical", EIGHT, 3, 4 / 3),
}


@pytest.mark.parametrize("law", LAWS)
def test_norms_of_balanced_factors_grow_by_their_law(make_slice, train, law):
    factorization, settings, factor, power = LAWS[law]
    rates = np.array([2e-4, 1e-4])
    small = make_slice(
        factorization, "gd", target_rank=1, axes={"seed": [0, 1], "learning_rate": rates.tolist()},
        stop={"max_steps": 3}, growth={"every": 2, "offsets": [0, 1]}, **settings,
    )  # fmt: skip
    arrays = train(small)
    norms, gamma = (arrays[f"growth_component_{name}"][:, 0].reshape(2, 2, 2, -1) for name in ("norm", "gamma"))
    # Steps of both sizes from the same init; to their limit, up to the square of the step.
    increments = (norms[:, :, 1] - norms[:, :, 0]) / rates[:, None]
    measured = 2 * increments[:, 1] - increments[:, 0]
    sigma, gamma = norms[:, 0, 0], gamma[:, 0, 0]
    predicted = factor * gamma * sigma**power
    tolerance = 1e-6 * np.abs(predicted).max()
    np.testing.assert_allclose(measured, predicted, rtol=0, atol=tolerance)
    assert np.abs(measured - factor * gamma * sigma ** (power + 0.1)).max() > 1e3 * tolerance


def test_growth_is_that_of_what_a_factorization_learns(make_slice, extracted):
    matrix = make_slice(
        "deep_matrix", "gd", shape=[5, 6], depth=3, product_std=0.1, identity_scale=None, balanced=True,
        learning_rate=1e-3, stop={"max_steps": 40}, growth={"every": 9, "offsets": [0, 1, 2]},
    )  # fmt: skip
    arrays, found = extracted(matrix, "growth")
    law = 3 * found.growth_sigma ** (4 / 3) * found.growth_gamma
    np.testing.assert_allclose(found.growth_predicted, law, rtol=1e-9, atol=1e-15)
    assert np.isfinite(found.growth_sigma).all()  # a drawn init has distinct singular values from the start
    np.testing.assert_array_equal(found.growth_time, arrays["growth_flow_time"][:, :, 1])

    tensor = make_slice(
        "cp", "gd", shape=[3, 4, 2], components=3, stop={"max_steps": 20}, growth={"every": 5, "offsets": [0, 1]}
    )
    arrays, found = extracted(tensor, "growth")
    assert sorted(found.growth_sigma[0, -1].values) == sorted(arrays["growth_component_norm"][0, -1, 0])
    np.testing.assert_allclose(found.growth_time, arrays["growth_flow_time"].mean(axis=2))


INTEGRATED = [
    ("matrix", 2, 2, 2, 1),
    ("matrix", 4, 2, 4, 3 / 2),
    ("cp", np.nan, 5, 5, 8 / 5),
    ("deep_cp", 2, 3, 6, 5 / 3),
    ("tucker", 3, 3, 1, 3),
    ("hierarchical", np.nan, 4, 3, 4 / 3),
]


@pytest.mark.parametrize(("family", "depth", "order", "kappa", "exponent"), INTEGRATED)
def test_integrated_growth(family, depth, order, kappa, exponent):
    assert growth_laws.growth_law(family, depth, order) == pytest.approx((kappa, exponent))
    times = np.linspace(0, 0.9, 2001)
    gamma = 1 + np.sin(5 * times)
    solved = scipy.integrate.solve_ivp(
        lambda t, sigma: kappa * (1 + np.sin(5 * t)) * sigma**exponent,
        (0, 0.9), [0.05], t_eval=times, rtol=1e-10, atol=1e-14,
    )  # fmt: skip
    found = growth_laws.integrated_growth(0.05, gamma, times, kappa, exponent)
    np.testing.assert_allclose(found, solved.y[0], rtol=1e-5)
    wrong = growth_laws.integrated_growth(0.05, gamma, times, kappa, exponent + 0.1)
    assert np.abs(wrong[-1] / solved.y[0, -1] - 1) > 1e-4


def test_integrated_growth_ends_where_it_is_infinite():
    """For gamma 1, kappa 1, p 2 from 1: 1 / (1 - t)."""
    times = np.linspace(0, 2, 201)
    found = growth_laws.integrated_growth(1.0, np.ones(201), times, 1, 2)
    np.testing.assert_allclose(found[:99], 1 / (1 - times[:99]), rtol=1e-9)
    assert np.isnan(found[101:]).all()


@pytest.mark.parametrize(("shape", "rank"), [([5, 7], 2), ([4, 4], 3), ([4, 5, 3], 2), ([3, 3, 3, 3], 2)])
def test_degrees_of_freedom(shape, rank):
    """The rank of the derivative of the factors' sum of outer products, at random factors."""
    rng = np.random.default_rng(0)
    factors = [rng.standard_normal((length, rank)) for length in shape]
    columns = []
    for mode, length in enumerate(shape):
        for entry in np.ndindex(length, rank):
            unit = np.zeros((length, rank))
            unit[entry] = 1
            parts = [unit if n == mode else factor for n, factor in enumerate(factors)]
            tensor = sum(functools.reduce(np.multiply.outer, [part[:, r] for part in parts]) for r in range(rank))
            columns.append(tensor.ravel())
    assert degrees_of_freedom("x".join(map(str, shape)), rank) == np.linalg.matrix_rank(np.array(columns))


@pytest.mark.parametrize(
    ("factorization", "name", "settings"),
    [
        (
            "deep_matrix",
            "singular_value_growth",
            {"shape": [12, 12], "observations": 72, "depth": 3, "learning_rate": 0.5},
        ),
        ("cp", "component_growth", {"components": 14, "learning_rate": 0.5}),
    ],
)
def test_growth_where_a_run_ends_at_the_start_of_a_stencil(make_slice, train, extracted, factorization, name, settings):
    """The runs of a group end at their own steps: what the last step of one begins is no stencil."""
    settings = {**settings, "axes": {"data_seed": [0, 1]}}
    free = train(make_slice(factorization, "gd", stop={"max_steps": 200}, record={"every": 5}, **settings))["loss"]
    first = int(free[:, 20].argmin())
    level = float(free[first, 20]) * 1.0001
    ends = [int((free[run] < level).argmax()) * 5 if (free[run] < level).any() else 200 for run in range(2)]
    assert ends[first] < ends[1 - first]
    stop, growth = {"loss": level, "every": 5, "max_steps": 200}, {"every": 5, "offsets": [0, 1, 2]}
    arrays, found = extracted(make_slice(factorization, "gd", stop=stop, growth=growth, **settings), name)
    assert arrays["stop_step"].tolist() == ends
    for run in range(2):
        assert [int(step) for step in found.growth_step[run] if step >= 0] == list(range(0, ends[run], 5))
        whole = ends[run] // 5
        assert np.isfinite(found.growth_rate[run, 1:whole, :10]).all()
        assert np.isnan(found.growth_rate[run, whole:]).all()


# -- rank-one trajectories --------------------------------------------------------------------------


@pytest.mark.parametrize("order", [2, 3, 4])
def test_rank_one_flow_in_a_constant_field(order):
    """Vectors along those of a rank-one -dL/dW grow by dv/dt = c v^(N - 1)."""
    rng = np.random.default_rng(order)
    field = [vector / np.linalg.norm(vector) for vector in map(rng.standard_normal, (3, 4, 2, 5)[:order])]
    push, start, times = 0.7, 0.3, np.array([0.0, 0.4, 1.1])
    found = rank_one.rank_one_flow([start * a for a in field], lambda _: -push * rank_one.outer(field), times)
    if order == 2:
        lengths = start * np.exp(push * times)
    else:
        lengths = (start ** (2 - order) - (order - 2) * push * times) ** (1 / (2 - order))
    expected = np.multiply.outer(lengths**order, rank_one.outer(field))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_rank_one_flow_takes_each_mode_to_its_own():
    # Along the flow d||W - V||^2 / dt = -2 sum_n ||dL/dv_n||^2 < 0; at its end W = V, if V is of rank one.
    rng = np.random.default_rng(3)
    vectors = [rng.standard_normal(length) for length in (3, 4, 2)]
    target = rank_one.outer(vectors)
    start = [vector + 0.1 * rng.standard_normal(len(vector)) for vector in vectors]
    found = rank_one.rank_one_flow(start, lambda w: w - target, np.array([0.0, 5.0, 50.0]))
    np.testing.assert_allclose(found[0], np.einsum("i,j,k", *start), rtol=1e-12)
    np.testing.assert_allclose(found[-1], target, rtol=0, atol=1e-5)


def test_best_rank_one():
    rng = np.random.default_rng(0)
    q = [np.linalg.qr(rng.standard_normal((n, n)))[0] for n in (3, 4, 5)]
    parts = [rank_one.outer([basis[:, r] for basis in q]) for r in (0, 1)]
    found = rank_one.best_rank_one(-0.5 * parts[0] + 2.0 * parts[1])
    np.testing.assert_allclose(rank_one.outer(found), 2.0 * parts[1], atol=1e-12)
    np.testing.assert_allclose([np.linalg.norm(vector) for vector in found], 2 ** (1 / 3), rtol=1e-12)
    matrix = rng.standard_normal((4, 3))
    u, sigma, v = np.linalg.svd(matrix)
    np.testing.assert_allclose(
        rank_one.outer(rank_one.best_rank_one(matrix)), sigma[0] * np.outer(u[:, 0], v[0]), atol=1e-9
    )


def test_distances_to_a_polygonal_line():
    rng = np.random.default_rng(1)
    corners, points = rng.standard_normal((6, 3)), rng.standard_normal((5, 3))
    corners[3] = corners[2]  # a segment of length 0
    share = np.linspace(0, 1, 2001)[:, None]
    dense = np.concatenate([a + share * (b - a) for a, b in zip(corners, corners[1:], strict=False)])
    nearest = np.linalg.norm(points[:, None] - dense, axis=-1).min(axis=1)
    np.testing.assert_allclose(rank_one_trajectory.distances(points, corners), nearest, atol=1e-3)
    on_it = corners[:-1] + 0.3 * np.diff(corners, axis=0)
    np.testing.assert_allclose(rank_one_trajectory.distances(on_it, corners), 0, atol=1e-12)


def test_a_balanced_component_alone_is_on_its_rank_one_trajectory(make_slice, extracted):
    small = make_slice(
        "cp", "gd", loss="huber", huber_threshold=1e-3, balanced=True, learning_rate=1e-3,
        cases=[
            {"components": 1, "factor_std": [0.7, 1e-3], "data_seed": 0},
        ],
        stop={"max_steps": 4000}, record={"every": 100, "end_to_end": True},
    )  # fmt: skip
    _, found = extracted(small, "rank_one_trajectory")
    alone, tiny = found.isel(run=0), found.isel(run=1)
    assert np.isnan(tiny.rank_one_distance).all()  # it never reaches the sphere
    assert (tiny.trajectory_norm < rank_one_trajectory.RADIUS).all()
    np.testing.assert_allclose(alone.trajectory_time, 0.1 * np.arange(41), atol=1e-12)
    moved = abs(alone.trajectory_norm[-1] - alone.trajectory_norm[0])
    assert moved > 0.1
    assert alone.rank_one_distance.max() < 0.01 * moved
    np.testing.assert_allclose(alone.rank_one_norm, alone.trajectory_norm, atol=0.01 * moved)


# -- tensor rank ------------------------------------------------------------------------------------


def components(shape, rank, rng):
    """Return a tensor of the rank, as long as that is below the lengths, of norm 1."""
    factors = [rng.standard_normal((length, rank)) for length in shape]
    tensor = tensorly.cp_to_tensor((None, factors))
    return tensor / np.linalg.norm(tensor)


@pytest.mark.parametrize("shape", [(6, 5), (8, 8, 8), (6, 7, 8), (8, 8, 8, 8)])
@pytest.mark.parametrize("rank", [1, 2])
def test_tensor_rank_of_random_components(shape, rank):
    tensor = components(shape, rank, np.random.default_rng(rank))
    # Exactly low rank: most of what bisection asks ALS for is a singular system, from some of the inits.
    found = [tensor_rank.tensor_rank(tensor, np.random.default_rng(seed)) for seed in range(6)]
    assert found == [rank] * 6


@pytest.fixture
def sweeps_of_als(monkeypatch):
    """Count the sweeps of each call of ALS."""
    calls, parafac = [], tensor_rank.parafac

    def counting(*args, callback, **kwargs):
        calls.append(-1)  # tensorly calls back once before the first sweep

        def counted(*state):
            calls[-1] += 1
            return callback(*state)

        return parafac(*args, callback=counted, **kwargs)

    monkeypatch.setattr(tensor_rank, "parafac", counting)
    return calls


def als_by_pseudo_inverses(tensor, components, sweeps, rng):
    """Return the mean squared error after each sweep of ALS as the paper's authors wrote it."""
    factors = [rng.standard_normal((length, components)) for length in tensor.shape]
    errors = []
    for _ in range(sweeps):
        for mode in range(tensor.ndim):
            others = [factors[m] for m in range(tensor.ndim) if m != mode]
            gram = np.prod([factor.T @ factor for factor in others], axis=0)
            columns = tensorly.tenalg.khatri_rao(others)
            unfolding = np.moveaxis(tensor, mode, 0).reshape(tensor.shape[mode], -1)
            factors[mode] = unfolding @ columns @ np.linalg.pinv(gram)
        errors.append(np.mean((tensorly.cp_to_tensor((None, factors)) - tensor) ** 2))
    return np.array(errors)


@pytest.mark.parametrize("seed", range(6))
def test_als_fits_where_that_of_the_authors_does(sweeps_of_als, monkeypatch, seed):
    monkeypatch.setattr(tensor_rank, "SWEEPS", 150)
    tensor = components((8, 8, 8), 3, np.random.default_rng(3))
    reached = np.flatnonzero(als_by_pseudo_inverses(tensor, 3, 150, np.random.default_rng(seed)) < 1e-6)
    assert tensor_rank._fits(tensor, 3, np.random.default_rng(seed)) == bool(len(reached))
    assert sweeps_of_als == [reached[0] + 1 if len(reached) else 150]


def test_tensor_rank_of_a_matrix_with_noise_is_that_of_its_singular_values():
    rng = np.random.default_rng(0)
    matrix = components((9, 7), 2, rng) + 1e-2 * rng.standard_normal((9, 7))
    tails = np.append(np.cumsum(np.linalg.svd(matrix, compute_uv=False)[::-1] ** 2)[::-1], 0.0)
    expected = next(rank for rank, tail in enumerate(tails) if tail / matrix.size < 1e-6)
    assert 2 < expected == tensor_rank.tensor_rank(matrix, rng)


@pytest.mark.parametrize("size, rank", [(0.9, 1), (1.1, 2)])
def test_tensor_rank_ignores_what_is_below_the_tolerance(size, rank):
    """Of two orthogonal components the second has just below, or above, a mean square of 1e-6."""
    tensor = np.zeros((4, 4, 4))
    tensor[0, 0, 0], tensor[1, 1, 1] = 1.0, np.sqrt(size * 1e-6 * tensor.size)
    assert tensor_rank.tensor_rank(tensor, np.random.default_rng(0)) == rank


def test_tensor_rank_of_zeros():
    assert tensor_rank.tensor_rank(np.zeros((3, 3, 3)), np.random.default_rng(0)) == 0


def test_lower_bound_of_the_tensor_rank():
    """Delta_ik delta_jl has unfoldings of rank 2 for each mode, but of rank 4 for the first two modes together."""
    tensor = np.einsum("ik,jl->ijkl", np.eye(2), np.eye(2))
    assert tensor_rank.lower_bound(tensor) == tensor_rank.tensor_rank(tensor, np.random.default_rng(0)) == 4
    assert tensor_rank.lower_bound(components((8, 8, 8, 8), 3, np.random.default_rng(0))) == 3
    assert tensor_rank.lower_bound(components((4, 4, 4), 6, np.random.default_rng(0))) == 4


def test_als_stops_at_the_tolerance_and_only_there(sweeps_of_als, monkeypatch):
    monkeypatch.setattr(tensor_rank, "SWEEPS", 40)
    tensor, rng = components((8, 8, 8), 2, np.random.default_rng(1)), np.random.default_rng(0)
    assert tensor_rank._fits(tensor, 8, rng)
    assert 1 <= sweeps_of_als[-1] < 10
    assert not tensor_rank._fits(tensor, 1, rng)
    assert sweeps_of_als[-1] == 40


def test_a_singular_system_is_no_rank(monkeypatch):
    tensor, parafac, failures = components((4, 4, 4), 1, np.random.default_rng(0)), tensor_rank.parafac, []

    def singular(*args, **kwargs):
        failures.append(args[1])
        if len(failures) % 3:
            raise np.linalg.LinAlgError("Singular matrix")
        return parafac(*args, **kwargs)

    monkeypatch.setattr(tensor_rank, "parafac", singular)
    assert tensor_rank.tensor_rank(tensor, np.random.default_rng(0)) == 1
    assert failures[:3] == [8, 8, 8]
    monkeypatch.setattr(tensor_rank, "parafac", lambda *args, **kwargs: np.linalg.inv(np.zeros((2, 2))))
    with pytest.raises(np.linalg.LinAlgError, match="8 components .* 100 inits"):
        tensor_rank.tensor_rank(tensor, np.random.default_rng(0))


def test_tensor_rank_of_runs_and_of_what_they_see(make_slice, extracted, monkeypatch):
    asked, found_rank = [], tensor_rank.tensor_rank
    monkeypatch.setattr(tensor_rank, "tensor_rank", lambda tensor, rng: asked.append(tensor) or found_rank(tensor, rng))
    small = make_slice(
        "cp", "group_rmsprop", shape=[4, 4, 4], target_rank=1, target_norm=1.0, observations=None, components=16,
        factor_std=1e-2, cases=[{"observations": [40, 64]}], axes={"seed": [0, 1], "data_seed": [0, 1]},
        stop={"loss": 1e-6, "checks": 2, "every": 50, "max_steps": 3000}, record={"every": 3000, "end_to_end": True},
    )  # fmt: skip
    _, found = extracted(small, "tensor_rank")
    assert len(asked) == 8 + 4  # each run, and each target and set of observations once
    for run in small.runs:
        values, _ = completion.observed(run, completion.generate(run))
        here = selection.select(found, {name: run[name] for name in ("observations", "seed", "data_seed")}).squeeze()
        assert here.zero_filled_error == pytest.approx(np.sqrt(max(1 - np.linalg.norm(values) ** 2, 0)), abs=1e-7)
        assert here.zero_filled_rank > 3 if run["observations"] == 40 else here.zero_filled_rank == 1
        assert run["observations"] == 40 or here.tensor_rank == 1


# -- descent against flow ---------------------------------------------------------------------------


def test_descent_follows_the_flow_to_first_order(make_slice, train, extracted):
    cases = [{"learning_rate": [1e-3, 5e-4]}]
    small = make_slice(
        "deep_matrix", "gd", cases=cases, depth=2, layer_alpha=0.3, product_std=None, loss="half_sum", observations=16,
        target_rank=None, target_norm=None, target_spectrum=[10.0, 7.0, 5.0, -5.0], stop={"max_steps": 1000},
        record={"every": 1},
    )  # fmt: skip
    arrays, measured = extracted(small, "flow_eigenvalues")
    coarse, fine = measured.flow_deviation.to_numpy()
    assert 0 < fine < 0.01
    assert coarse / fine == pytest.approx(2.0, rel=0.02)
    # Depth 2: the product x = d^2 is logistic; the target's eigenvalues come in descending order.
    growth = np.exp(2 * 7.0 * arrays["flow_time"][0])
    expected = 0.09 * 7.0 * growth / (7.0 + 0.09 * (growth - 1))
    np.testing.assert_allclose(measured.flow_eigenvalue[0, :, 1], expected, rtol=1e-7)
