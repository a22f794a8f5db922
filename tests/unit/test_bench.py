"""The benchmark's cases take steps of the same training in all their forms. Nothing here is timed."""

import pytest

from greedyrank.benchmarks import steps
from greedyrank.benchmarks.steps import CASES


@pytest.fixture(autouse=True)
def few_images(monkeypatch):
    monkeypatch.setattr(steps, "BATCH", 100)


@pytest.mark.parametrize("name", CASES)
def test_every_case_takes_a_step(name):
    case, *_ = CASES[name]("cpu")
    before = case.stepper.state()
    case.engine(1)
    assert any((new != before[key]).any() for key, new in case.stepper.state().items() if key != "step")


@pytest.mark.parametrize("name", ["cp order4 R512", "tucker 25 K2", "hierarchical 8^4", "image r15"])
def test_published_and_plain_forms_take_the_same_step(name, monkeypatch):
    optimizers = []
    by_autograd = steps._by_autograd

    def watched(loss, optimizer):
        optimizers.append(optimizer)
        return by_autograd(loss, optimizer)

    monkeypatch.setattr(steps, "_by_autograd", watched)
    _, published, plain, _ = CASES[name]("cpu")
    ours, theirs = (optimizer.param_groups[0]["params"] for optimizer in optimizers)
    start = [parameter.detach().clone() for parameter in ours]
    published(1)
    plain(1)
    for first, one, other in zip(start, ours, theirs, strict=True):
        moved = (one - first).detach()
        assert moved.abs().max() > 0
        # float32, and sums in different orders; for Adam, whose first step is the gradient's sign, of tiny ones too.
        close = (moved - (other - first).detach()).abs() <= 1e-3 * moved.abs().max()
        assert close.float().mean() > 0.99
