"""Each stage imports only what it needs: planning is quick, and a bare GPU machine can train."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

WORKFLOW = Path(__file__).resolve().parents[2] / "workflow"

TRAIN = """
import json, sys
from greedyrank.config.sweeps import Slice
from greedyrank.problems import completion
from greedyrank.training import job
result = job.train(Slice(**json.loads(sys.argv[1])), completion.generate, "cpu")
assert result["loss"].shape == (2, 5)
"""
PROBLEMS = "from greedyrank.problems import autoencoding, completion, image_classification, movielens, sensing"

STEPS = {
    "planning": (
        "from greedyrank.plan import graph",
        {"torch", "numpy", "xarray", "matplotlib", "numba", "scipy"},
    ),
    "training on a CPU": (TRAIN, {"torch", "xarray", "matplotlib", "pydantic"}),
    "generating": (PROBLEMS, {"torch", "xarray", "matplotlib", "pydantic"}),
    "torch steps": ("from greedyrank.training import stepper", {"xarray", "matplotlib", "pydantic"}),
    "contracts": ("from greedyrank.training import base, protocols", {"torch", "xarray", "matplotlib", "pydantic"}),
    "extraction": ("from greedyrank.spectra import extraction", {"torch", "matplotlib"}),
    "verdicts": ("from greedyrank.claims import judging", {"torch", "matplotlib"}),
    "page": ("from greedyrank.report import page", {"torch", "matplotlib"}),
    "a command line": (
        "from greedyrank import command_line, stages",
        {"torch", "numba", "scipy", "xarray", "matplotlib"},
    ),
}


@pytest.mark.parametrize("step", STEPS)
def test_step(step, make_slice, tmp_path):
    code, unwanted = STEPS[step]
    end = f"\nimport sys\nprint('imported:', *sorted(set(sys.modules) & {unwanted!r}))"
    small = make_slice("deep_matrix", "gd", axes={"seed": [0, 1]})
    done = subprocess.run(
        [sys.executable, "-c", code + end, json.dumps(small.to_json())],
        env={**os.environ, "PYTHONPATH": str(WORKFLOW)},
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "imported:"
