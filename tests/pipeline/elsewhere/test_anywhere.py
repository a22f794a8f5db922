"""Builds in any working folder and any environment, and as a part of another workflow, give the same bytes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from checkout import Checkout, digests

SNAKEMAKE = Path(sys.executable).parent / "snakemake"
# An environment that is not active, as that of a notebook or a login shell may be.
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "MATPLOTLIBRC": "/nowhere/matplotlibrc",
    "HDF5_USE_FILE_LOCKING": "TRUE",
    "OMP_NUM_THREADS": "3",
    "OPENBLAS_CORETYPE": "Nehalem",
    "NUMBA_DISABLE_JIT": "1",
    "ATEN_CPU_CAPABILITY": "default",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA",
    "TORCH_LOGS": "nonsense",
    "TENSORLY_BACKEND": "nonsense",
    "PYTHONHASHSEED": "7",
    "PYTHONOPTIMIZE": "1",
    "LC_ALL": "de_DE.ISO-8859-1",
    "SOURCE_DATE_EPOCH": "1",
}
NO_LOCKS = """
#include <errno.h>
int flock(int file, int operation) { errno = ENOLCK; return -1; }
"""


@pytest.fixture
def elsewhere(built, tmp_path) -> Path:
    """A working folder with accents and quotes in its path, and with files that jobs must not read."""
    folder = tmp_path / 'l\'été "ici"'
    (folder / ".snakemake").mkdir(parents=True)
    shutil.copytree(built.folder / ".snakemake/cache", folder / ".snakemake/cache")
    for name in ("numpy", "random", "json", "matplotlib"):
        (folder / f"{name}.py").write_text(f"raise SystemExit('{name} of the working folder')\n", encoding="utf-8")
    (folder / "matplotlibrc").write_text("font.family: serif\naxes.grid: True\nlines.linewidth: 3\n", encoding="utf-8")
    return folder


def without_locks(folder: Path) -> dict[str, str]:
    """Return what lets programs run as on a file system that has no locks; nothing where there is no compiler."""
    if not shutil.which("gcc"):
        return {}
    (folder / "no_locks.c").write_text(NO_LOCKS, encoding="utf-8")
    library = str(folder / "no_locks.so")
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, str(folder / "no_locks.c")], check=True)
    return {"LD_PRELOAD": library}


def test_same_bytes_in_a_hostile_place(built, elsewhere, tmp_path):
    environment = {**ENVIRONMENT, "HOME": str(tmp_path), **without_locks(tmp_path)}
    done = subprocess.run(
        [str(SNAKEMAKE), "--snakefile", str(built.folder / "Snakefile"), "--directory", str(elsewhere), "--cores", "2",
         "--config", "scale=smoke", "--", "deep_cp"],
        cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    found = digests(elsewhere / "results/smoke")
    usual = digests(built.folder / "results/smoke")
    assert {Path(name).suffix for name in found} >= {".npz", ".nc", ".json", ".png", ".pdf", ".svg", ".csv"}
    assert found == {name: usual[name] for name in found}


def test_spectra_are_read_where_files_have_no_locks(built, tmp_path):
    if not (variables := without_locks(tmp_path)):
        pytest.skip("needs gcc")
    code = "import pathlib, sys; from greedyrank.spectra import extraction as e; e.load(pathlib.Path(sys.argv[1]))"
    spectra = built.folder / "results/smoke/spectra/det_sign.nc"
    environment = variables | {"PATH": os.environ["PATH"], "PYTHONPATH": str(built.folder / "workflow")}
    done = subprocess.run(
        [sys.executable, "-c", code, str(spectra)], env=environment, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr


MODULE = """
module greedyrank:
    snakefile: "{snakefile}"
    config: {{"scale": "smoke", "results_dir": "out"}}

use rule * from greedyrank as gr_*
"""


def test_as_a_module_of_another_workflow(built, tmp_path):
    (tmp_path / "Snakefile").write_text(MODULE.format(snakefile=built.folder / "Snakefile"), encoding="utf-8")
    words = ["--cores", "1", "--", "out/smoke/data/det_sign/all.npz", "gr_det_sign"]
    checkout = Checkout(tmp_path)
    planned = checkout.run(str(SNAKEMAKE), "--dry-run", *words)
    assert planned.returncode == 0, planned.stdout + planned.stderr
    assert "det_sign: draw" in planned.stdout + planned.stderr
    built_here = checkout.run(str(SNAKEMAKE), *words[:-1])
    assert built_here.returncode == 0, built_here.stdout + built_here.stderr
    file = "data/det_sign/all.npz"
    assert (tmp_path / "out/smoke" / file).read_bytes() == (built.folder / "results/smoke" / file).read_bytes()


# As `snakedeploy deploy-workflow https://github.com/example/greedyrank . --tag v1` writes it.
DEPLOYED = """
configfile: "config/config.yaml"

module greedyrank:
    snakefile:
        github("example/greedyrank", path="Snakefile", tag="v1")
    config:
        config

use rule * from greedyrank
"""
# Git then finds the hosting provider on this machine.
HOSTED = """
[url "{folder}/"]
  insteadOf = https://github.com/
[safe]
  directory = *
[user]
  name = test
  email = test@example.org
"""


@pytest.mark.skipif(not shutil.which("git"), reason="needs git")
def test_deployed_from_a_hosting_provider(built, tmp_path):
    source = tmp_path / "hosted/example/greedyrank"
    shutil.copytree(built.folder, source, symlinks=True, ignore=shutil.ignore_patterns("results", ".snakemake"))
    settings = tmp_path / "gitconfig"
    settings.write_text(HOSTED.format(folder=tmp_path / "hosted"), encoding="utf-8")
    environment = {"GIT_CONFIG_GLOBAL": str(settings), "XDG_CACHE_HOME": str(tmp_path / "cache"), "HOME": str(tmp_path)}
    for words in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "all"], ["tag", "v1"]):
        done = Checkout(source).run("git", *words, env=environment)
        assert done.returncode == 0, done.stderr
    own = Checkout(tmp_path / "project")
    (own.folder / "workflow").mkdir(parents=True)
    (own.folder / "workflow/Snakefile").write_text(DEPLOYED, encoding="utf-8")
    shutil.copytree(source / "config", own.folder / "config")
    own.edit("config/config.yaml", "scale: laptop ", "scale: smoke ")
    file = "results/smoke/data/det_sign/all.npz"
    done = own.run(str(SNAKEMAKE), "--cores", "1", "--", file, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (own.folder / file).read_bytes() == (built.folder / file).read_bytes()
    planned = own.run(str(SNAKEMAKE), "--cores", "1", "--dry-run", "--", "det_sign", env=environment)
    assert "det_sign: draw" in planned.stdout + planned.stderr


def test_through_a_link_to_the_snakefile(built, tmp_path):
    (tmp_path / "Snakefile").symlink_to(built.folder / "Snakefile")
    (tmp_path / "workflow").mkdir()  # as a project of its own has
    planned = Checkout(tmp_path).run(
        str(SNAKEMAKE), "--cores", "1", "--dry-run", "--config", "scale=smoke", "--", "det_sign"
    )
    assert planned.returncode == 0, planned.stdout + planned.stderr
    assert "det_sign: draw" in planned.stdout + planned.stderr


def test_a_page_that_cannot_be_written_says_why_and_no_more(checkout):
    page = checkout.folder / "results/smoke/index.html"
    page.unlink()
    page.mkdir()
    (page / "file").touch()
    done = checkout.snakemake("det_sign", "--forcerun", "check_claims")
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    assert "error: " in output and "index.html" in output
    assert max(map(len, output.splitlines())) < 2000


def test_a_referee_in_a_folder_that_cannot_be_written_reads_one_line(fresh):
    (fresh.folder / ".snakemake").write_text("a file in place of the folder", encoding="utf-8")
    done = fresh.run(sys.executable, "scripts/referee.py", "jing_2020")
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert "Snakemake keeps files of its own there" in line
