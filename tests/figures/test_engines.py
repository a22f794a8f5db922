"""Two engines, one verdict: every sweep at smoke scale trains the same by closed forms and by autograd."""

from pathlib import Path

import pytest

import synthetic
from greedyrank.benchmarks import engine_parity
from greedyrank.benchmarks.gpu_proof import rounding
from greedyrank.config import loading, target_files
from greedyrank.config.settings.problems import PROBLEMS
from greedyrank.data import images, instances

SWEEPS = {
    name: sweep
    for name, sweep in loading.load({"scale": "smoke"}).sweeps.items()
    # Files of the user's and released ones are not here; tests/pipeline has made-up ones.
    if not (PROBLEMS[sweep.whole.problem].files or target_files.of(sweep.whole))
}
STEPS = 50
# Their steps take a tenth of a second; `make engines` compares more of them, and of all their jobs.
STEPS_OF_IMAGES = {"autoencoder": 2, "binary_cp": 3}


@pytest.fixture(autouse=True)
def pictures(monkeypatch):
    """Synthetic images in place of the files."""
    made = synthetic.pictures(train=1000, test=200)
    monkeypatch.setattr(images, "load", lambda data_dir, dataset: made)


@pytest.mark.parametrize("name", SWEEPS)
def test_engines_agree_until_rounding_alone_parts_them(name):
    steps = STEPS_OF_IMAGES.get(SWEEPS[name].whole.factorization)
    groups = list(engine_parity.groups_of(SWEEPS[name], steps or STEPS))
    for group, small in groups[-1:] if steps else groups:
        found = engine_parity.compare(small, instances.generator(small.problem, Path("nowhere")))
        assert "loss" in found["invariants"]
        for invariant, row in found["invariants"].items():
            assert row["passed"], (group, invariant, rounding.ALLOWED, row)
