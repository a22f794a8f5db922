"""A small build without a fault, copies of it, and the table of faults."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable

import pytest
from faulty import FIGURE, SECONDS, SEED, TALLY, Faulty, inject
from jobs import IMAGES, command

from checkout import copy_repository, keep_figures

DATA = [IMAGES, *(f"results/smoke/data/{sweep}/all.npz" for sweep in ("det_sign", "component_norms"))]


def pytest_terminal_summary(terminalreporter):
    """Print what was injected, and what came of it; survived: it ended in the bytes of an undisturbed build."""
    rows = [(kind, *(str(found[name]) for name in ("injected", "survived", "lost"))) for kind, found in TALLY.items()]
    totals = [str(sum(found[name] for found in TALLY.values())) for name in ("injected", "survived", "lost")]
    rows = [("fault", "injected", "survived", "lost"), *rows, ("all", *totals)]
    width = max(len(row[0]) for row in rows)
    terminalreporter.section("faults")
    for kind, *counts in rows:
        terminalreporter.write_line(kind.ljust(width) + "".join(count.rjust(10) for count in counts))
    terminalreporter.write_line(f"drawn with the seed {SEED}")


@pytest.fixture(scope="session")
def unbuilt(tmp_path_factory) -> Faulty:
    """A checkout in which nothing has been built; not to be changed."""
    checkout = copy_repository(tmp_path_factory.mktemp("faults") / "unbuilt")
    keep_figures(checkout, (FIGURE, "det_sign", "component_norms", "image_rank"))
    inject(checkout)
    return Faulty(checkout.folder)


@pytest.fixture(scope="session")
def undisturbed(unbuilt, tmp_path_factory) -> Faulty:
    """A checkout in which `FIGURE` and `DATA` have been built without a fault; not to be changed."""
    folder = tmp_path_factory.mktemp("faults") / "undisturbed"
    shutil.copytree(unbuilt.folder, folder, symlinks=True)
    checkout = Faulty(folder)
    status, output = checkout.run_to_its_end(FIGURE, *DATA)
    assert status == 0, output
    return checkout


@pytest.fixture
def fresh(unbuilt, undisturbed, tmp_path) -> Faulty:
    """A copy of the checkout in which nothing has been built, with what is compiled and the data of other sweeps."""
    folder = tmp_path / "fresh"
    shutil.copytree(unbuilt.folder, folder, symlinks=True)
    shutil.copytree(undisturbed.folder / ".snakemake/cache", folder / ".snakemake/cache")
    return Faulty(folder)


@pytest.fixture
def built(undisturbed, tmp_path) -> Faulty:
    """A copy of the built checkout."""
    folder = tmp_path / "built"
    shutil.copytree(undisturbed.folder, folder, symlinks=True)
    return Faulty(folder)


@pytest.fixture(scope="session")
def trained(undisturbed, tmp_path_factory) -> Callable[[str], bytes]:
    """Return the result of a job of `jobs` without a fault: ``trained("numba")``."""

    @functools.cache
    def train(job: str) -> bytes:
        out = tmp_path_factory.mktemp("trained") / "run.npz"
        status, output = undisturbed.run_to_its_end(*command(job, out, SECONDS))
        assert status == 0, output
        return out.read_bytes()

    return train
