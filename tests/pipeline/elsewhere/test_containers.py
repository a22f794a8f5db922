"""`--sdm apptainer`: all jobs run in the image that the config names, with a stand-in for apptainer."""

from __future__ import annotations

import os
import sys

from checkout import REPOSITORY, Checkout

FILE = "results/smoke/data/det_sign/all.npz"
IMAGE = "images/greedyrank.sif"
# It notes how it is called, and runs the command outside of any image.
APPTAINER = """#!/bin/bash
[ "$1" != --version ] || { echo apptainer version 1.3.0; exit; }
printf '%s\\n' "$@" >> apptainer-calls
exec bash -c "${@: -1}"
"""


def test_jobs_run_in_the_image_with_its_python(tmp_path):
    folder = Checkout(tmp_path)
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "apptainer").write_text(APPTAINER, encoding="utf-8")
    (programs / "apptainer").chmod(0o755)
    (programs / "python").symlink_to(sys.executable)
    done = folder.run(
        *("snakemake", "--snakefile", str(REPOSITORY / "Snakefile"), "--cores", "1", "--sdm", "apptainer"),
        *("--config", "scale=smoke", f"container={IMAGE}", "--", FILE),
        env={"PATH": os.pathsep.join([str(programs), folder.environment()["PATH"]])},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / FILE).is_file()
    said = (tmp_path / "apptainer-calls").read_text(encoding="utf-8")
    assert f"\n{IMAGE}\nbash\n-c\n" in said
    assert " python -IS " in said and sys.executable not in said
