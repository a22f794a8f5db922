"""Targets, completion, sensing and image classification: their data, losses, gradients and errors."""

import itertools

import numpy as np
import pytest
import torch

from greedyrank.data import images, targets
from greedyrank.errors import UserError
from greedyrank.factorizations import psd
from greedyrank.problems import completion, huber_completion, image_classification, sensing
from greedyrank.training.stepper import TorchStepper

# -- targets ----------------------------------------------------------------------------------------

KINDS = {
    "rank": {"target_rank": 3, "target_norm": 2.5},
    "symmetric": {"target_rank": 3, "target_norm": 2.5, "target_symmetric": True},
    "spectrum": {"target_rank": None, "target_norm": None, "target_spectrum": [-3.0, 2.0, 0.5]},
    "decay": {"target_rank": None, "target_norm": 2.5, "target_decay": 1.5},
    "multilinear rank": {"target_rank": None, "target_norm": 2.5, "target_multilinear_rank": [3, 3]},
    "widths": {"target_rank": None, "target_norm": 2.5, "target_widths": [3]},
    "root least": {"target_rank": None, "target_norm": 2.5, "target_widths": [3], "target_root_least": 0.4},
    "root spectrum": {
        "target_rank": None,
        "target_norm": 2.5,
        "target_widths": [3],
        "target_root_spectrum": [3.0, 2.0, 1.0],
    },
}
SYMMETRIC = ("symmetric", "spectrum", "decay")


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def seen(run_settings):
    """Give the settings and the data of one completion: ``seen(kind, **overrides)``."""

    def make(kind="rank", factorization="deep_matrix", **overrides):
        (run,) = run_settings(factorization, **{"shape": [7, 7], "observations": 20, **KINDS[kind], **overrides})
        return run, completion.generate(run)

    return make


def test_rank_target_of_a_rectangle(seen):
    for shape, rank in (([4, 7], 2), ([7, 4], 4)):
        target = seen("rank", shape=shape, target_rank=rank)[1]["target"]
        values = np.linalg.svd(target, compute_uv=False)
        assert target.shape == tuple(shape)
        assert np.sqrt((values**2).sum()) == pytest.approx(2.5, rel=1e-12)
        assert (values[:rank] > 1e-3).all() and (values[rank:] < 1e-14).all()


def test_symmetric_noise_has_one_standard_deviation():
    settings = {"noise_std": 0.3, "target_symmetric": True, "target_rank": 1}
    drawn = np.array([np.diagonal(targets.noise([7, 7], settings, np.random.default_rng(s))) for s in range(300)])
    assert abs(drawn.std() - 0.3) < 5 * 0.3 / np.sqrt(2 * drawn.size)


def test_rank_target_is_not_symmetric(seen):
    target = seen("rank")[1]["target"]
    assert np.abs(target - target.T).max() > 0.1


def test_symmetric_target_is_positive_semidefinite(seen):
    target = seen("symmetric")[1]["target"]
    np.testing.assert_allclose(target, target.T, rtol=0, atol=1e-15)
    values = np.linalg.eigvalsh(target)
    assert np.sqrt((values**2).sum()) == pytest.approx(2.5, rel=1e-12)
    assert (values[-3:] > 1e-3).all()
    np.testing.assert_allclose(values[:4], 0, atol=1e-14)


def test_target_has_its_spectrum(seen):
    target = seen("spectrum")[1]["target"]
    np.testing.assert_allclose(target, target.T, rtol=0, atol=1e-15)
    np.testing.assert_allclose(np.linalg.eigvalsh(target), [-3, 0, 0, 0, 0, 0.5, 2], atol=1e-14)
    whole = seen("spectrum", target_spectrum=[7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0])[1]["target"]
    np.testing.assert_allclose(np.linalg.eigvalsh(whole), range(1, 8), rtol=1e-13)
    assert np.abs(whole - np.diag(np.diagonal(whole))).max() > 0.1  # random eigenvectors


@pytest.mark.parametrize("power", [0.5, 1, 3.0])
def test_target_s_eigenvalues_decay(seen, power):
    target = seen("decay", target_decay=power)[1]["target"]
    values = np.linalg.eigvalsh(target)[::-1]
    assert np.linalg.norm(target) == pytest.approx(2.5, rel=1e-12)
    slopes = np.log(values[1:] / values[0]) / np.log(np.arange(2, 8))
    np.testing.assert_allclose(slopes, -power, rtol=1e-10)


def unfolding_rank(target, modes):
    """Return the rank of a tensor as a matrix of some modes by all others."""
    modes = [modes] if isinstance(modes, int) else modes
    rows = int(np.prod([target.shape[mode] for mode in modes]))
    values = np.linalg.svd(np.moveaxis(target, modes, range(len(modes))).reshape(rows, -1), compute_uv=False)
    return int((values > 1e-10 * values[0]).sum())


@pytest.mark.parametrize(
    ("shape", "ranks"),
    [([7, 5], [2, 2]), ([6, 7, 5], [2, 3, 4]), ([4, 4, 4], [4, 4, 4]), ([5, 4, 3, 6], [2, 1, 3, 4])],
)
def test_target_has_its_multilinear_rank(seen, shape, ranks):
    settings = {"target_rank": None, "target_multilinear_rank": ranks, "target_norm": 7.5, "factorization": "tucker"}
    target = seen(shape=shape, **settings)[1]["target"]
    assert target.shape == tuple(shape)
    assert np.linalg.norm(target) == pytest.approx(7.5, rel=1e-12)
    assert [unfolding_rank(target, mode) for mode in range(len(shape))] == ranks


def test_multilinear_target_has_the_singular_values_of_its_core(seen):
    """The core is drawn first; its orthonormal factors keep its singular values, up to the norm."""
    run, _ = seen(shape=[9, 8, 7], target_rank=None, target_multilinear_rank=[3, 2, 2], factorization="tucker")
    target = targets.draw(run, np.random.default_rng(4))
    core = np.random.default_rng(4).standard_normal((3, 2, 2))
    for mode in range(3):
        values, expected = (
            np.linalg.svd(np.moveaxis(tensor, mode, 0).reshape(tensor.shape[mode], -1), compute_uv=False)
            for tensor in (target, core)
        )
        expected *= 2.5 / np.linalg.norm(core)
        np.testing.assert_allclose(values[: len(expected)], expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("shape", "widths"),
    [([6, 5], [3]), ([4, 5, 4, 3], [3, 3]), ([4, 5, 4, 3], [3, 2]), ([3] * 8, [3, 3, 2]), ([2] * 8, [3, 2, 2])],
)
@pytest.mark.parametrize("spectrum", [False, True])
def test_hierarchical_target_has_the_ranks_of_its_tree(seen, shape, widths, spectrum):
    """The rank of each node's modes against the rest is the width of its level, or what limits it."""
    singular = [1.0, 4.0, 2.0][: widths[-1]] if spectrum else None
    target = seen(
        shape=shape, target_rank=None, target_widths=widths, target_root_spectrum=singular, target_norm=7.5,
        factorization="tucker",
    )[1]["target"]  # fmt: skip
    assert target.shape == tuple(shape)
    assert np.linalg.norm(target) == pytest.approx(7.5, rel=1e-12)
    ranks = [min(length, widths[0]) for length in shape]
    for level in range(len(widths)):
        nodes = np.arange(len(shape)).reshape(-1, 2**level)
        assert [unfolding_rank(target, node.tolist()) for node in nodes] == ranks
        if level + 1 < len(widths):
            # A node's matrix is (rows, width below) times (width below, width).
            both = min(widths[level : level + 2])
            ranks = [min(left * right, both) for left, right in zip(ranks[::2], ranks[1::2], strict=True)]
    if len(shape) == 4:  # two modes that the tree does not join
        assert unfolding_rank(target, [0, 2]) > max(widths)


def test_hierarchical_target_has_its_root_spectrum(seen):
    for shape, widths, spectrum in (([4, 5, 4, 3], [4, 4], [9.0, 2.0, 0.5, 0.1]), ([6, 5], [2], [1.0, 3.0])):
        target = seen(
            shape=shape, target_rank=None, target_widths=widths, target_root_spectrum=spectrum, factorization="tucker"
        )[1]["target"]
        rows = np.prod(shape[: len(shape) // 2])
        values = np.linalg.svd(target.reshape(rows, -1), compute_uv=False)
        expected = 2.5 * np.sort(spectrum)[::-1] / np.linalg.norm(spectrum)
        np.testing.assert_allclose(values[: len(spectrum)], expected, rtol=1e-12)
        np.testing.assert_allclose(values[len(spectrum) :], 0, atol=1e-13)


def test_hierarchical_target_is_one_of_the_factorization(run_settings):
    """Drawn leaf by leaf, then the weights level by level, then the root: the oracle is one einsum."""
    settings = {"target_rank": None, "target_widths": [2, 3], "target_norm": 2.5}
    (run,) = run_settings("hierarchical", shape=[3, 4, 2, 5], **settings)
    rng = np.random.default_rng([run["data_seed"], 0])
    leaves = [rng.standard_normal((length, 2)) for length in (3, 4, 2, 5)]
    left, right, root = rng.standard_normal((2, 3)), rng.standard_normal((2, 3)), rng.standard_normal(3)
    expected = np.einsum("ai,bi,cj,dj,ip,jp,p->abcd", *leaves, left, right, root)
    found = completion.generate(run)["target"]
    np.testing.assert_allclose(found, 2.5 * expected / np.linalg.norm(expected), rtol=1e-12, atol=1e-14)


def test_hierarchical_target_is_drawn_again_until_its_root_values_are_large(run_settings):
    """The oracle draws by the formula of a hierarchical tensor, from the same generator, and takes the first such."""
    settings = {"target_rank": None, "target_widths": [3, 3], "target_norm": 2.5, "target_root_least": 0.3}
    (run,) = run_settings("hierarchical", shape=[3, 4, 2, 5], data_seed=2, **settings)
    rng, tried, least = np.random.default_rng([2, 0]), 0, 0.0
    while least <= 0.3:
        leaves = [rng.standard_normal((length, 3)) for length in (3, 4, 2, 5)]
        left, right, root = rng.standard_normal((3, 3)), rng.standard_normal((3, 3)), rng.standard_normal(3)
        expected = np.einsum("ai,bi,cj,dj,ip,jp,p->abcd", *leaves, left, right, root)
        expected *= 2.5 / np.linalg.norm(expected)
        tried, least = tried + 1, np.linalg.svd(expected.reshape(12, 10), compute_uv=False)[2]
    assert tried > 1  # or nothing is drawn again
    np.testing.assert_allclose(completion.generate(run)["target"], expected, rtol=1e-12, atol=1e-14)


def test_a_target_that_is_never_drawn_is_an_error(run_settings, monkeypatch):
    monkeypatch.setattr(targets, "MOST_DRAWS", 3)
    settings = {"target_rank": None, "target_widths": [3, 3], "target_norm": 2.5, "target_root_least": 1.4}
    (run,) = run_settings("hierarchical", shape=[3, 4, 3, 5], **settings)
    with pytest.raises(UserError, match=r"target_root_least is 1.4: not one of 3 .* lower it"):
        completion.generate(run)


def test_orthogonal_is_haar():
    drawn = np.stack([targets.orthogonal(4, np.random.default_rng(seed)) for seed in range(2000)])
    np.testing.assert_allclose(drawn.mT @ drawn, np.broadcast_to(np.eye(4), drawn.shape), rtol=0, atol=1e-13)
    # Moments of an entry of a Haar orthogonal matrix of size n: 0, 1/n, 3/(n (n + 2)); det is +1 or -1 alike.
    for power, expected in ((1, 0.0), (2, 1 / 4), (4, 3 / 24)):
        moments = drawn**power
        error = moments.std(0) / np.sqrt(len(drawn))
        assert (np.abs(moments.mean(0) - expected) < 5 * error).all()
    assert abs(np.linalg.det(drawn).mean()) < 5 / np.sqrt(len(drawn))


def test_target_follows_its_seed_alone(seen, kind):
    _, data = seen(kind)
    _, again = seen(kind, observations=5, noise_std=0.3, replacement=True, seed=4, depth=3, loss="half_sum")
    np.testing.assert_array_equal(data["target"], again["target"])
    other = seen(kind, data_seed=1)[1]["target"]
    assert np.abs(other - data["target"]).max() > 0.01


def added(run, data):
    """Return the noise of every entry, in full shape."""
    noise = np.full(data["target"].size, np.nan)
    noise[data["entries"]] = data["values"] - data["target"].ravel()[data["entries"]]
    return noise.reshape(data["target"].shape)


def test_noise_is_symmetric_where_the_target_is(seen, kind):
    noise = added(*seen(kind, noise_std=0.3))
    assert np.abs(noise).min() > 0
    if kind not in SYMMETRIC:
        assert np.abs(noise - noise.T).max() > 0.1
    else:
        np.testing.assert_allclose(noise, noise.T, rtol=0, atol=1e-14)


def test_noise_has_its_standard_deviation(seen, kind):
    above = np.triu_indices(7, 1)
    run, _ = seen(kind, noise_std=0.3)
    entries = np.array([added(run, completion.generate({**run, "data_seed": seed}))[above] for seed in range(300)])
    assert abs(entries.mean()) < 5 * 0.3 / np.sqrt(entries.size)
    assert abs(entries.std() - 0.3) < 5 * 0.3 / np.sqrt(2 * entries.size)


def test_noise_moves_nothing_else(seen, kind):
    (_, plain), (_, noisy), (_, louder) = seen(kind), seen(kind, noise_std=0.1), seen(kind, noise_std=0.2)
    for name in ("entries", "target"):
        np.testing.assert_array_equal(plain[name], noisy[name])
    np.testing.assert_array_equal(plain["values"], plain["target"].ravel()[plain["entries"]])
    np.testing.assert_allclose(louder["values"] - plain["values"], 2 * (noisy["values"] - plain["values"]), atol=1e-14)


def test_relative_errors():
    target, other = np.array([[3.0, 0.0], [0.0, 4.0]]), np.ones((2, 2))
    found = np.stack([target + other, 3 * other]).astype(np.float32)
    errors = targets.relative_errors(found, [{"target": target}, {"target": other}])["relative_error"]
    np.testing.assert_allclose(errors, [2 / 5, 2.0], rtol=1e-15)
    assert errors.dtype == np.float64
    assert targets.relative_errors(found, [{"target": target}, {}]) == {}


# -- completion: data -------------------------------------------------------------------------------


@pytest.mark.parametrize(("shape", "rank"), [([6, 6], 2), ([5, 4, 6], 3), ([4, 5, 4, 3], 2), ([3, 2, 3, 2, 3], 1)])
def test_target_has_its_norm_and_rank(run_settings, shape, rank):
    (run,) = run_settings("cp", "gd", shape=shape, target_rank=rank, target_norm=7.5)
    target = completion.generate(run)["target"]
    assert target.shape == tuple(shape)
    assert np.linalg.norm(target) == pytest.approx(7.5, rel=1e-12)
    for mode in range(len(shape)):
        unfolding = np.moveaxis(target, mode, 0).reshape(shape[mode], -1)
        assert np.linalg.matrix_rank(unfolding, tol=1e-10 * 7.5) == min(rank, *unfolding.shape)


def test_entries_are_all_entries_once(run_settings):
    (run,) = run_settings("cp", "gd", shape=[3, 4, 5], observations=10)
    data = completion.generate(run)
    assert sorted(data["entries"]) == list(range(60))
    assert list(data["entries"]) != list(range(60))
    np.testing.assert_array_equal(data["values"], data["target"].ravel()[data["entries"]])


def test_observed_sets_are_nested(run_settings):
    runs = run_settings("cp", "gd", shape=[3, 4, 5], axes={"observations": [4, 20, 60]})
    masks, values = [], []
    for run in runs:
        data = completion.generate(run)
        value, mask = completion.observed(run, data)
        assert mask.shape == value.shape == (3, 4, 5)
        np.testing.assert_array_equal(value, data["target"] * mask)
        masks.append(mask)
        values.append(value)
    assert [mask.sum() for mask in masks] == [4, 20, 60]
    assert (masks[0] <= masks[1]).all()
    np.testing.assert_array_equal(values[0], values[2] * masks[0])


FRACTIONS = [
    ([25, 25, 25], 0.7, 10938),  # 4687 held out: 30 % rounded down (Hariz et al. 2024)
    ([10, 10, 10], 0.8, 800),  # 1 - 0.8 is below 0.2 in binary
    ([10, 1], 0.9, 9),
    ([10, 10], 0.55, 55),
    ([4, 4], 0.7, 12),
    ([4, 4], 1, 16),
    ([4, 4], 1.0e-9, 1),
]


@pytest.mark.parametrize(("shape", "fraction", "number"), FRACTIONS)
def test_a_fraction_is_that_number_of_entries(run_settings, place, shape, fraction, number):
    settings = {"shape": shape, "target_rank": 1}
    (run,) = run_settings("cp", observations=None, observed_fraction=fraction, **settings)
    (counted,) = run_settings("cp", observations=number, **settings)
    data = completion.generate(run)
    assert completion.seen(run) == slice(number)
    assert completion.loss_weight(run, data) == completion.loss_weight(counted, data) == 1 / number
    for ours, theirs in zip(
        (*completion.observed(run, data), *completion.measurements(run, data)),
        (*completion.observed(counted, data), *completion.measurements(counted, data)),
        strict=True,
    ):
        np.testing.assert_array_equal(ours, theirs)
    w = torch.randn(1, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    ours, theirs = (completion.Problem([one], [data], place) for one in (run, counted))
    assert ours.counts.sum() == number
    assert torch.equal(ours.loss_gradient(w), theirs.loss_gradient(w))
    assert torch.equal(ours.losses(), theirs.losses())


@pytest.mark.parametrize("replacement", [False, True])
def test_fractions_are_nested(run_settings, replacement):
    settings = {"shape": [3, 4, 5], "observations": None, "replacement": replacement}
    runs = run_settings("cp", axes={"observed_fraction": [0.05, 0.31, 0.7, 1.0]}, **settings)
    counts = [completion.context(run, completion.generate(run))["observed_mask"] for run in runs]
    assert [count.sum() for count in counts] == [3, 19, 42, 60]  # of 41.4 held out, 41 are
    for smaller, larger in itertools.pairwise(counts):
        assert (smaller <= larger).all()


def test_data_follow_their_seed_alone(run_settings):
    (run,) = run_settings("cp", "gd")
    first, again = completion.generate(run), completion.generate({**run, "seed": 5, "observations": 3})
    other = completion.generate({**run, "data_seed": 1})
    assert set(first) == {"entries", "values", "target"}
    for name in first:
        np.testing.assert_array_equal(first[name], again[name])
        assert (first[name] != other[name]).any()


def test_entries_by_hand(run_settings):
    (run,) = run_settings("deep_matrix", shape=[2, 2], observed=[[0, 1, 1.0], [1, 0, -2.0], [1, 1, 0.0]])
    values, mask = completion.observed(run, completion.generate(run))
    np.testing.assert_array_equal(values, [[0, 1], [-2, 0]])
    np.testing.assert_array_equal(mask, [[0, 1], [1, 1]])


def test_sets_drawn_with_replacement_are_nested(run_settings):
    runs = run_settings("cp", shape=[3, 4, 5], replacement=True, axes={"observations": [4, 30, 60]})
    entries = [completion.generate(run)["entries"] for run in runs]
    np.testing.assert_array_equal(entries[0], entries[2])
    counts = []
    for run in runs:
        data = completion.generate(run)
        values, count = completion.observed(run, data)
        seen = data["entries"][: run["observations"]].tolist()
        assert count.ravel().tolist() == [seen.count(entry) for entry in range(60)]
        np.testing.assert_array_equal(values, data["target"] * (count > 0))
        counts.append(count)
    assert [count.sum() for count in counts] == [4, 30, 60]
    assert (counts[0] <= counts[1]).all() and (counts[1] <= counts[2]).all()
    assert counts[2].max() > 1 and counts[2].min() == 0


def test_entries_drawn_with_replacement_are_uniform(run_settings):
    (run,) = run_settings("cp", replacement=True)
    drawn = np.concatenate([completion.generate({**run, "data_seed": seed})["entries"] for seed in range(500)])
    assert drawn.size == 500 * 24
    expected = drawn.size / 24
    assert np.abs(np.bincount(drawn, minlength=24) - expected).max() < 5 * np.sqrt(expected)


@pytest.mark.parametrize("replacement", [False, True])
def test_measurements_are_the_distinct_entries(run_settings, replacement):
    (run,) = run_settings("deep_matrix", observations=12, replacement=replacement, noise_std=0.1)
    data = completion.generate(run)
    entries, values = completion.measurements(run, data)
    assert sorted(entries) == sorted(set(data["entries"][:12].tolist()))
    assert (len(entries) == 12) is not replacement
    known = dict(zip(data["entries"].tolist(), data["values"], strict=True))
    assert [known[entry] for entry in entries.tolist()] == values.tolist()


def test_measurements_by_hand(run_settings):
    (run,) = run_settings("deep_matrix", shape=[2, 3], observed=[[1, 0, -2.0], [0, 1, 1.5]])
    entries, values = completion.measurements(run, completion.generate(run))
    assert dict(zip(entries.tolist(), values.tolist(), strict=True)) == {3: -2.0, 1: 1.5}


@pytest.mark.parametrize("replacement", [False, True])
def test_context_of_completion(run_settings, replacement):
    (run,) = run_settings("deep_matrix", shape=[4, 5], observations=14, replacement=replacement)
    data = completion.generate(run)
    found = completion.context(run, data)
    assert set(found) == {"observed_values", "observed_mask", "target"}
    np.testing.assert_array_equal(found["target"], data["target"])
    seen = data["entries"][:14].tolist()
    np.testing.assert_array_equal(found["observed_mask"].ravel(), [seen.count(entry) for entry in range(20)])
    np.testing.assert_array_equal(found["observed_values"], data["target"] * (found["observed_mask"] > 0))


def test_context_of_entries_by_hand_has_no_target(run_settings):
    (run,) = run_settings("deep_matrix", shape=[2, 2], observed=[[0, 1, 1.0], [1, 0, -2.0]])
    found = completion.context(run, completion.generate(run))
    assert {name: array.tolist() for name, array in found.items()} == {
        "observed_values": [[0, 1], [-2, 0]],
        "observed_mask": [[0, 1], [1, 0]],
    }


# -- completion: loss -------------------------------------------------------------------------------


@pytest.fixture(params=["mean", "half_sum"])
def completing(request, run_settings, place):
    """A problem of four runs with different data and numbers of observations, and some W."""
    cases = [
        {"data_seed": 0, "observations": 5},
        {"data_seed": 1, "observations": 5},
        {"data_seed": 1, "observations": 24},
        {"data_seed": 2, "observations": 20, "replacement": True, "noise_std": 0.1},
    ]
    runs = run_settings("cp", "gd", loss=request.param, cases=cases)
    data = [completion.generate(run) for run in runs]
    w = torch.randn(4, 3, 4, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    return runs, data, completion.Problem(runs, data, place), w


def plain_losses(runs, data, w):
    """Return the loss of each run, entry by entry."""
    losses = []
    for run, arrays, tensor in zip(runs, data, w, strict=True):
        seen = arrays["entries"][: run["observations"]]
        squares = (tensor.ravel()[torch.as_tensor(seen)] - torch.as_tensor(arrays["values"][: len(seen)])) ** 2
        losses.append(squares.mean() if run["loss"] == "mean" else squares.sum() / 2)
    return torch.stack(losses)


def test_loss_and_gradient(completing, relative):
    runs, data, problem, w = completing
    assert problem.counts[3].max() > 1  # or nothing counts twice
    leaf = w.clone().requires_grad_()
    expected = plain_losses(runs, data, leaf)
    expected.sum().backward()
    assert relative(problem.loss_gradient(w), leaf.grad) <= 1e-12
    assert relative(problem.losses(), expected.detach()) <= 1e-12


HUBER = {"loss": "huber", "huber_threshold": 0.4}


def smooth_l1(predicted, values):
    """Return torch's smooth l1 loss of the threshold above, checking that some residuals lie on either side."""
    sizes = (predicted - values).abs()
    assert sizes.min() < 0.4 < sizes.max()
    return torch.nn.SmoothL1Loss(beta=0.4)(predicted, values)


def test_huber_loss_and_gradient(run_settings, place, relative):
    cases = [
        {"data_seed": 0, "observations": 5},
        {"data_seed": 1, "observations": 24},
        {"data_seed": 2, "observations": 20, "replacement": True, "noise_std": 0.1},
    ]
    runs = run_settings("cp", cases=cases, **HUBER)
    data = [completion.generate(run) for run in runs]
    problem = completion.Problem(runs, data, place)
    assert problem.counts[2].max() > 1  # or nothing counts twice
    w = torch.randn(3, 3, 4, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    leaf, losses = w.clone().requires_grad_(), []
    for run, arrays, tensor in zip(runs, data, leaf, strict=True):
        part = slice(run["observations"])
        losses.append(
            smooth_l1(tensor.ravel()[torch.as_tensor(arrays["entries"][part])], torch.as_tensor(arrays["values"][part]))
        )
    torch.stack(losses).sum().backward()
    assert relative(problem.loss_gradient(w), leaf.grad) <= 1e-12
    assert relative(problem.losses(), torch.stack(losses).detach()) <= 1e-12


def test_huber_completion_trains_on_huber_and_is_stopped_by_squares(run_settings, place, relative):
    cases = [
        {"data_seed": 0, "observations": 5},
        {"data_seed": 1, "observations": 24},
        {"data_seed": 2, "observations": 20, "replacement": True, "noise_std": 0.1},
    ]
    runs = run_settings("cp", problem="huber_completion", cases=cases, **HUBER)
    data = [huber_completion.generate(run) for run in runs]
    problem, trained = (module.Problem(runs, data, place) for module in (huber_completion, completion))
    assert problem.counts[2].max() > 1  # or nothing counts twice
    w = torch.randn(3, 3, 4, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert torch.equal(problem.loss_gradient(w), trained.loss_gradient(w))
    squares = plain_losses([{**run, "loss": "mean"} for run in runs], data, w)
    assert relative(problem.losses(), squares) <= 1e-12
    assert (problem.losses() != trained.losses()).all()


def test_huber_loss_is_squares_below_its_threshold(completing, run_settings, place, relative):
    """And above it the slopes are all alike."""
    runs, data, problem, w = completing
    wide, narrow = (
        completion.Problem([{**run, "loss": "huber", "huber_threshold": threshold} for run in runs], data, place)
        for threshold in (1e3, 1e-9)
    )
    seen = problem.counts.sum((1, 2, 3))
    scale = seen / 2 if runs[0]["loss"] == "half_sum" else torch.ones(4, dtype=torch.float64)
    # z^2 / (2 threshold), in place of z^2, or of z^2 / 2 unless divided by how many are seen.
    expected = problem.loss_gradient(w) / (2000 * scale).reshape(-1, 1, 1, 1)
    assert relative(wide.loss_gradient(w), expected) <= 1e-12
    assert relative(wide.losses(), problem.losses() / (2000 * scale)) <= 1e-12
    slopes = narrow.loss_gradient(w) * seen.reshape(-1, 1, 1, 1)
    assert relative(slopes, problem.counts * (w - problem.values).sign()) <= 1e-12


def test_relative_error_is_over_all_entries_and_unsquared(completing):
    _, data, problem, w = completing
    found = problem.observables(None, w)["relative_error"]
    for run in range(4):
        target = data[run]["target"]
        assert found[run] == pytest.approx(np.linalg.norm(w[run].numpy() - target) / np.linalg.norm(target), rel=1e-12)
    perfect = torch.from_numpy(np.stack([arrays["target"] for arrays in data]))
    np.testing.assert_allclose(problem.observables(None, perfect)["relative_error"], 0, atol=1e-15)


def test_loss_of_entries_by_hand(run_settings, place):
    (run,) = run_settings(
        "deep_matrix", shape=[2, 2], observed=[[0, 1, 1.0], [1, 0, 1.0], [1, 1, 0.0]], loss="half_sum"
    )
    problem = completion.Problem([run], [completion.generate(run)], place)
    gradient = problem.loss_gradient(place(np.array([[[100.0, 0.0], [3.0, 2.0]]])))
    np.testing.assert_allclose(gradient[0], [[0, -1], [2, 2]])
    assert problem.losses().tolist() == [(1 + 4 + 4) / 2]
    assert problem.observables(None, gradient) == {}  # no target is known


# -- sensing ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [[5, 5], [3, 6], [3, 4, 2]])
def test_gaussian_ensemble(run_settings, shape):
    (run,) = run_settings("cp", problem="sensing", shape=shape, measurements=400, sensing_std=0.3)
    drawn = sensing.ensemble(run)
    assert drawn.shape == (400, np.prod(shape))
    assert abs(drawn.mean()) < 5 * 0.3 / np.sqrt(drawn.size)
    assert abs(drawn.std() - 0.3) < 5 * 0.3 / np.sqrt(2 * drawn.size)
    # Independent: each entry of the sample correlation has the standard deviation 1/sqrt(400).
    correlation = np.corrcoef(drawn.T)
    assert np.abs(correlation - np.eye(len(correlation))).max() < 5 / np.sqrt(400)


def test_commuting_ensemble(run_settings):
    (run,) = run_settings(
        "psd", problem="sensing", shape=[6, 6], measurements=300, ensemble="commuting", sensing_std=0.3
    )
    drawn = sensing.ensemble(run).reshape(300, 6, 6)
    np.testing.assert_allclose(drawn, drawn.mT, rtol=0, atol=1e-14)
    for other in drawn[1:20]:
        np.testing.assert_allclose(drawn[0] @ other, other @ drawn[0], rtol=0, atol=1e-14)
    # In the eigenvectors of the first, all are diagonal; the eigenvalues are independent N(0, 0.3^2).
    vectors = np.linalg.eigh(drawn[0])[1]
    turned = vectors.T @ drawn @ vectors
    eigenvalues = np.diagonal(turned, axis1=1, axis2=2)
    np.testing.assert_allclose(turned, eigenvalues[:, None] * np.eye(6), rtol=0, atol=1e-13)
    assert np.abs(drawn - drawn * np.eye(6)).max() > 0.1  # the common eigenvectors are random
    assert abs(eigenvalues.mean()) < 5 * 0.3 / np.sqrt(eigenvalues.size)
    assert abs(eigenvalues.std() - 0.3) < 5 * 0.3 / np.sqrt(2 * eigenvalues.size)
    assert np.abs(np.corrcoef(eigenvalues.T) - np.eye(6)).max() < 5 / np.sqrt(300)


RANK_ONE = {"ensemble": "rank_one", "sensing_std": None}
ORDERS = [[5, 4], [3, 4, 2], [3, 2, 4, 2], [2, 3, 2, 3, 2]]


@pytest.mark.parametrize("shape", ORDERS, ids=str)
def test_rank_one_ensemble(run_settings, shape):
    (run,) = run_settings("cp", problem="sensing", shape=shape, measurements=400, **RANK_ONE)
    drawn, vectors = sensing.ensemble(run), sensing.vectors(run)
    assert [mode.shape for mode in vectors] == [(400, length) for length in shape]
    left, right = sensing.halves(run)
    middle = (len(shape) + 1) // 2
    assert left.shape == (400, np.prod(shape[:middle])) and right.shape == (400, np.prod(shape[middle:]))
    assert drawn.shape == (400, np.prod(shape))
    for i in range(0, 400, 37):
        expected = vectors[0][i]
        for mode in vectors[1:]:
            expected = np.multiply.outer(expected, mode[i])
        np.testing.assert_allclose(drawn[i].reshape(shape), expected, rtol=1e-12, atol=1e-16)
        np.testing.assert_allclose(np.outer(left[i], right[i]).ravel(), drawn[i], rtol=1e-12, atol=1e-16)
    np.testing.assert_allclose(np.linalg.norm(drawn, axis=1), 1, rtol=1e-13)
    for mode in vectors:
        np.testing.assert_allclose(np.linalg.norm(mode, axis=1), 1, rtol=1e-13)
        # Uniform on the sphere of so many dimensions: an entry has mean 0 and mean square 1 / length.
        for power, expected in ((1, 0.0), (2, 1 / mode.shape[1])):
            moments = mode**power
            assert (np.abs(moments.mean(0) - expected) < 5 * moments.std(0) / np.sqrt(400)).all()
    # Modes are drawn independently: the first entries of two are not correlated.
    correlation = np.corrcoef([mode[:, 0] for mode in vectors])
    assert np.abs(correlation - np.eye(len(shape))).max() < 5 / np.sqrt(400)


ENSEMBLES = {"gaussian": {}, "commuting": {"ensemble": "commuting"}, "rank_one": RANK_ONE}


@pytest.mark.parametrize("ensemble", ENSEMBLES)
def test_ensemble_follows_its_seed_alone(run_settings, ensemble):
    (run,) = run_settings("deep_matrix", problem="sensing", **ENSEMBLES[ensemble])
    first = sensing.ensemble(run)
    np.testing.assert_array_equal(sensing.ensemble({**run, "data_seed": 5, "seed": 3, "noise_std": 1.0}), first)
    assert np.abs(sensing.ensemble({**run, "sensing_seed": 1}) - first).min() > 0


@pytest.mark.parametrize(
    ("shape", "ensemble"),
    [
        ([4, 4], "gaussian"),
        ([4, 4], "commuting"),
        ([3, 5], "gaussian"),
        ([3, 4, 2], "gaussian"),
        *((shape, "rank_one") for shape in ORDERS),
    ],
)
def test_measured_values_are_inner_products(run_settings, shape, ensemble):
    (run,) = run_settings("cp", problem="sensing", shape=shape, measurements=11, **ENSEMBLES[ensemble])
    data = sensing.generate(run)
    assert set(data) == {"values", "target"}
    assert data["target"].shape == tuple(shape)
    for matrix, value in zip(sensing.ensemble(run), data["values"], strict=True):
        assert value == pytest.approx((matrix.reshape(shape) * data["target"]).sum(), rel=1e-12, abs=1e-14)
    measured = sensing.measurements(run, data)
    np.testing.assert_array_equal(measured[0], sensing.ensemble(run))
    np.testing.assert_array_equal(measured[1], data["values"])
    assert list(sensing.context(run, data)) == ["target"]
    np.testing.assert_array_equal(sensing.context(run, data)["target"], data["target"])


def test_sensed_data_follow_their_seeds(run_settings):
    (run,) = run_settings("deep_matrix", problem="sensing")
    first = sensing.generate(run)
    again = sensing.generate({**run, "seed": 5, "depth": 3})
    turned = sensing.generate({**run, "sensing_seed": 1})
    other = sensing.generate({**run, "data_seed": 1})
    for name in first:
        np.testing.assert_array_equal(first[name], again[name])
        assert np.abs(first[name] - other[name]).min() > 0
    np.testing.assert_array_equal(first["target"], turned["target"])
    assert np.abs(first["values"] - turned["values"]).min() > 0


def test_noise_of_measurements(run_settings):
    (run,) = run_settings("deep_matrix", problem="sensing", measurements=4000, noise_std=0.2)
    data, plain = sensing.generate(run), sensing.generate({**run, "noise_std": 0.0})
    np.testing.assert_array_equal(data["target"], plain["target"])
    noise = data["values"] - plain["values"]
    assert abs(noise.mean()) < 5 * 0.2 / np.sqrt(4000)
    assert abs(noise.std() - 0.2) < 5 * 0.2 / np.sqrt(2 * 4000)


SENSED = [*(("gaussian", shape) for shape in ([4, 4], [5, 3], [3, 4, 2])), *(("rank_one", shape) for shape in ORDERS)]


@pytest.fixture(params=SENSED, ids=str)
def sensed(request, run_settings, place):
    """A problem of three runs with different data and losses that share the A_i, and some W."""
    ensemble, shape = request.param
    cases = [
        {"data_seed": 0, "loss": "mean"},
        {"data_seed": 1, "loss": "half_sum"},
        {"data_seed": 2, "loss": "mean", "noise_std": 0.5},
    ]
    runs = run_settings("cp", problem="sensing", shape=shape, cases=cases, **ENSEMBLES[ensemble])
    data = [sensing.generate(run) for run in runs]
    w = torch.randn(3, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    return runs, data, sensing.Problem(runs, data, place), w


def predictions_of(run, tensor):
    """Return <A_i, W>, one A_i at a time."""
    matrices = torch.from_numpy(sensing.ensemble(run)).reshape(-1, *tensor.shape)
    return torch.stack([(matrix * tensor).sum() for matrix in matrices])


def test_loss_and_gradient_of_sensing(sensed, relative):
    runs, data, problem, w = sensed
    leaf = w.clone().requires_grad_()
    losses = []
    for run, arrays, tensor in zip(runs, data, leaf, strict=True):
        squares = (predictions_of(run, tensor) - torch.from_numpy(arrays["values"])) ** 2
        losses.append(squares.sum() / 9 if run["loss"] == "mean" else squares.sum() / 2)
    torch.stack(losses).sum().backward()
    for _ in range(2):  # the residuals are kept in place
        assert relative(problem.loss_gradient(w), leaf.grad) <= 1e-12
        assert relative(problem.losses(), torch.stack(losses).detach()) <= 1e-12
        problem.loss_gradient(torch.zeros_like(w))


def test_sensing_takes_tensors_in_any_memory_order(sensed, relative):
    _, _, problem, w = sensed
    expected, losses = problem.loss_gradient(w).clone(), problem.losses().clone()
    backwards = tuple(reversed(range(w.ndim)))
    turned = w.permute(backwards).contiguous().permute(backwards)
    assert not turned.is_contiguous()
    assert relative(problem.loss_gradient(turned), expected) <= 1e-13
    assert relative(problem.losses(), losses) <= 1e-13


@pytest.mark.parametrize(("ensemble", "shape"), SENSED)
def test_huber_loss_and_gradient_of_sensing(run_settings, place, relative, ensemble, shape):
    given = {"shape": shape, "measurements": 30, **HUBER, **ENSEMBLES[ensemble]}
    runs = run_settings("cp", problem="sensing", axes={"data_seed": [0, 1]}, **given)
    data = [sensing.generate(run) for run in runs]
    problem = sensing.Problem(runs, data, place)
    w = torch.randn(2, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    leaf = w.clone().requires_grad_()
    losses = [
        smooth_l1(predictions_of(run, tensor), torch.from_numpy(arrays["values"]))
        for run, arrays, tensor in zip(runs, data, leaf, strict=True)
    ]
    torch.stack(losses).sum().backward()
    assert relative(problem.loss_gradient(w), leaf.grad) <= 1e-12
    assert relative(problem.losses(), torch.stack(losses).detach()) <= 1e-12


@pytest.mark.parametrize("loss", [{"loss": "mean"}, HUBER], ids=["mean", "huber"])
def test_blocks_of_measurements_are_the_whole(run_settings, place, monkeypatch, relative, loss):
    runs = run_settings("cp", problem="sensing", measurements=11, axes={"data_seed": [0, 1]}, **loss)
    data = [sensing.generate(run) for run in runs]
    w = torch.randn(2, 3, 4, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found = {}
    for cached, rows in ((11 * 24, [11]), (4 * 24, [4, 4, 3]), (24, [1] * 11), (1, [1] * 11)):
        monkeypatch.setattr(sensing, "CACHED", cached)
        problem = sensing.Problem(runs, data, place)
        assert [len(block) for block in problem._sensing._blocks] == rows
        for _ in range(2):
            found[cached] = problem.loss_gradient(w), problem.losses()
        whole = found[11 * 24]
        for ours, theirs in zip(found[cached], whole, strict=True):
            assert relative(ours, theirs) <= 1e-13


def test_runs_of_sensing_are_independent(sensed, place, relative):
    runs, data, problem, w = sensed
    gradient, losses = problem.loss_gradient(w).clone(), problem.losses().clone()
    for run in range(3):
        alone = sensing.Problem([runs[run]], [data[run]], place)
        assert relative(alone.loss_gradient(w[run : run + 1])[0], gradient[run]) <= 1e-12
        assert relative(alone.losses(), losses[run : run + 1]) <= 1e-12
    w[0] += 1
    problem.loss_gradient(w)
    np.testing.assert_allclose(problem.losses()[1:], losses[1:], rtol=1e-14)
    assert problem.losses()[0] != losses[0]


def test_the_target_has_no_loss_but_the_noise(sensed):
    runs, data, problem, _ = sensed
    w = torch.from_numpy(np.stack([arrays["target"] for arrays in data]))
    gradient, losses = problem.loss_gradient(w), problem.losses()
    np.testing.assert_allclose(losses[:2], 0, atol=1e-28)
    np.testing.assert_allclose(gradient[:2], 0, atol=1e-13)
    noise = data[2]["values"] - sensing.generate({**runs[2], "noise_std": 0.0})["values"]
    assert losses[2].item() == pytest.approx((noise**2).mean(), rel=1e-12)
    np.testing.assert_allclose(problem.observables(None, w)["relative_error"], 0, atol=1e-15)
    np.testing.assert_allclose(problem.observables(None, 3 * w)["relative_error"], 2, rtol=1e-14)


@pytest.mark.parametrize("factorization", ["deep_matrix", "psd"])
def test_a_group_of_sensing_trains_as_its_runs_alone(make_slice, train, factorization):
    settings = {"problem": "sensing", "target_symmetric": True, "learning_rate": 0.05}
    together = train(make_slice(factorization, "gd", axes={"data_seed": [0, 1, 2], "seed": [0, 1]}, **settings))
    assert together["loss"].shape == (6, 5)
    assert (together["loss"][:, -1] < 0.9 * together["loss"][:, 0]).all()  # or there is nothing to compare
    for number, (data_seed, seed) in enumerate((d, s) for d in range(3) for s in range(2)):
        alone = train(make_slice(factorization, "gd", data_seed=data_seed, seed=seed, **settings))
        for name in ("loss", "end_to_end", "relative_error"):
            np.testing.assert_allclose(together[name][number], alone[name][0], rtol=1e-9, atol=1e-12)


def test_psd_on_sensing_follows_the_gradient_of_the_loss(make_slice, train):
    """Ten steps by autograd on the loss as written, against the records."""
    small = make_slice("psd", "gd", problem="sensing", learning_rate=0.05, factor_norm=0.8, stop={"max_steps": 10})
    found = train(small)
    (run,) = small.runs
    factor = torch.from_numpy(psd.initial(run)).requires_grad_()
    matrices = torch.from_numpy(sensing.ensemble(run)).reshape(-1, 4, 4)
    values = torch.from_numpy(sensing.generate(run)["values"])
    losses = []
    for _ in range(11):
        loss = ((torch.einsum("iab,ac,bc->i", matrices, factor, factor) - values) ** 2).mean()
        losses.append(loss.item())
        (gradient,) = torch.autograd.grad(loss, factor)
        factor = (factor - 0.05 * gradient).detach().requires_grad_()
    np.testing.assert_allclose(found["loss"][0], [losses[0], losses[5], losses[10]], rtol=1e-12)


# -- images: data -----------------------------------------------------------------------------------

SIZES = {"train": 300, "test": 200}


@pytest.fixture
def pictures(monkeypatch):
    """Noisy images with uneven labels, in place of the files."""
    rng = np.random.default_rng(8)
    made = {
        part: (rng.integers(0, 256, (size, 28, 28), dtype=np.uint8), rng.integers(0, 5, size, dtype=np.uint8))
        for part, size in SIZES.items()
    }
    monkeypatch.setattr(images, "load", lambda data_dir, dataset: made)
    return made


def generated(run_settings, **overrides):
    return image_classification.generate(run_settings("binary_cp", "adam", **overrides)[0], "nowhere")


def test_pixels_are_one_from_128_on(pictures, run_settings):
    pictures["train"][0][0, 0, :4] = [127, 128, 0, 255]
    found = generated(run_settings)
    for part, (pixels, labels) in pictures.items():
        bits = np.unpackbits(found[f"{part}_bits"], axis=1)
        np.testing.assert_array_equal(bits, pixels.reshape(len(pixels), 784) > 127)
        np.testing.assert_array_equal(found[f"{part}_labels"], labels)
    assert np.unpackbits(found["train_bits"], axis=1)[0, :4].tolist() == [0, 1, 0, 1]


def test_random_images_are_half_ones(pictures, run_settings):
    found, again = (generated(run_settings, images="random") for _ in range(2))
    other = generated(run_settings, images="random", data_seed=1)
    for part, size in SIZES.items():
        bits = np.unpackbits(found[f"{part}_bits"], axis=1)
        assert bits.shape == (size, 784)
        # Five standard errors of the mean of independent fair bits.
        assert abs(bits.mean() - 0.5) < 5 * 0.5 / np.sqrt(bits.size)
        assert abs(bits.mean(axis=0) - 0.5).max() < 5 * 0.5 / np.sqrt(size)
        np.testing.assert_array_equal(found[f"{part}_bits"], again[f"{part}_bits"])
        assert (found[f"{part}_bits"] != other[f"{part}_bits"]).any()
        np.testing.assert_array_equal(found[f"{part}_labels"], pictures[part][1])


@pytest.fixture
def uneven(pictures):
    """The pictures, where a pixel's chance of being 1 rises from 0 to 1 along the image."""
    rng = np.random.default_rng(9)
    for part, size in SIZES.items():
        ones = rng.random((size, 784)) < np.linspace(0, 1, 784)
        pictures[part] = (np.where(ones, 255, 0).astype(np.uint8).reshape(size, 28, 28), pictures[part][1])
    return pictures


def bits_of(found):
    return {part: np.unpackbits(found[f"{part}_bits"], axis=1) for part in SIZES}


def test_shuffled_images_have_their_pixels_in_one_other_order(uneven, run_settings):
    original = bits_of(generated(run_settings))
    shuffled, again = (bits_of(generated(run_settings, images="shuffled")) for _ in range(2))
    other = bits_of(generated(run_settings, images="shuffled", data_seed=1))
    # A pixel is known by its values over all images, those of the two sets together.
    columns, moved, redrawn = ([*np.concatenate([*b.values()]).T.tolist()] for b in (original, shuffled, other))
    assert moved != columns and redrawn != moved
    assert sorted(moved) == sorted(columns) == sorted(redrawn)
    for part in SIZES:
        np.testing.assert_array_equal(shuffled[part], again[part])


def test_independent_images_have_the_training_means_and_no_more(uneven, run_settings):
    means = bits_of(generated(run_settings))["train"].mean(axis=0)
    found, again = (bits_of(generated(run_settings, images="independent")) for _ in range(2))
    other = bits_of(generated(run_settings, images="independent", data_seed=1))
    for part, size in SIZES.items():
        errors = (found[part].mean(axis=0) - means) / np.sqrt(np.maximum(means * (1 - means), 1e-12) / size)
        never = (means == 0) | (means == 1)
        assert never.sum() >= 2
        np.testing.assert_array_equal(found[part][:, never], np.broadcast_to(means[never], (size, never.sum())))
        assert np.abs(errors[~never]).max() < 5 and 0.9 < errors[~never].std() < 1.1
        # Were the pixels of an image drawn together, their sum would vary more, or less.
        spread = (means * (1 - means)).sum()
        assert abs(found[part].sum(axis=1, dtype=float).var() / spread - 1) < 5 * np.sqrt(2 / size)
        np.testing.assert_array_equal(found[part], again[part])
        assert (found[part] != other[part]).any()
    assert (found["train"][: SIZES["test"]] != found["test"]).any()


@pytest.mark.parametrize("kind", ["original", "random", "shuffled", "independent"])
def test_permuted_labels_keep_counts(pictures, run_settings, kind):
    found = generated(run_settings, images=kind)
    for part in SIZES:
        labels, permuted = found[f"{part}_labels"], found[f"{part}_permuted"]
        np.testing.assert_array_equal(labels, pictures[part][1])
        np.testing.assert_array_equal(np.bincount(permuted), np.bincount(labels))
        assert (labels != permuted).mean() > 0.5


# -- images: errors ---------------------------------------------------------------------------------


def predictions(model, bits):
    """Return the predictions as plain products, run by run."""
    chosen = np.where(np.asarray(bits)[:, :, None] == 1, *(p.numpy() for p in reversed(model.parameters)))
    columns = chosen.prod(1)
    return np.stack([columns[:, :2].sum(1), columns[:, 2:].sum(1)], axis=1)


def shown(batch):
    """Return the bits of a minibatch, (images, 784): sums over pixels that choose one of 784 columns each."""
    zero, one = torch.zeros(784, 784, dtype=torch.float64), torch.eye(784, dtype=torch.float64)
    return batch.sums_over_pixels(zero, one)


@pytest.fixture(params=[8, 7], ids=["even batches", "a short last batch"])
def batch_size(request):
    return request.param


@pytest.fixture
def classifying(batch_size, pictures, make_slice):
    """The stepper of two runs on 40 training and 20 test images, with its inputs written down."""
    cases = [{"labels": "original", "label": 1}, {"labels": "random", "label": 3}]
    small = make_slice("binary_cp", "adam", cases=cases, batch_size=batch_size, init_std=0.02, learning_rate=1e-4)
    runs = small.runs
    data = [image_classification.generate(run, "nowhere") for run in runs]
    stepper = TorchStepper(small, data, "cpu")
    seen, inputs = [], stepper.problem.inputs

    def watched(step):
        block = inputs(step)
        seen.append((shown(block).numpy(), [parameter.clone() for parameter in stepper.model.parameters]))
        return block

    stepper.problem.inputs = watched
    return stepper, seen, data[0]


def test_each_epoch_sees_every_image_once(classifying, batch_size):
    stepper, seen, data = classifying
    bits = np.unpackbits(data["train_bits"][:40], axis=1)
    orders = []
    for _ in range(3):
        seen.clear()
        stepper.advance(stepper.steps_per_epoch)
        shown = np.concatenate([block for block, _ in seen])
        orders.append([int(np.flatnonzero((bits == image).all(axis=1)).item()) for image in shown])
        assert sorted(orders[-1]) == list(range(40))
        assert {len(block) for block, _ in seen[:-1]} == {batch_size}
    assert orders[0] != orders[1] != orders[2]


def test_train_error_is_the_running_mean_before_each_step(classifying):
    stepper, seen, data = classifying
    bits = np.unpackbits(data["train_bits"][:40], axis=1)
    positive = np.stack([data["train_labels"][:40] == 1, data["train_permuted"][:40] == 3], axis=1)
    for _ in range(2):
        seen.clear()
        stepper.advance(stepper.steps_per_epoch)
        found = stepper.observables()
        total = 0.0
        for block, parameters in seen:
            rows = [int(np.flatnonzero((bits == image).all(axis=1)).item()) for image in block]
            model = type("Then", (), {"parameters": parameters})
            total = total + ((predictions(model, block) - 2.0 * positive[rows]) ** 2).sum(0)
        # Labels are 2 and 0 in training; the error is that of 1 and 0.
        np.testing.assert_allclose(found["train_error"], total / 40 / 4, rtol=1e-12)
        np.testing.assert_allclose(stepper.losses(), total / 40, rtol=1e-12)
        np.testing.assert_allclose(found["train_variance"], positive.var(0), rtol=1e-12)


def test_test_error_counts_an_image_for_at_most_one(classifying):
    stepper, _, data = classifying
    stepper.advance(stepper.steps_per_epoch)
    for factor in stepper.model.parameters:
        factor[:400, 0] *= 1.003  # some predictions far off
    bits = np.unpackbits(data["test_bits"][:20], axis=1)
    positive = np.stack([data["test_labels"][:20] == 1, data["test_permuted"][:20] == 3], axis=1)
    squares = (predictions(stepper.model, bits) / 2 - positive) ** 2
    assert (squares[:, 0] > 1).any() and (squares < 1).any()
    np.testing.assert_allclose(stepper.observables()["test_error"], np.minimum(squares, 1).mean(0), rtol=1e-12)
    np.testing.assert_allclose(stepper.observables()["test_variance"], positive.var(0), rtol=1e-12)


def test_test_accuracy_is_that_of_the_nearer_label(classifying):
    stepper, _, data = classifying
    stepper.advance(2 * stepper.steps_per_epoch)
    for factor in stepper.model.parameters:
        factor[:100, 1] *= 1.003  # some predictions above the middle
    predicted = predictions(stepper.model, np.unpackbits(data["test_bits"][:20], axis=1))
    right = [[], []]
    for image, label, permuted in zip(predicted, data["test_labels"], data["test_permuted"], strict=False):
        for run, wanted in enumerate((2.0 * (label == 1), 2.0 * (permuted == 3))):
            right[run].append(abs(image[run] - wanted) < abs(image[run] - (2.0 - wanted)))
    found = stepper.observables()
    assert 0 < np.mean(right) < 1
    np.testing.assert_allclose(found["test_accuracy"], np.mean(right, axis=1), rtol=1e-12)
    assert np.isnan(found["test_class_accuracy"]).all()


def test_class_groups_are_whole_and_in_order():
    runs = [{"label": label, "seed": seed} for seed in (0, 1, 2) for label in (3, 1, 0, 2, 9, 8, 7, 6, 5, 4)]
    del runs[15]  # of seed 1
    places = [2, 1, 3, 0, 9, 8, 7, 6, 5, 4]
    found = image_classification.class_groups(runs)
    np.testing.assert_array_equal(found, [places, [place + 19 for place in places]])
    assert image_classification.class_groups(runs[:9]).shape == (0, 10)


@pytest.mark.parametrize("labels", ["original", "random"])
def test_class_accuracy_is_that_of_the_largest_prediction(pictures, make_slice, labels):
    for part, size in SIZES.items():
        pictures[part] = (pictures[part][0], (np.arange(size) * 7 % 10).astype(np.uint8))
    axes = {"label": [3, 1, 0, 2, 9, 8, 7, 6, 5, 4]}
    cases = [{"tensor_rank": [1, 2], "seed": 0}, {"tensor_rank": 1, "seed": 1}]
    small = make_slice("binary_cp", "adam", axes=axes, cases=cases, labels=labels, init_std=0.1)
    left_out = 20 + 4  # of rank 1, seed 1: nine labels have no class accuracy
    small = small.containing([run for index, run in enumerate(small.runs) if index != left_out])
    runs = small.runs
    data = [image_classification.generate(run, "nowhere") for run in runs]
    stepper = TorchStepper(small, data, "cpu")
    stepper.problem.inputs(0)
    generator = torch.Generator().manual_seed(2)
    for parameter in stepper.model.parameters:  # at first the runs of all labels are the same
        parameter += 0.1 * torch.randn(parameter.shape, generator=generator)
    found = stepper.observables()["test_class_accuracy"]
    bits = np.unpackbits(data[0]["test_bits"][:20], axis=1)
    classes = data[0]["test_permuted" if labels == "random" else "test_labels"][:20]
    by_rank = sorted(runs, key=lambda run: run["tensor_rank"])  # the order of the columns
    first = np.cumsum([0, *(run["tensor_rank"] for run in by_rank)])
    zero, one = (parameter.numpy() for parameter in stepper.model.parameters)
    shares = {}
    for rank in (1, 2):
        right = 0
        for image, wanted in zip(bits, classes, strict=True):
            products = np.where(image[:, None] == 1, one, zero).prod(0)
            predicted = {
                run["label"]: products[start : start + rank].sum()
                for run, start in zip(by_rank, first, strict=False)
                if (run["tensor_rank"], run["seed"]) == (rank, 0)
            }
            right += max(predicted, key=predicted.get) == wanted
        shares[rank] = right / 20
    for run, value in zip(runs, found, strict=True):
        if run["seed"] == 1:
            assert np.isnan(value)
        else:
            assert value == pytest.approx(shares[run["tensor_rank"]], abs=1e-12)
    assert min(shares) > 0


def test_gradient_is_that_of_the_minibatch_mean(classifying, relative):
    stepper, _, _ = classifying
    block = stepper.problem.inputs(0)
    leaves = [parameter.clone().requires_grad_() for parameter in stepper.model.parameters]
    columns = torch.where(shown(block)[:, :, None] == 1, leaves[1], leaves[0]).prod(1)
    out = torch.stack([columns[:, :2].sum(1), columns[:, 2:].sum(1)], dim=1)
    ((out - stepper.problem._targets) ** 2).mean(0).sum().backward()
    with torch.no_grad():
        found = stepper.model.pullback(stepper.problem.loss_gradient(stepper.model.end_to_end(block)))
    for ours, leaf in zip(found, leaves, strict=True):
        assert relative(ours, leaf.grad) <= 1e-12


def test_order_follows_seed_and_epoch_alone(pictures, run_settings, place):
    runs = run_settings("binary_cp", "adam")
    data = [image_classification.generate(runs[0], "nowhere")]
    first, late = (image_classification.Problem(runs, data, place) for _ in range(2))
    other = image_classification.Problem([{**runs[0], "order_seed": 1}], data, place)
    blocks = [shown(first.inputs(step)) for step in range(15)]
    assert all(torch.equal(shown(late.inputs(step)), blocks[step]) for step in range(10, 15))
    assert not torch.equal(shown(other.inputs(0)), blocks[0])
