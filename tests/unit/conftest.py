"""Small runs for every test: settings with all defaults, made by the config's own grammar."""

from greedyrank import clean_room

clean_room.enter()  # as every job does, and before numpy is imported

import copy  # noqa: E402
import functools  # noqa: E402
import http.server  # noqa: E402
import threading  # noqa: E402

import hypothesis  # noqa: E402
import numpy as np  # noqa: E402
import pytest  # noqa: E402

from greedyrank.config.sweep_loader import load_sweep  # noqa: E402
from greedyrank.config.sweeps import Run, Slice  # noqa: E402
from greedyrank.plugins import plugin  # noqa: E402
from greedyrank.training import job  # noqa: E402

hypothesis.settings.register_profile("unit", database=None, deadline=None, derandomize=True, max_examples=60)
hypothesis.settings.load_profile("unit")

MATRIX = {
    "shape": [4, 4],
    "loss": "mean",
    "target_rank": 2,
    "target_norm": 2.0,
    "dtype": "float64",
    "stop": {"max_steps": 20},
    "record": {"every": 5},
}
SMALL = {
    "deep_matrix": {**MATRIX, "depth": 2, "product_std": 0.1},
    "linear_network": {**MATRIX, "depth": 3, "layer_scale": 0.5, "record": {"every": 5, "end_to_end": True}},
    "psd": {**MATRIX, "factor_norm": 0.5},
    "cp": {**MATRIX, "shape": [3, 4, 2], "components": 5, "factor_std": 0.3},
    "deep_cp": {**MATRIX, "shape": [3, 4, 2], "components": 4, "factor_std": 0.6, "depth": 2},
    "tucker": {**MATRIX, "shape": [3, 4, 2], "depth": 2, "core_std": 0.3},
    "hierarchical": {**MATRIX, "shape": [3, 2, 2, 3], "widths": [3, 4], "factor_std": 0.6},
    "tubal": {**MATRIX, "shape": [4, 4, 3], "columns": 5, "tubal_alpha": 0.5},
    "binary_cp": {
        "dataset": "mnist",
        "label": 6,
        "train_size": 40,
        "test_size": 20,
        "batch_size": 8,
        "tensor_rank": 2,
        "dtype": "float64",
        "stop": {"max_epochs": 3},
        "record": {"every_epochs": 1},
    },
    "autoencoder": {
        "dataset": "mnist",
        "train_size": 40,
        "test_size": 20,
        "batch_size": 8,
        "latent_size": 6,
        "linear_layers": 2,
        "dtype": "float64",
        "stop": {"max_epochs": 3},
        "record": {"every_epochs": 1},
    },
}
# Factorizations with a problem of their own.
PROBLEMS = {"binary_cp": "image_classification", "autoencoder": "autoencoding"}
SEEN = {
    "completion": {"observations": 9},
    "huber_completion": {"observations": 9},
    "switched_completion": {"observations": 9, "deficit_observations": 4, "deficit_steps": 7},
    "sensing": {"measurements": 9, "sensing_std": 0.5},
    "image_classification": {},
    "autoencoding": {},
}
BY_HAND = {"observations": None, "target_rank": None, "target_norm": None}
RATES = {"gd": 0.1, "group_rmsprop": 1.0e-2, "adam": 1.0e-3, "keras_adam": 1.0e-3}


def _sweep_block(
    factorization: str, optimizer: str, cases=(), axes=None, job_per=(), problem="completion", **overrides
) -> dict:
    """Return a small sweep as it stands in a sweeps.yaml; ``observed`` in the overrides replaces the drawn target."""
    problem = PROBLEMS.get(factorization, problem)
    fixed = {**SEEN[problem], **copy.deepcopy(SMALL[factorization]), "learning_rate": RATES[optimizer], **overrides}
    if "observed" in fixed:
        fixed |= BY_HAND
    return {
        "source": "none",
        "problem": problem,
        "factorization": factorization,
        "optimizer": optimizer,
        "fixed": fixed,
        "cases": list(cases),
        "axes": axes or {},
        "job_per": list(job_per),
    }


def _make_slice(factorization: str, optimizer: str, **overrides) -> Slice:
    """Return all runs of a small sweep as one slice."""
    return load_sweep(_sweep_block(factorization, optimizer, **overrides)).whole


def _run_settings(factorization: str, optimizer: str = "gd", **overrides) -> list[Run]:
    """Return the runs of a small sweep."""
    return _make_slice(factorization, optimizer, **overrides).runs


@pytest.fixture(scope="session")
def sweep_block():
    """Make a small sweep as it stands in a sweeps.yaml: ``sweep_block(factorization, optimizer, **overrides)``."""
    return _sweep_block


@pytest.fixture(scope="session")
def make_slice():
    """Make a small slice: ``make_slice(factorization, optimizer, axes=..., cases=..., problem=..., **fixed)``."""
    return _make_slice


@pytest.fixture(scope="session")
def run_settings():
    """Make the runs of a small slice: ``run_settings(factorization, optimizer, ...)``."""
    return _run_settings


@pytest.fixture(scope="session")
def train():
    """Train a slice of completion or sensing: ``train(slice_)`` gives the records."""
    return lambda small: job.train(small, plugin("problems", small.problem).generate, "cpu")


@pytest.fixture(scope="session")
def place():
    """Put an array into a float64 tensor, as the torch stepper does."""
    import torch

    return lambda array, exact=False: torch.as_tensor(array, dtype=None if exact else torch.float64)


@pytest.fixture(scope="session")
def relative():
    """Return the largest difference of two arrays over the largest entry of the second."""

    def measure(ours, oracle) -> float:
        ours, oracle = (np.asarray(array, dtype=np.float64) for array in (ours, oracle))
        assert ours.shape == oracle.shape
        return np.abs(ours - oracle).max() / np.abs(oracle).max()

    return measure


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A server of a folder on this machine: gives the folder and its address."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    served = tmp_path / "served"
    served.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=served)) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield served, f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


@pytest.fixture
def matplotlib_as_in_jobs():
    """Set matplotlib up as a job does, and put it back."""
    import matplotlib
    import matplotlib.pyplot as plt

    from greedyrank.figures import style

    backend = matplotlib.get_backend()
    with matplotlib.rc_context():
        style.set_up()
        yield
    plt.close("all")
    matplotlib.use(backend)
