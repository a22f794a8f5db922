"""The minimum nuclear norm against closed forms, a conic solver and linear programming; least squares against numpy."""

import re

import cvxpy as cp
import numpy as np
import pytest
import scipy.linalg
import scipy.optimize

from greedyrank.baselines import least_squares
from greedyrank.baselines import minimum_nuclear_norm as mnn
from greedyrank.data import images
from greedyrank.errors import UserError
from greedyrank.problems import completion, image_classification, sensing

ACCURATE = 1e-6  # relative, of the conic solver's optimum; its own tolerances are 1e-8


def rows(measured, what, shape):
    """Return the A_i as rows of a matrix."""
    return np.eye(shape[0] * shape[1])[what] if measured is mnn.Entries else what


def constraints(x, sensed, values, tolerance):
    seen = sensed @ cp.vec(x, order="C")
    return [seen <= values + tolerance, seen >= values - tolerance]


def optimum(sensed, values, shape, tolerance, psd):
    """Return the least nuclear norm, by an interior-point method."""
    x = cp.Variable(shape, PSD=True) if psd else cp.Variable(shape)
    problem = cp.Problem(cp.Minimize(cp.trace(x) if psd else cp.normNuc(x)), constraints(x, sensed, values, tolerance))
    problem.solve(solver=cp.CLARABEL)
    assert problem.status == cp.OPTIMAL
    return problem.value


def low_rank(shape, rng, psd):
    left = rng.standard_normal((shape[0], 2))
    return left @ (left if psd else rng.standard_normal((shape[1], 2))).T


# Kind, shape, PSD, tolerance, standard deviation of noise.
CASES = {
    "entries": ("Entries", (8, 8), False, 1e-3, 0.0),
    "entries, wide": ("Entries", (6, 9), False, 1e-3, 0.0),
    "entries, tall": ("Entries", (9, 6), False, 1e-3, 0.0),
    "entries, noisy and loose": ("Entries", (6, 9), False, 0.3, 0.3),
    "dense": ("Dense", (8, 8), False, 1e-3, 0.0),
    "dense, wide": ("Dense", (6, 9), False, 1e-3, 0.0),
    "dense, tall": ("Dense", (9, 6), False, 1e-3, 0.0),
    "dense, noisy and loose": ("Dense", (6, 9), False, 0.3, 0.3),
    "psd entries": ("Entries", (8, 8), True, 1e-4, 0.0),
    "psd dense": ("Dense", (8, 8), True, 1e-4, 0.0),
}


def posed(name):
    """Return what `solve` takes, the tolerance, and a matrix that fits where there is no noise."""
    kind, shape, psd, tolerance, noise = CASES[name]
    rng = np.random.default_rng(5)
    measured, target, size = getattr(mnn, kind), low_rank(shape, rng, psd), shape[0] * shape[1]
    what = rng.permutation(size)[:30] if kind == "Entries" else rng.standard_normal((12 if psd else 30, size))
    values = rows(measured, what, shape) @ target.ravel()
    values += noise * rng.standard_normal(len(values))
    return (measured, what, values, shape), {"tolerance": tolerance, "psd": psd}, target


@pytest.fixture(scope="module", params=CASES)
def solved(request):
    """A problem as posed, its optimum, and what was found."""
    arguments, options, target = posed(request.param)
    sensed = rows(*arguments[:2], arguments[3])
    best = optimum(sensed, arguments[2], arguments[3], **options)
    return arguments, options, target, sensed, best, mnn.solve(*arguments, **options)


def test_same_minimum_as_a_conic_solver(solved):
    *_, best, found = solved
    assert found["upper"] - found["lower"] <= 1e-4 * found["lower"]
    assert found["lower"] <= best * (1 + ACCURATE)
    assert found["upper"] >= best * (1 - ACCURATE)
    assert found["lower"] > 0.5 * best > 0


def test_the_matrix_is_feasible_and_has_the_upper_norm(solved):
    (_, _, values, shape), options, _, sensed, _, found = solved
    assert found["matrix"].shape == shape
    assert np.abs(sensed @ found["matrix"].ravel() - values).max() <= options["tolerance"] + 1e-12
    assert np.linalg.norm(found["matrix"], "nuc") == pytest.approx(found["upper"], rel=1e-12)
    if options["psd"]:
        np.testing.assert_allclose(found["matrix"], found["matrix"].T, rtol=0, atol=1e-14)
        assert np.linalg.eigvalsh(found["matrix"])[0] >= -1e-13


def test_no_feasible_matrix_is_below_the_lower_bound(solved):
    (_, _, values, shape), options, target, sensed, _, found = solved
    rng = np.random.default_rng(1)
    if options["psd"]:
        # Feasible PSD matrices of random directions: minima of other objectives.
        others = []
        for _ in range(2):
            x, root = cp.Variable(shape, PSD=True), rng.standard_normal(shape)
            cost = cp.Minimize(cp.trace((root @ root.T) @ x))
            cp.Problem(cost, constraints(x, sensed, values, options["tolerance"])).solve(solver=cp.CLARABEL)
            others.append(x.value)
        assert all(np.abs(sensed @ x.ravel() - values).max() <= options["tolerance"] + 1e-6 for x in others)
    else:
        fit, free = np.linalg.lstsq(sensed, values, rcond=None)[0], scipy.linalg.null_space(sensed)
        nudge = np.linalg.lstsq(sensed, options["tolerance"] * rng.uniform(-1, 1, (len(values), 40)), rcond=None)[0]
        moves = free @ rng.standard_normal((free.shape[1], 40)) * np.logspace(-6, 0, 40)
        others = [x.reshape(shape) for x in (*(found["matrix"].ravel() + moves.T), *(fit[:, None] + nudge).T)]
    if (np.abs(sensed @ target.ravel() - values) <= options["tolerance"]).all():
        others.append(target)
    norms = np.array([np.linalg.norm(x, "nuc") for x in others])
    assert (norms >= found["lower"] * (1 - ACCURATE)).all()


@pytest.mark.parametrize("name", CASES)
def test_the_bounds_hold_on_the_way(name):
    """Stopped early, it says between which bounds the minimum is."""
    arguments, options, _ = posed(name)
    best = optimum(rows(*arguments[:2], arguments[3]), arguments[2], arguments[3], **options)
    widths = []
    for steps in (20, 40, 100):
        with pytest.raises(mnn.NotSolved) as error:
            mnn.solve(*arguments, **options, gap=1e-13, max_iterations=steps)
        said = re.search(rf"after {steps} iterations: between (\S+) and (\w+\.?\d*)", str(error.value))
        lower, upper = map(float, said.groups())
        assert 0 <= lower <= best * (1 + 1e-5)  # printed to six digits
        assert upper >= best * (1 - 1e-5)
        widths.append(upper - lower)
    assert widths == sorted(widths, reverse=True)


@pytest.mark.parametrize("shape", [(8, 8), (6, 9)])
def test_a_smaller_gap_can_be_asked_for(shape):
    arguments, options, _ = posed("dense" if shape == (8, 8) else "entries, wide")
    found = mnn.solve(*arguments, **options, gap=1e-7)
    best = optimum(rows(*arguments[:2], shape), arguments[2], shape, **options)
    assert found["upper"] - found["lower"] <= 1e-7 * found["lower"]
    assert found["upper"] == pytest.approx(best, rel=ACCURATE)
    assert found["iterations"] > mnn.solve(*arguments, **options)["iterations"]


# -- closed forms -----------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [2.0, -0.7])
def test_one_entry(value):
    found = mnn.solve(mnn.Entries, np.array([7]), np.array([value]), (3, 4), tolerance=0.1)
    assert found["lower"] <= (abs(value) - 0.1) * (1 + 1e-12)
    assert found["upper"] == pytest.approx(abs(value) - 0.1, rel=1e-4)
    np.testing.assert_allclose(found["matrix"].ravel()[7], value - 0.1 * np.sign(value), rtol=1e-3)


@pytest.mark.parametrize("psd", [False, True])
def test_one_dense_measurement(psd):
    """The least norm with <A, X> = y is y over the dual norm of A; with PSD X, that of its symmetric part."""
    sensed = np.random.default_rng(0).standard_normal((4, 4))
    scale = np.linalg.eigvalsh((sensed + sensed.T) / 2)[-1] if psd else np.linalg.norm(sensed, 2)
    found = mnn.solve(mnn.Dense, sensed.reshape(1, -1), np.array([3.0]), (4, 4), tolerance=1e-4, psd=psd)
    assert found["lower"] <= (3.0 - 1e-4) / scale * (1 + 1e-12)
    assert (3.0 - 1e-4) / scale * (1 - 1e-12) <= found["upper"] <= 3.0 / scale * (1 + 1e-4)


def test_all_entries_leave_only_the_matrix():
    target = low_rank((5, 6), np.random.default_rng(0), False)
    index = np.random.default_rng(1).permutation(30)
    found = mnn.solve(mnn.Entries, index, target.ravel()[index], (5, 6), tolerance=1e-6)
    np.testing.assert_allclose(found["matrix"], target, rtol=0, atol=1.001e-6)
    assert found["upper"] == pytest.approx(np.linalg.norm(target, "nuc"), rel=1e-4)


def test_enough_measurements_recover_a_low_rank_matrix():
    rng = np.random.default_rng(3)
    target = rng.standard_normal((8, 1)) @ rng.standard_normal((1, 8))
    sensed = rng.standard_normal((50, 64))
    found = mnn.solve(mnn.Dense, sensed, sensed @ target.ravel(), (8, 8), tolerance=1e-6, gap=1e-7)
    np.testing.assert_allclose(found["matrix"], target, rtol=0, atol=1e-4)


@pytest.mark.parametrize("psd", [False, True])
@pytest.mark.parametrize("kind", ["Entries", "Dense"])
def test_nothing_beyond_the_tolerance_is_the_zero_matrix(kind, psd):
    rng = np.random.default_rng(0)
    what = np.array([0, 3, 7, 10]) if kind == "Entries" else rng.standard_normal((4, 16))
    found = mnn.solve(getattr(mnn, kind), what, rng.uniform(-0.05, 0.05, 4), (4, 4), tolerance=0.1, psd=psd)
    assert found["upper"] == found["lower"] == 0
    assert not found["matrix"].any()


def test_entries_are_measurements_with_unit_matrices():
    (_, index, values, shape), options, _ = posed("entries, wide")
    one = mnn.solve(mnn.Entries, index, values, shape, **options)
    other = mnn.solve(mnn.Dense, np.eye(54)[index], values, shape, **options)
    assert max(one["lower"], other["lower"]) <= min(one["upper"], other["upper"])


@pytest.mark.parametrize("count", [2, 4, 6])
def test_commuting_psd_measurements_are_a_linear_program(run_settings, count):
    """In the common eigenvectors: least sum of x >= 0 whose inner products with the eigenvalues are within bounds."""
    (run,) = run_settings(
        "psd",
        problem="sensing",
        shape=[8, 8],
        measurements=count,
        ensemble="commuting",
        sensing_std=1.0,
        target_symmetric=True,
    )
    sensed, values = sensing.measurements(run, sensing.generate(run))
    matrices = sensed.reshape(count, 8, 8)
    vectors = np.linalg.eigh(matrices[0])[1]
    eigenvalues = np.einsum("ji,njk,ki->ni", vectors, matrices, vectors)
    tolerance = 1e-5
    program = scipy.optimize.linprog(
        np.ones(8),
        A_ub=np.concatenate([eigenvalues, -eigenvalues]),
        b_ub=np.concatenate([values + tolerance, tolerance - values]),
        method="highs",
    )
    assert program.success
    found = mnn.solve(mnn.Dense, sensed, values, (8, 8), tolerance=tolerance, psd=True)
    assert found["lower"] <= program.fun * (1 + 1e-7)
    assert found["upper"] >= program.fun * (1 - 1e-7)
    assert found["upper"] - found["lower"] <= 1e-4 * found["lower"]


# -- from the problems ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("problem", "shape", "settings"),
    [
        ("completion", [8, 8], {"observations": 40, "replacement": True}),
        ("completion", [5, 7], {"observations": 20, "noise_std": 0.05}),
        ("sensing", [5, 7], {"measurements": 18, "sensing_std": 0.3}),
    ],
)
def test_measurements_of_a_problem(run_settings, problem, shape, settings):
    (run,) = run_settings("deep_matrix", problem=problem, shape=shape, **settings)
    module, measured = (completion, mnn.Entries) if problem == "completion" else (sensing, mnn.Dense)
    data = module.generate(run)
    what, values = module.measurements(run, data)
    found = mnn.solve(measured, what, values, tuple(shape), tolerance=1e-3)
    # The constraints as the problem poses them: each value seen, in the order and as often as seen.
    if problem == "completion":
        sensed, values = np.eye(np.prod(shape))[data["entries"]], data["values"]
        sensed, values = sensed[: run["observations"]], values[: run["observations"]]
    else:
        sensed = sensing.ensemble(run)
    best = optimum(sensed, values, tuple(shape), 1e-3, psd=False)
    assert found["lower"] * (1 - ACCURATE) <= best <= found["upper"] * (1 + ACCURATE)
    assert np.abs(sensed @ found["matrix"].ravel() - values).max() <= 1e-3 + 1e-12


# -- what has no solution ---------------------------------------------------------------------------

UNIT = np.eye(16)
IMPOSSIBLE = {
    "negative diagonal entry": ("Entries", np.array([0, 5]), [-1.0, 1.0]),
    "entries that are not symmetric": ("Entries", np.array([1, 4]), [1.0, 2.0]),
    "off-diagonal beyond the diagonal": ("Entries", np.array([0, 1, 5]), [1.0, 2.0, 1.0]),
    "negative trace": ("Dense", np.eye(4).reshape(1, -1), [-1.0]),
    "a square of negative length": ("Dense", np.stack([UNIT[0], UNIT[0] + 1e-3 * UNIT[5]]), [1.0, 0.9]),
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_no_positive_semidefinite_matrix_fits(name):
    kind, what, values = IMPOSSIBLE[name]
    with pytest.raises(mnn.NotSolved, match="after 200 iterations: .*no matrix was found that fits"):
        mnn.solve(getattr(mnn, kind), what, np.array(values), (4, 4), tolerance=1e-3, psd=True, max_iterations=200)


@pytest.mark.parametrize("count", [65, 70, 200])
def test_more_contradicting_measurements_than_entries(count):
    rng = np.random.default_rng(0)
    with pytest.raises(mnn.NotSolved, match="contradict each other"):
        mnn.solve(
            mnn.Dense,
            rng.standard_normal((count, 64)),
            rng.standard_normal(count),
            (8, 8),
            tolerance=1e-2,
            max_iterations=200,
        )


@pytest.mark.parametrize("seed", range(12))
def test_dependent_measurements_that_contradict(seed):
    rng = np.random.default_rng(seed)
    sensed = rng.standard_normal((3, 4))
    sensed = np.vstack([sensed, sensed.sum(0)])
    with pytest.raises(mnn.NotSolved, match="contradict each other"):
        mnn.solve(mnn.Dense, sensed, rng.standard_normal(4), (2, 2), tolerance=1e-3, max_iterations=200)


def test_dependent_measurements_that_agree():
    rng = np.random.default_rng(0)
    sensed = rng.standard_normal((70, 64))
    target = np.outer(rng.standard_normal(8), rng.standard_normal(8))
    found = mnn.solve(mnn.Dense, sensed, sensed @ target.ravel(), (8, 8), tolerance=1e-2, gap=1e-3)
    assert np.abs(sensed @ (found["matrix"] - target).ravel()).max() <= 1e-2


def test_more_commuting_measurements_than_rows(run_settings):
    (run,) = run_settings(
        "psd",
        problem="sensing",
        shape=[8, 8],
        measurements=12,
        ensemble="commuting",
        sensing_std=1.0,
        target_symmetric=True,
    )
    sensed, values = sensing.measurements(run, sensing.generate(run))
    mnn.solve(mnn.Dense, sensed, values, (8, 8), tolerance=1e-4, psd=True)


@pytest.mark.parametrize("psd_tol", [1e-3, 1e-2, 1e-1])
def test_psd_with_a_tolerance_that_matters(psd_tol):
    sensed = np.random.default_rng(0).standard_normal((4, 4))
    norm = np.linalg.eigvalsh((sensed + sensed.T) / 2)[-1]
    found = mnn.solve(
        mnn.Dense, sensed.reshape(1, -1), np.array([3.0]), (4, 4), tolerance=psd_tol, psd=True, max_iterations=2000
    )
    assert found["upper"] == pytest.approx((3 - psd_tol) / norm, rel=1e-4)


def test_not_solved_is_explained():
    """One line for whoever runs the pipeline, in place of a traceback."""
    assert issubclass(mnn.NotSolved, UserError)


# -- least squares ----------------------------------------------------------------------------------


def linear(bits, positive):
    """Return numpy's minimum-norm weights of the centred pixels, and the intercepts, labels as columns."""
    pixels = np.unpackbits(bits, axis=1).astype(float)
    weights = np.linalg.lstsq(pixels - pixels.mean(0), positive - positive.mean(0), rcond=1e-10)[0]
    return weights, positive.mean(0) - pixels.mean(0) @ weights


def pictured(count, seed=3):
    """Return packed images whose pixels are dependent: copies, opposites, and some that never vary."""
    pixels = np.random.default_rng(seed).integers(0, 2, (count, 784))
    pixels[:, :9], pixels[:, 9:12], pixels[:, 12:20] = 0, 1, pixels[:, 20:28]
    pixels[:, 30:40] = 1 - pixels[:, 40:50]
    return np.packbits(pixels.astype(np.uint8), axis=1)


@pytest.mark.parametrize("count", [300, 1500], ids=["fewer images than pixels", "more images than pixels"])
def test_least_squares_is_numpy_s(monkeypatch, count):
    monkeypatch.setattr(least_squares, "BLOCK", 211)
    bits = pictured(count)
    labels = np.random.default_rng(4).integers(0, 3, count)
    positive = labels[:, None] == np.arange(3)
    weights, intercepts = least_squares.fit(bits, positive)
    expected, theirs = linear(bits, positive)
    np.testing.assert_allclose(weights, expected, atol=1e-10)
    np.testing.assert_allclose(intercepts, theirs, atol=1e-10)
    np.testing.assert_array_equal(weights[:12].round(12), 0)
    np.testing.assert_allclose(weights[12:20], weights[20:28], atol=1e-12)


def test_images_that_never_vary_leave_the_mean():
    bits = np.repeat(pictured(1), 8, axis=0)
    weights, intercepts = least_squares.fit(bits, np.arange(8)[:, None] < 3)
    np.testing.assert_array_equal(weights, 0)
    assert intercepts.tolist() == [3 / 8]


def test_least_squares_of_a_sweep(monkeypatch, run_settings):
    """Errors and accuracies of two sets of images, their views mixed, one with nine labels alone."""
    sizes, rng = {"train": 900, "test": 250}, np.random.default_rng(6)
    drawn = {
        name: {
            part: (
                np.unpackbits(pictured(size, seed + size), axis=1).reshape(size, 28, 28) * np.uint8(255),
                rng.integers(0, 10, size, dtype=np.uint8),
            )
            for part, size in sizes.items()
        }
        for seed, name in enumerate(("mnist", "fashion_mnist"))
    }
    monkeypatch.setattr(images, "load", lambda data_dir, dataset: drawn[dataset])
    axes = {"label": [4, 1, 2, 3, 0, 5, 6, 7, 8, 9], "labels": ["original", "random"]}
    runs = [
        run
        for name in ("mnist", "fashion_mnist")
        for run in run_settings("binary_cp", "adam", axes=axes, dataset=name, train_size=870, test_size=240)
    ]
    runs = [run for run in runs if (run["dataset"], run["labels"], run["label"]) != ("mnist", "random", 7)]
    names = ("dataset", "images", "labels", "label", "train_size", "test_size", "data_seed")
    views = [{name: run[name] for name in names} for run in runs]
    rng.shuffle(views)
    found = least_squares.compute(
        "image_classification", "binary_cp", views, lambda view: image_classification.generate(view, "nowhere")
    )

    for name in ("mnist", "fashion_mnist"):
        for labels in ("original", "random"):
            here = [i for i, view in enumerate(views) if (view["dataset"], view["labels"]) == (name, labels)]
            here.sort(key=lambda i: views[i]["label"])
            arrays = image_classification.generate(views[here[0]], "nowhere")
            classes = {part: arrays[f"{part}_{'permuted' if labels == 'random' else 'labels'}"] for part in sizes}
            wanted = {
                part: classes[part][: views[0][f"{part}_size"], None] == [views[i]["label"] for i in here]
                for part in sizes
            }
            weights, intercepts = linear(arrays["train_bits"][:870], wanted["train"])
            predicted = {
                part: np.unpackbits(arrays[f"{part}_bits"][: views[0][f"{part}_size"]], axis=1) @ weights + intercepts
                for part in sizes
            }
            squares = {part: (predicted[part] - wanted[part]) ** 2 for part in sizes}
            assert (squares["test"] > 1).any()
            np.testing.assert_allclose(found["train_error"][here], squares["train"].mean(0), rtol=1e-8)
            np.testing.assert_allclose(found["test_error"][here], np.minimum(squares["test"], 1).mean(0), rtol=1e-8)
            nearer = np.abs(predicted["test"] - wanted["test"]) < np.abs(predicted["test"] - ~wanted["test"])
            np.testing.assert_allclose(found["test_accuracy"][here], nearer.mean(0), rtol=1e-12)
            if len(here) == 9:
                assert np.isnan(found["test_class_accuracy"][here]).all()
            else:
                share = np.mean(predicted["test"].argmax(1) == classes["test"][:240])
                np.testing.assert_allclose(found["test_class_accuracy"][here], share, rtol=1e-12)
