"""A bundle made in one clone rebuilds its figures in another, without data and without training."""

from __future__ import annotations

import json
import shutil

import pytest

from checkout import Checkout, digests

FIGURES = ("det_sign", "dmf_movielens")  # one of them of data that may not be passed on


def run(checkout: Checkout, script: str, *words: str):
    """Run a script of a checkout, with the package of that checkout, whichever is installed."""
    return checkout.run("python", f"scripts/{script}.py", *words, env={"PYTHONPATH": str(checkout.folder / "workflow")})


@pytest.fixture(scope="module")
def bundle(built, tmp_path_factory):
    """The two figures of the shared build, packed."""
    out = tmp_path_factory.mktemp("bundle") / "bundle.tar.zst"
    words = ["--scale", "smoke", "--figures", *FIGURES, "--out", str(out)]
    done = run(built, "bundle", *words)
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture
def clone(built, tmp_path) -> Checkout:
    """Another clone, in which nothing was built, and without data."""
    ignored = shutil.ignore_patterns("results", ".snakemake")
    shutil.copytree(built.folder, tmp_path / "clone", symlinks=True, ignore=ignored)
    shutil.rmtree(tmp_path / "clone" / "data")
    return Checkout(tmp_path / "clone")


def test_the_same_bytes_in_another_clone(built, bundle, clone):
    done = run(clone, "redraw", str(bundle))
    assert done.returncode == 0, done.stderr
    assert "2 of 2 figures have the recorded bytes" in done.stderr
    usual, found = digests(built.folder / "results/smoke"), digests(clone.folder / "results/bundle/smoke")
    assert not any(name.startswith("data/") for name in found)
    kinds = {f"figures/{figure}.{ending}" for figure in FIGURES for ending in ("png", "pdf", "svg", "csv")}
    assert set(found) >= kinds | {f"claims/{figure}.json" for figure in FIGURES}
    assert found == {name: usual[name] for name in found}
    assert (clone.folder / "results/bundle/smoke/index.html").exists()
    from_folder = run(clone, "redraw", "results/bundle/smoke")
    assert from_folder.returncode == 0, from_folder.stderr


def test_other_settings_and_a_missing_sweep_are_one_line_each(built, bundle, clone):
    folder = clone.folder / "unpacked"
    folder.mkdir()
    assert clone.run("tar", "-xf", str(bundle), "-C", str(folder)).returncode == 0
    path = folder / "bundle.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    del content["files"]["spectra/det_sign_seeds.nc"]
    content["sweeps"]["dmf_movielens"]["settings"] = "0" * 64
    path.write_text(json.dumps(content), encoding="utf-8")
    done = run(clone, "redraw", str(folder))
    assert done.returncode == 1
    assert "det_sign: the bundle lacks the sweep det_sign_seeds\n" in done.stderr
    assert "dmf_movielens: dmf_movielens was recorded with other settings" in done.stderr
    assert "Traceback" not in done.stderr
