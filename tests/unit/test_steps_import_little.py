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
from greedyrank import training
from greedyrank.problems import completion
plan = json.loads(sys.argv[1])
result = training.train(plan, completion.generate, "cpu")
assert result["loss"].shape == (2, 5)
"""

STEPS = {
    "planning": ("from greedyrank import planning", {"torch", "numpy", "xarray", "matplotlib", "numba", "scipy"}),
    "training on a CPU": (TRAIN, {"torch", "xarray", "matplotlib", "pydantic"}),
    "generating": (
        "from greedyrank.problems import autoencoding, completion, image_classification, movielens",
        {"torch", "xarray", "matplotlib", "pydantic"},
    ),
    "torch steps": ("from greedyrank import descent", {"xarray", "matplotlib", "pydantic"}),
    "extraction": ("from greedyrank import extraction", {"torch", "matplotlib", "pydantic"}),
    "verdicts": ("from greedyrank import verdicts", {"torch", "matplotlib", "pydantic"}),
    "page": ("from greedyrank import page", {"torch", "matplotlib", "pydantic"}),
}


@pytest.mark.parametrize("step", STEPS)
def test_step(step, plan, tmp_path):
    code, unwanted = STEPS[step]
    end = f"\nimport sys\nprint('imported:', *sorted(set(sys.modules) & {unwanted!r}))"
    small = plan("deep_matrix", "gd", axes={"seed": [0, 1]})
    done = subprocess.run(
        [sys.executable, "-c", code + end, json.dumps(small)],
        env={**os.environ, "PYTHONPATH": str(WORKFLOW)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "imported:"
