"""The compiled step of image classifiers against plain autograd of the published formulation, and against torch."""

import numpy as np
import pytest
import torch

from greedyrank.data.images import PIXELS
from greedyrank.factorizations import binary_cp
from greedyrank.kernels import image_steps
from greedyrank.problems import image_classification
from greedyrank.training import job
from greedyrank.training.stepper import TorchStepper

TRAIN, TEST, BATCH = 200, 90, 70  # the last minibatch of an epoch is smaller; none fills words of 64 images


def drawn_data():
    """Bits and labels; 60 pixels never vary."""
    draws = np.random.default_rng(0)
    data = {}
    for part, size in (("train", TRAIN), ("test", TEST)):
        bits = draws.integers(0, 2, (size, PIXELS), dtype=np.uint8)
        bits[:, 100:130], bits[:, 130:160] = 0, 1
        data[f"{part}_bits"] = np.packbits(bits, axis=1)
        data[f"{part}_labels"] = draws.integers(0, 10, size, dtype=np.uint8)
        data[f"{part}_permuted"] = draws.permutation(data[f"{part}_labels"])
    return data


def plain(factors):
    return factors


def negative(factors):
    flips = np.random.default_rng(2).random(factors.shape) < 0.1
    return np.where(flips, -factors, factors)


def one_negative(factors):
    factors[1, 9, 0] *= -1
    return factors


def zeros(factors):
    """Zeros of both signs, where pixels vary and where they do not.

    No image selects two zeros of a column: there the published gradient vanishes, and ours is merely below 1e-19.
    """
    factors[0, 7, 0], factors[1, 7, 0] = 0.0, -0.0
    if factors.shape[2] > 1:
        factors[0, 110, -1] = -0.0
    return factors


def small(factors):
    """Factors far below one where a pixel is 0, where it is 1, and in both cases."""
    factors[0, 10:14] *= 1e-2
    factors[1, 20:24] *= -1e-2
    factors[:, 30] *= 0.3
    factors[0, 110] *= 1e-9
    return factors


def vanishing(factors):
    """Products of some components that underflow."""
    factors[:, :700, 0] *= 0.2
    return factors


CASES = [plain, negative, one_negative, zeros, small, vanishing]


@pytest.fixture
def group(make_slice, monkeypatch):
    """Return the slice of three runs, 46 columns that are not in the order of their ranks, and its data."""

    def make(change=plain, **overrides):
        drawn = binary_cp.initial
        monkeypatch.setattr(binary_cp, "initial", lambda run: list(change(np.array(drawn(run)))))
        cases = [{"tensor_rank": 15, "label": 6}, {"tensor_rank": 1, "label": 3}, {"tensor_rank": 30, "label": 6}]
        fixed = {"train_size": TRAIN, "test_size": TEST, "batch_size": BATCH, "init_std": 0.02, **overrides}
        return make_slice("binary_cp", "adam", cases=cases, **fixed), drawn_data()

    return make


def both(slice_, data):
    copies = [data] * len(slice_.runs)
    compiled = job.make_stepper(slice_, copies, "cpu")
    assert isinstance(compiled, image_steps.CompiledStepper)
    return compiled, TorchStepper(slice_, copies, "cpu")


def factors_of(stepper):
    """Return F_0 and F_1 of each run, each (784, tensor_rank)."""
    if isinstance(stepper, image_steps.CompiledStepper):
        columns, owners = stepper._factors.swapaxes(1, 2).reshape(2, PIXELS, -1), stepper._owners.reshape(-1)
    else:
        columns, owners = np.stack([p.numpy() for p in stepper.model.parameters]), stepper.model._owner.numpy()
    return [columns[:, :, owners == run] for run in range(3)]


def assert_close(found, expected, relative):
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=relative, atol=relative * np.abs(theirs).max())


@pytest.mark.parametrize("change", CASES, ids=lambda change: change.__name__)
def test_steps_are_those_of_autograd(group, change):
    """Two epochs of plain autograd with torch's Adam, run by run, on products over the selected factors."""
    slice_, data = group(change)
    compiled, _ = both(slice_, data)
    bits = torch.tensor(np.unpackbits(data["train_bits"], axis=1))
    expected, losses = [], []
    for run in slice_.runs:
        leaf = torch.tensor(np.stack(binary_cp.initial(run)), requires_grad=True)
        adam = torch.optim.Adam([leaf], lr=run["learning_rate"])
        wanted = 2.0 * torch.tensor(data["train_labels"] == run["label"])
        for epoch in range(2):
            order = image_classification.order_of_epoch(run["order_seed"], epoch, TRAIN)
            total = 0.0
            for start in range(0, TRAIN, BATCH):
                rows = order[start : start + BATCH]
                chosen = torch.where(bits[rows][:, :, None] == 1, leaf[1], leaf[0])
                squares = (chosen.prod(1).sum(1) - wanted[rows]) ** 2
                adam.zero_grad()
                squares.mean().backward()
                adam.step()
                total += squares.sum().item() / TRAIN
        expected.append(leaf.detach().numpy())
        losses.append(total)
    compiled.advance(2 * compiled.steps_per_epoch)
    assert_close(factors_of(compiled), expected, 1e-11)
    np.testing.assert_allclose(compiled.losses(), losses, rtol=1e-12)


@pytest.mark.parametrize("change", CASES, ids=lambda change: change.__name__)
@pytest.mark.parametrize(("dtype", "relative"), [("float64", 1e-12), ("float32", 2e-5)])
def test_steps_and_records_are_those_in_torch(group, change, dtype, relative):
    slice_, data = group(change, dtype=dtype)
    compiled, in_torch = both(slice_, data)
    for epoch in range(3):
        for stepper in (compiled, in_torch):
            stepper.advance(stepper.steps_per_epoch)
            if epoch == 1:
                stepper.set_rate_factors(np.array([1.0, 0.0, 0.3]))  # one run is held
        assert_close(factors_of(compiled), factors_of(in_torch), relative)
        np.testing.assert_allclose(compiled.losses(), in_torch.losses(), rtol=relative)
        np.testing.assert_array_equal(compiled.flow_time(), in_torch.flow_time())
        ours, theirs = compiled.observables(), in_torch.observables()
        assert ours.keys() == theirs.keys()
        for name, value in theirs.items():
            np.testing.assert_allclose(ours[name], value, rtol=relative, err_msg=name)
            assert ours[name].dtype == value.dtype, name


def test_a_held_run_keeps_its_bytes(group):
    compiled, _ = both(*group())
    compiled.advance(compiled.steps_per_epoch)
    compiled.set_rate_factors(np.array([0.0, 1.0, 0.0]))
    before = factors_of(compiled)
    compiled.advance(3 * compiled.steps_per_epoch)
    after = factors_of(compiled)
    for run in range(3):
        assert (after[run].tobytes() == before[run].tobytes()) == (run != 1)


def test_recording_changes_nothing(group):
    slice_, data = group()
    (watched, _), (left_alone, _) = both(slice_, data), both(slice_, data)
    for _ in range(2):
        watched.advance(watched.steps_per_epoch)
        watched.observables()
        left_alone.advance(left_alone.steps_per_epoch)
    ours, theirs = watched.state(), left_alone.state()
    assert ours.keys() == theirs.keys()
    assert all(ours[name].tobytes() == theirs[name].tobytes() for name in ours)


def test_a_run_whose_factors_are_not_finite_has_no_loss(group):
    compiled, _ = both(*group())
    compiled.advance(compiled.steps_per_epoch)
    assert np.isfinite(compiled.losses()).all()
    block, lane = np.argwhere(compiled._owners == 0)[-1]
    compiled._factors[1, block, 783, lane] = np.inf
    np.testing.assert_array_equal(np.isnan(compiled.losses()), [True, False, False])


def test_other_groups_train_in_torch(make_slice):
    for optimizer in ("gd", "group_rmsprop"):
        slice_ = make_slice("binary_cp", optimizer)
        assert binary_cp.Model.compiled(slice_, [drawn_data()], "cpu") is None
    assert binary_cp.Model.compiled(make_slice("binary_cp", "adam"), [drawn_data()], "cuda") is None
