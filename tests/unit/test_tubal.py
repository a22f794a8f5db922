"""The t-product and what is built on it, against block-circulant matrices, in which it is the matrix product."""

import numpy as np
import pytest
import torch
import xarray as xr

from greedyrank.baselines import tubal_least_norm
from greedyrank.data import targets
from greedyrank.errors import UserError
from greedyrank.factorizations import tubal as factorization
from greedyrank.measures import tubal_baseline, tubal_spectrum
from greedyrank.problems import sensing
from greedyrank.theory import tubal

TUBES = pytest.mark.parametrize("tubes", [1, 2, 3, 4, 5])


def circulant(tensor):
    """Return the block-circulant matrix of a tensor (rows, columns, tubes), whose block (i, j) is slice i - j."""
    tubes = tensor.shape[-1]
    return np.block([[tensor[..., (i - j) % tubes] for j in range(tubes)] for i in range(tubes)])


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def symmetric(*shape, seed=0):
    drawn = normal(*shape, seed=seed)
    return drawn + tubal.transpose(drawn)


# -- the algebra ------------------------------------------------------------------------------------


@TUBES
def test_product_and_transpose_are_those_of_block_circulant_matrices(tubes):
    left, right = normal(3, 4, tubes), normal(4, 2, tubes, seed=1)
    np.testing.assert_allclose(circulant(tubal.product(left, right)), circulant(left) @ circulant(right), atol=1e-13)
    np.testing.assert_array_equal(circulant(tubal.transpose(left)), circulant(left).T)


@TUBES
def test_pages_have_the_singular_values_of_the_block_circulant_matrix(tubes):
    tensor = normal(3, 4, tubes)
    values = np.linalg.svd(tubal.pages(tensor), compute_uv=False)
    counts = np.rint(tubal.page_weights(tubes) * tubes).astype(int)
    found = np.sort(np.repeat(values, counts, axis=0).ravel())
    np.testing.assert_allclose(found, np.sort(np.linalg.svd(circulant(tensor), compute_uv=False)), atol=1e-12)
    np.testing.assert_allclose(tubal.from_pages(tubal.pages(tensor), tubes), tensor, atol=1e-14)


def test_tubes_of_different_lengths_have_no_product():
    with pytest.raises(UserError, match=r"\[3, 3, 4\] and \[3, 3, 5\] .* their tubes have the lengths 4 and 5"):
        tubal.product(normal(3, 3, 4), normal(3, 3, 5))
    with pytest.raises(UserError, match=r"allowed: as many rows of the second as columns of the first, 2"):
        tubal.product(normal(3, 2, 4), normal(3, 3, 4))


@pytest.mark.parametrize("angle", [1e-9, 0.3, np.pi / 2])
def test_sine_of_spaces_at_a_known_angle_in_one_page(angle):
    pages = np.zeros((3, 4, 2), complex)
    pages[:] = np.eye(4)[:, :2]
    turned = pages.copy()
    turned[1, :, 1] = np.exp(0.7j) * (np.cos(angle) * np.eye(4)[1] + np.sin(angle) * np.eye(4)[2])
    assert tubal.sine(turned, pages) == pytest.approx(np.sin(angle), rel=1e-6)
    assert tubal.sine(pages, turned) == pytest.approx(np.sin(angle), rel=1e-6)


# -- the factorization ------------------------------------------------------------------------------


@TUBES
def test_end_to_end_and_pullback_against_dense_block_circulant_matrices(run_settings, place, relative, tubes):
    """C(X) = C(U) C(U)^T, and the gradient in C(U) is (C(G) + C(G)^T) C(U)."""
    runs = run_settings("tubal", shape=[4, 4, tubes], columns=3, cases=[{"seed": [0, 1]}])
    model = factorization.Model(runs, place)
    found = model.end_to_end().numpy()
    upstream = normal(2, 4, 4, tubes, seed=3)
    (gradients,) = model.pullback(torch.from_numpy(upstream.copy()))
    for run, whole, given, gradient in zip(runs, found, upstream, gradients.numpy(), strict=True):
        factor = circulant(np.moveaxis(factorization.initial(run), 0, -1))
        assert relative(circulant(whole), factor @ factor.T) <= 1e-13
        doubled = circulant(given) + circulant(given).T
        assert relative(circulant(np.moveaxis(gradient, 0, -1)), doubled @ factor) <= 1e-13


def test_init_has_the_published_standard_deviation(run_settings):
    (run,) = run_settings("tubal", shape=[50, 50, 4], columns=60, tubal_alpha=0.3)
    drawn = factorization.initial(run)
    assert drawn.std() == pytest.approx(0.3 / np.sqrt(60), rel=0.02)  # of 12,000 numbers, 3 standard errors
    product = factorization.Model([run], torch.from_numpy).end_to_end()[0].numpy()
    assert np.diagonal(product[..., 0]).mean() == pytest.approx(4 * 0.3**2, rel=0.02)


@pytest.mark.parametrize(("columns", "width"), [(4, 9), (6, 9), (4, 2), (4, 4)])
def test_a_drawn_width_keeps_the_product(run_settings, place, relative, columns, width):
    (as_drawn,) = run_settings("tubal", columns=width)
    (kept,) = run_settings("tubal", columns=columns, width=width)
    products = [factorization.Model([run], place).end_to_end().numpy() for run in (as_drawn, kept)]
    assert factorization.initial(kept).shape == (3, 4, columns)
    assert relative(*products) <= 1e-14


@pytest.mark.parametrize(("optimizer", "same"), [("gd", True), ("group_rmsprop", True), ("adam", False)])
def test_gradient_descent_does_not_see_how_many_columns_a_width_has(make_slice, train, optimizer, same):
    """Adam does: its steps depend on the basis of the columns."""
    settings = {"problem": "sensing", "learning_rate": 2e-3, "stop": {"max_steps": 200}}
    settings["record"] = {"every": 20, "end_to_end": True}
    wide, square = (
        train(make_slice("tubal", optimizer, **settings, **part))["end_to_end"]
        for part in ({"columns": 9}, {"columns": 4, "width": 9})
    )
    assert np.abs(wide[:, -1] - wide[:, 0]).max() > 0.05
    assert (np.abs(wide - square).max() < 1e-11) == same


# -- targets and measurements -----------------------------------------------------------------------

TARGET = {"target_rank": None, "target_norm": None}


def test_target_projects_on_a_tubal_column_space_of_its_rank(run_settings):
    (run,) = run_settings("tubal", problem="sensing", shape=[5, 5, 4], **{**TARGET, "target_tubal_rank": 2})
    target = targets.draw(run, np.random.default_rng(0))
    np.testing.assert_allclose(tubal.product(target, target), target, atol=1e-14)
    np.testing.assert_allclose(tubal.transpose(target), target, atol=1e-14)
    assert np.linalg.norm(target) == pytest.approx(np.sqrt(2), rel=1e-14)
    values = np.linalg.svd(tubal.pages(target), compute_uv=False)
    np.testing.assert_allclose(values, np.tile([1.0, 1, 0, 0, 0], (3, 1)), atol=1e-14)
    other = targets.draw(run, np.random.default_rng(1))
    assert tubal.sine(*(tubal.basis(tubal.pages(tensor), 2) for tensor in (target, other))) > 0.1


def test_symmetrised_measurements_are_those_of_twice_the_standard_deviation(run_settings, place, relative):
    """The published G = H + H^T against the A = 2 H of the sweeps: residuals, losses and gradients in U."""
    (run,) = run_settings(
        "tubal",
        problem="sensing",
        shape=[4, 4, 3],
        loss="half_sum",
        sensing_std=2.0,
        **{**TARGET, "target_tubal_rank": 1},
    )
    data = sensing.generate(run)
    model = factorization.Model([run], place)
    problem = sensing.Problem([run], [data], place)
    (ours,) = model.pullback(problem.loss_gradient(model.end_to_end()))

    half = sensing.ensemble({**run, "sensing_std": 1.0}).reshape(-1, 4, 4, 3)
    published = half + tubal.transpose(half)
    product = model.end_to_end()[0].numpy()
    residuals = np.tensordot(published, product - data["target"], 3)
    np.testing.assert_allclose(problem.losses().numpy(), [(residuals**2).sum() / 2], rtol=1e-13)
    factor = np.moveaxis(factorization.initial(run), 0, -1)
    gradient = sum(r * tubal.product(2 * g, factor) for r, g in zip(residuals, published, strict=True))
    assert relative(np.moveaxis(ours[0].numpy(), 0, -1), gradient) <= 1e-13


# -- the baseline and the measures ------------------------------------------------------------------


@pytest.mark.parametrize("count", [20, 40])
def test_least_norm_among_symmetric_tensors(count):
    """Of 4 x 4 x 3 tensors the symmetric ones have 4 * 5 / 2 + 16 = 26 numbers: fewer leave a choice, more none."""
    matrices, target = normal(count, 4, 4, 3), symmetric(4, 4, 3, seed=1)
    values = np.tensordot(matrices, target, 3)
    least, projection = tubal_least_norm.estimates(matrices, values)
    np.testing.assert_allclose(np.tensordot(matrices, least, 3), values, atol=1e-11)
    np.testing.assert_allclose(least, tubal.transpose(least), atol=1e-13)
    np.testing.assert_allclose(projection, symmetric_part(np.tensordot(values, matrices, 1)), atol=1e-11)
    if count > 26:
        np.testing.assert_allclose(least, target, atol=1e-11)
        return
    assert np.linalg.norm(least) < 0.99 * np.linalg.norm(target)
    # Optimal: orthogonal to every symmetric tensor that no measurement sees.
    other = target - least
    assert np.abs(np.vdot(least, other)) < 1e-10 and np.linalg.norm(other) > 0.1


def symmetric_part(tensor):
    return (tensor + tubal.transpose(tensor)) / 2


def of_records(tensors, **more):
    axes = ("run", "record", "mode_0", "mode_1", "mode_2")
    steps = np.where(np.isnan(tensors).any((2, 3, 4)), -1, np.arange(tensors.shape[1]))
    return xr.Dataset({"end_to_end": (axes, tensors), "step": (axes[:2], steps), **more})


def test_spectrum_of_a_tensor_of_known_norm_and_tubal_rank():
    """The tubes' squared norms sum to the squared norm, and their number that are not 0 is the tubal rank."""
    factor = normal(5, 2, 4)
    tensor = tubal.product(factor, tubal.transpose(factor))
    tensors = np.stack([tensor, np.full_like(tensor, np.nan)])[None]
    found = tubal_spectrum.measure(of_records(tensors))
    assert found.tube_norm.shape == (1, 2, 5)
    assert np.sqrt((found.tube_norm[0, 0] ** 2).sum()) == pytest.approx(np.linalg.norm(tensor), rel=1e-13)
    assert ((found.tube_norm[0, 0] > 1e-12) == [True, True, False, False, False]).all()
    assert (np.diff(found.tube_norm[0, 0]) <= 0).all()
    assert found.tube_norm[0, 1].isnull().all()


def test_angles_and_errors_of_the_linear_estimates(run_settings):
    """Gradient descent from a small U(0) is the power iteration; its space turns to that of the back-projection."""
    (run,) = run_settings("tubal", problem="sensing", **{**TARGET, "target_tubal_rank": 1})
    target = targets.draw(run, np.random.default_rng(0))
    projection, rate = 5 * target + 0.3 * symmetric(4, 4, 3), 0.02
    grow = 2 * rate * projection
    grow[..., 0] += np.eye(4)
    factors = [1e-6 * normal(4, 4, 3, seed=1)]
    for _ in range(60):
        factors.append(tubal.product(grow, factors[-1]))
    tensors = np.stack([tubal.product(factor, tubal.transpose(factor)) for factor in factors])[None]
    axes = ("run", "mode_0", "mode_1", "mode_2")
    estimates = {"baseline_least_norm": 1.5 * target, "baseline_back_projection": projection}
    known = {name: (axes, tensor[None]) for name, tensor in {"target": target, **estimates}.items()}
    runs = of_records(tensors, **known)
    found = tubal_baseline.measure(runs.assign_coords(target_tubal_rank=("run", [1.0]), learning_rate=("run", [rate])))
    assert found.least_norm_error.item() == pytest.approx(0.5, rel=1e-13)
    np.testing.assert_allclose(found.power_angle, found.projection_angle, rtol=1e-6, atol=1e-9)
    assert found.projection_angle[0, 0] > 0.5 and found.projection_angle[0, -1] < 1e-2
    limit = tubal.sine(*(tubal.basis(tubal.pages(tensor), 1) for tensor in (projection, target)))
    assert found.target_angle[0, -1].item() == pytest.approx(limit, abs=1e-2)
