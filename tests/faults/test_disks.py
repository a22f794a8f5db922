"""Disks that are full, and folders that cannot be written to."""

from __future__ import annotations

import contextlib
import os
import subprocess

import pytest
from faulty import FIGURE, fault
from jobs import IMAGES

from checkout import REPOSITORY

# The rule that meets the full disk, how many bytes still fit, and the file that does not.
STAGES = {
    "data": ("generate", 0, f"data/{FIGURE}/all.npz"),
    "baseline": ("baseline", 0, f"baselines/{FIGURE}.npz"),
    "run": (f"train_{FIGURE}", 4096, f"runs/{FIGURE}/measurements-60_depth-2.npz"),
    "spectra": ("extract", 16384, f"spectra/{FIGURE}.nc"),
    "figure": (f"plot_{FIGURE}", 0, f"figures/{FIGURE}.png"),
    "last part of a figure": (f"plot_{FIGURE}", 160_000, f"figures/{FIGURE}.svg"),
    "claims": ("check_claims", 0, f"claims/{FIGURE}.json"),
    "page": ("page", 0, "index.html"),
}


@contextlib.contextmanager
def mounted(*words, at):
    """Mount something at a folder for as long as the block lasts; skip the test where that is not permitted."""
    at.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["mount", *words, str(at)], capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        pytest.skip(f"needs the permission to mount: {done.stderr.strip()}")
    try:
        yield at
    finally:
        subprocess.run(["umount", "--lazy", str(at)], check=True)


@contextlib.contextmanager
def full(disk, room=0):
    """Fill a disk, but for some bytes, for as long as the block lasts."""
    ballast = disk / "ballast"
    found = os.statvfs(disk)
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, found.f_bavail * found.f_frsize - room)
    try:
        yield
    finally:
        ballast.unlink()


@pytest.mark.parametrize(
    "stages",
    [["run"], pytest.param([stage for stage in STAGES if stage != "run"], marks=pytest.mark.long)],
    ids=["run", "all others"],
)
def test_the_disk_of_the_results_is_full(fresh, undisturbed, stages):
    with mounted("-t", "tmpfs", "-o", "size=16m", "tmpfs", at=fresh.folder / "results") as disk:
        for stage in stages:
            rule, room, file = STAGES[stage]
            target = "page" if rule == "page" else f"results/smoke/{file}"
            status, output = fresh.run_to_its_end(FIGURE, "--omit-from", rule)
            assert status == 0, output
            (fresh.results / file).unlink(missing_ok=True)  # made beside what an earlier stage needed
            with fault(f"full disk: {stage}"):
                with full(disk, room):
                    status, output = fresh.run_to_its_end(target)
                message = f"no room for results/smoke/{file}: the disk at {disk} is full; make room there"
                fresh.assert_explained(status, output, message)
                assert not (fresh.results / file).exists()
                assert not list((fresh.results / file).parent.glob(".[0-9]*"))
        fresh.assert_recovers(undisturbed)


@pytest.mark.long
def test_the_disk_of_the_checkpoints_is_full(fresh, undisturbed):
    disk = mounted("-t", "tmpfs", "-o", "size=8k", "tmpfs", at=fresh.results / ".checkpoints")
    with disk as folder, fault("full disk: checkpoint"):
        with full(folder):
            status, output = fresh.run_to_its_end(FIGURE, injected={"checkpoint_seconds": 0})
            assert status == 0, output
        assert "training goes on without a checkpoint of step" in output
        assert f"the disk at {folder} is full" in output
        fresh.assert_recovers(undisturbed)


@pytest.fixture
def locked_images(tmp_path):
    """A data folder with images, which nobody can write to; links to those of the repository."""
    folder = tmp_path / "images"
    for dataset in ("mnist", "fashion_mnist"):
        (folder / dataset).mkdir(parents=True)
        for path in (REPOSITORY / "data" / dataset).iterdir():
            (folder / dataset / path.name).symlink_to(path)
    with mounted("--bind", str(folder), at=folder):
        subprocess.run(["mount", "-o", "remount,bind,ro", str(folder)], check=True)
        with pytest.raises(OSError, match="Read-only"):
            (folder / "mnist" / "x").touch()
        yield folder


@pytest.mark.long
def test_a_data_folder_that_cannot_be_written_to(fresh, undisturbed, locked_images):
    fresh.data = str(locked_images)
    with fault("read-only data folder"):
        status, output = fresh.run_to_its_end(IMAGES)
        assert status == 0, output
        assert (fresh.folder / IMAGES).read_bytes() == (undisturbed.folder / IMAGES).read_bytes()


@pytest.mark.long
def test_an_empty_data_folder_that_cannot_be_written_to(fresh, tmp_path):
    folder = tmp_path / "nothing"
    folder.mkdir()
    with mounted("--bind", str(folder), at=folder), fault("read-only data folder, empty"):
        subprocess.run(["mount", "-o", "remount,bind,ro", str(folder)], check=True)
        fresh.data = str(folder)
        status, output = fresh.run_to_its_end("results/smoke/data/mnist.sha256")
        fresh.assert_explained(status, output, "Read-only file system", f"{folder}/mnist")
