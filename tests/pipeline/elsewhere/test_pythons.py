"""Other versions of Python, with the packages of the lock file, find nothing to do and build the same bytes.

They are looked for in ``.venv-3.11``, ``.venv-3.12`` and ``.venv-3.13``; see CONTRIBUTING.md.
"""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from checkout import REPOSITORY, digests

OTHERS = [version for version in ("3.11", "3.12", "3.13") if version != "{}.{}".format(*sys.version_info[:2])]


@pytest.fixture(params=OTHERS)
def snakemake(request):
    """Run Snakemake with another Python in a folder: ``snakemake(checkout, *words)``; returns what it said."""
    python = REPOSITORY / f".venv-{request.param}/bin/python"
    if not python.exists():
        pytest.skip(f"needs {python}")

    def run(checkout, *words: str) -> str:
        command = [str(python), "-P", "-m", *checkout.command("2", *words)]
        done = subprocess.run(command, cwd=checkout.folder, capture_output=True, encoding="utf-8", check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


def test_what_another_python_built_is_up_to_date(snakemake, checkout):
    assert "Nothing to be done" in snakemake(checkout, "--dry-run")


def test_the_same_bytes_are_built(snakemake, checkout):
    before = digests(checkout.folder / "results/smoke")
    shutil.rmtree(checkout.folder / "results")
    shutil.rmtree(checkout.folder / ".snakemake")
    snakemake(checkout, "det_sign", "component_norms", "dmf_sensing")
    after = digests(checkout.folder / "results/smoke")
    assert len(after) > 20
    assert after == {name: before[name] for name in after}
