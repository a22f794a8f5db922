"""A damaged file is named by its reader, with a command that makes it again as it was."""

from __future__ import annotations

import gzip
import itertools
import os
import random
import shutil
import signal

import pytest
from faulty import FIGURE, SEED, fault, rebuild_command
from jobs import IMAGES, command

from checkout import REPOSITORY

# The damaged file, and what reads it; from last to first, since a job that fails takes away what it made before.
FILES = {
    "claims": (f"claims/{FIGURE}.json", "page"),
    "spectra": (f"spectra/{FIGURE}.nc", f"plot_{FIGURE}"),
    "baseline": (f"baselines/{FIGURE}.npz", "extract"),
    "run": (f"runs/{FIGURE}/measurements-60_depth-3.npz", "extract"),
    "data": (f"data/{FIGURE}/all.npz", "baseline"),
}
DAMAGES = ["truncated", "flipped bit"]


def damage(path, how):
    """Damage a file without a trace in its times."""
    draw, content, times = random.Random(f"{SEED} {path.name} {how}"), bytearray(path.read_bytes()), path.stat()
    place = draw.randrange(len(content))
    print(f"{path.name}, {how} at byte {place}")
    if how == "truncated":
        del content[place:]
    else:
        content[place] ^= 1 << draw.randrange(8)
    path.write_bytes(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


@pytest.mark.long
def test_a_damaged_file_is_named_and_made_again(built, undisturbed):
    for kind, how in itertools.product(FILES, DAMAGES):
        name, reader = FILES[kind]
        with fault(f"damaged file: {kind}, {how}"):
            damage(built.results / name, how)
            status, output = (
                built.run_to_its_end("page") if reader == "page" else built.run_to_its_end(FIGURE, "--forcerun", reader)
            )
            built.assert_explained(status, output, f"results/smoke/{name} is not what was written")
            done = built.run(*rebuild_command(output))
            assert done.returncode == 0, done.stdout + done.stderr
            assert (built.results / name).read_bytes() == (undisturbed.results / name).read_bytes()
    built.assert_recovers(undisturbed)


@pytest.mark.long
@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_checkpoint_is_put_aside(undisturbed, trained, tmp_path, how):
    out = tmp_path / "run.npz"
    words = command("torch", out, 0)
    kill = {"kill_while_writing": {"pattern": str(out), "size": 100}}  # when all steps are done
    with fault(f"damaged file: checkpoint, {how}"):
        status, output = undisturbed.run_to_its_end(*words, injected={"faults": kill})
        assert status == -signal.SIGKILL, output
        (checkpoint,) = tmp_path.glob("checkpoints/[!.]*.npz")
        damage(checkpoint, how)
        status, output = undisturbed.run_to_its_end(*words)
        assert status == 0, output
        assert f"the checkpoint {checkpoint} is damaged: training starts anew" in output
        assert out.read_bytes() == trained("torch")
        assert not list(tmp_path.glob("checkpoints/*"))


@pytest.mark.long
@pytest.mark.parametrize("how", DAMAGES)
def test_damaged_images_are_named_and_fetched_again(built, undisturbed, tmp_path, how):
    """What is right is in the data folder in the packed form, so that this test needs no network."""
    images = tmp_path / "images"
    for dataset in ("mnist", "fashion_mnist"):
        shutil.copytree(REPOSITORY / "data" / dataset, images / dataset)
    labels = images / "mnist/train-labels-idx1-ubyte"
    right = labels.read_bytes()
    built.data = str(images)
    assert built.run_to_its_end(IMAGES)[0] == 0
    with fault(f"damaged file: images, {how}"):
        damage(labels, how)
        status, output = built.run_to_its_end(IMAGES, "--force")
        built.assert_explained(status, output, f"{labels} is not the published file")
        (images / "mnist/packed").mkdir()
        (images / "mnist/packed/train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(right))
        done = built.run(*rebuild_command(output))
        assert done.returncode == 0, done.stdout + done.stderr
        assert labels.read_bytes() == right
        status, output = built.run_to_its_end(IMAGES)
        assert status == 0, output
        assert (built.folder / IMAGES).read_bytes() == (undisturbed.folder / IMAGES).read_bytes()
