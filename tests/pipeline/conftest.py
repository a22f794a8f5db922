"""One smoke build in a copy of the repository, which the tests of this folder share."""

from __future__ import annotations

import shutil

import filelock
import pytest

from checkout import FIGURES, Checkout, copy_repository, keep_figures


@pytest.fixture(scope="module")
def fresh(tmp_path_factory) -> Checkout:
    """A checkout in which nothing has been built, for the tests of one file."""
    return copy_repository(tmp_path_factory.mktemp("fresh") / "checkout")


@pytest.fixture(scope="session")
def built(tmp_path_factory, worker_id) -> Checkout:
    """A checkout in which `FIGURES` have been built once, by the first process that asks for it; not to be changed."""
    folder = tmp_path_factory.getbasetemp()
    if worker_id != "master":  # the folder of all processes of pytest-xdist is the one above
        folder = folder.parent
    checkout = Checkout(folder / "built")
    with filelock.FileLock(folder / "built.lock"):
        if not checkout.folder.exists():
            keep_figures(copy_repository(checkout.folder), FIGURES)
            result = checkout.snakemake()
            assert result.returncode == 0, result.stdout + result.stderr
    return checkout


@pytest.fixture
def checkout(built, tmp_path) -> Checkout:
    """A copy of the built checkout, with its results and Snakemake's memory, free to be changed."""
    folder = tmp_path / "checkout"
    shutil.copytree(built.folder, folder, symlinks=True)
    return Checkout(folder)
