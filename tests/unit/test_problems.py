"""Completion and image classification: their data, losses, gradients and errors."""

import numpy as np
import pytest
import torch

from greedyrank import images, sweeps
from greedyrank.descent import Descent
from greedyrank.problems import completion, image_classification

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


# -- completion: loss -------------------------------------------------------------------------------


@pytest.fixture(params=["mean", "half_sum"])
def completing(request, run_settings, place):
    """A problem of three runs with different data and numbers of observations, and some W."""
    cases = [
        {"data_seed": 0, "observations": 5},
        {"data_seed": 1, "observations": 5},
        {"data_seed": 1, "observations": 24},
    ]
    runs = run_settings("cp", "gd", loss=request.param, cases=cases)
    data = [completion.generate(run) for run in runs]
    w = torch.randn(3, 3, 4, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
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
    leaf = w.clone().requires_grad_()
    expected = plain_losses(runs, data, leaf)
    expected.sum().backward()
    assert relative(problem.loss_gradient(w), leaf.grad) <= 1e-12
    assert relative(problem.losses(), expected.detach()) <= 1e-12


def test_relative_error_is_over_all_entries_and_unsquared(completing):
    _, data, problem, w = completing
    found = problem.observables(None, w)["relative_error"]
    for run in range(3):
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


@pytest.mark.parametrize("kind", ["original", "random"])
def test_permuted_labels_keep_counts(pictures, run_settings, kind):
    found = generated(run_settings, images=kind)
    for part in SIZES:
        labels, permuted = found[f"{part}_labels"], found[f"{part}_permuted"]
        np.testing.assert_array_equal(np.bincount(permuted), np.bincount(labels))
        assert (labels != permuted).mean() > 0.5


# -- images: errors ---------------------------------------------------------------------------------


def predictions(model, bits):
    """Return the predictions as plain products, run by run."""
    chosen = np.where(np.asarray(bits)[:, :, None] == 1, *(p.numpy() for p in reversed(model.parameters)))
    columns = chosen.prod(1)
    return np.stack([columns[:, :2].sum(1), columns[:, 2:].sum(1)], axis=1)


@pytest.fixture(params=[8, 7], ids=["even batches", "a short last batch"])
def batch_size(request):
    return request.param


@pytest.fixture
def classifying(batch_size, pictures, plan):
    """The stepper of two runs on 40 training and 20 test images, with its inputs written down."""
    cases = [{"labels": "original", "label": 1}, {"labels": "random", "label": 3}]
    small = plan("binary_cp", "adam", cases=cases, batch_size=batch_size, init_std=0.02, learning_rate=1e-4)
    runs = sweeps.expand(small)
    data = [image_classification.generate(run, "nowhere") for run in runs]
    stepper = Descent(small, runs, data, "cpu")
    seen, inputs = [], stepper.problem.inputs

    def watched(step):
        block = inputs(step)
        seen.append((block.numpy().copy(), [parameter.clone() for parameter in stepper.model.parameters]))
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


def test_gradient_is_that_of_the_minibatch_mean(classifying, relative):
    stepper, _, _ = classifying
    block = stepper.problem.inputs(0)
    leaves = [parameter.clone().requires_grad_() for parameter in stepper.model.parameters]
    columns = torch.where(block[:, :, None] == 1, leaves[1], leaves[0]).prod(1)
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
    blocks = [first.inputs(step).clone() for step in range(15)]
    assert all(torch.equal(late.inputs(step), blocks[step]) for step in range(10, 15))
    assert not torch.equal(other.inputs(0), blocks[0])
