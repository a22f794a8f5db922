"""The comparison of two devices, on one device: equal where nothing differs, told where something does."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from greedyrank.benchmarks import device_parity as equivalence
from greedyrank.config.sweeps import Slice
from greedyrank.data.instances import generator
from greedyrank.training import job

REPOSITORY = Path(__file__).parents[2]
TWICE = ("cpu", "cpu")


def compared(small, devices=TWICE):
    return equivalence.compare(small, generator(small.problem, None), devices)


@pytest.mark.parametrize(
    ("factorization", "optimizer", "names"),
    [
        ("deep_matrix", "gd", {"singular_values", "norm"}),
        ("cp", "group_rmsprop", {"component_norm", "singular_values", "norm"}),
        ("tucker", "adam", {"slice_norm", "column_norm", "singular_values", "norm"}),
        ("hierarchical", "group_rmsprop", {"component_norm", "pair_component_norm", "singular_values", "norm"}),
    ],
)
def test_a_device_agrees_with_itself(make_slice, factorization, optimizer, names):
    small = equivalence.shortened(make_slice(factorization, optimizer, axes={"seed": [0, 1]}), 30)
    rows = compared(small)
    assert set(rows) == names | {"loss", "flow_time", "relative_error"}
    assert all(row == {"largest": 0.0, "at": 0, "parts": None} for row in rows.values())


@pytest.mark.parametrize(
    ("kick", "dtype", "parts"), [(1e-2, "float32", 30), (1e-5, "float32", None), (1e-5, "float64", 30)]
)
def test_it_tells_from_which_record_on_they_part(make_slice, monkeypatch, kick, dtype, parts):
    small = equivalence.shortened(make_slice("cp", "gd", axes={"seed": [0, 1, 2]}, dtype=dtype), 60)
    make, made = job.make_stepper, []

    def kicked(*args):
        stepper = make(*args)
        made.append(stepper)
        if len(made) == 1:
            advance = stepper.advance

            def advance_and_kick(steps):
                before = stepper._step
                advance(steps)
                if before < 29 <= stepper._step:
                    stepper.model.parameters[0][1].mul_(1 + kick)  # one run of three

            stepper.advance = advance_and_kick
        return stepper

    monkeypatch.setattr(job, "make_stepper", kicked)
    rows = compared(small)
    for name in ("norm", "component_norm", "singular_values"):
        assert rows[name]["parts"] == parts
        assert kick / 100 < rows[name]["largest"] < kick * 100 + 1e-6
        assert rows[name]["at"] >= (parts or 0)


def test_differences_are_relative_to_the_largest_entry_of_a_run_and_record():
    theirs = np.array([[[1.0, 2.0], [4.0, 1.0]], [[10.0, np.nan], [0.0, 0.0]]])  # (runs, records, entries)
    ours = np.array([[[1.0, 2.0], [4.0, 1.4]], [[10.5, np.nan], [0.0, 0.0]]])
    np.testing.assert_allclose(equivalence.differences(ours, theirs), [0.05, 0.1])
    assert equivalence.differences(np.array([[np.nan]]), np.array([[1.0]])) == np.inf
    assert equivalence.differences(np.array([[1.0]]), np.array([[np.nan]])) == np.inf


def test_singular_values_are_those_between_the_halves_of_the_modes():
    tensors = np.random.default_rng(0).standard_normal((2, 3, 2, 3, 4))
    found = equivalence.invariants({"step": None, "stop_step": None, "end_to_end": tensors})
    expected = np.linalg.svd(tensors[1, 2].reshape(6, 4))[1]
    np.testing.assert_allclose(found["singular_values"][1, 2], expected)
    np.testing.assert_allclose(found["norm"], np.sqrt((tensors**2).sum((2, 3, 4))))
    assert set(found) == {"singular_values", "norm"}


def test_a_shortened_slice_has_runs_from_all_of_the_job(make_slice):
    cases = [{"learning_rate": [0.1, 0.2]}, {"learning_rate": [0.3]}]
    whole = make_slice("deep_matrix", "gd", cases=cases, axes={"seed": [0, 1, 2]}, stop={"loss": 0.1, "max_steps": 7})
    short = equivalence.shortened(whole, 40).runs
    runs = whole.runs
    assert len(runs) == 9
    data = [{key: run[key] for key in run.keys() - {"stop", "record"}} for run in short]
    assert data == [{key: run[key] for key in run.keys() - {"stop", "record"}} for run in (runs[0], runs[3], runs[6])]
    assert {(run["stop"]["max_steps"], run["stop"]["loss"], run["record"]["every"]) for run in short} == {(40, 0.0, 2)}


WITHOUT = ("pydantic", "yaml", "snakemake", "scipy", "numba", "xarray", "matplotlib")
RUN = (
    f"import sys, runpy\nsys.modules |= dict.fromkeys({WITHOUT})\nrunpy.run_path(sys.argv.pop(1), run_name='__main__')"
)


def script(tmp_path, *words, code=RUN):
    return subprocess.run(
        [sys.executable, "-c", code, str(REPOSITORY / "scripts/compare_devices.py"), *words],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "workflow")},
        cwd=REPOSITORY,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def test_a_machine_with_torch_and_numpy_alone_compares(make_slice, tmp_path):
    slices = {"matrices": equivalence.shortened(make_slice("deep_matrix", "gd", depth=2, axes={"seed": [0, 1]}), 10)}
    slices["tensors"] = equivalence.shortened(make_slice("cp", "group_rmsprop"), 10)
    slices["images"] = equivalence.shortened(make_slice("binary_cp", "adam"), 10)
    given, out = tmp_path / "slices.json", tmp_path / "devices.json"
    given.write_text(json.dumps({name: small.to_json() for name, small in slices.items()}), encoding="utf-8")
    result = script(
        tmp_path, "--slices", str(given), "--devices", *TWICE, "--data-dir", str(tmp_path), "--out", str(out)
    )
    assert result.returncode == 0, result.stderr
    assert "images is left out: " in result.stderr
    report = json.loads(out.read_text(encoding="utf-8"))
    assert set(report["sweeps"]) == {"matrices", "tensors"}
    assert report["sweeps"]["matrices"]["invariants"]["loss"] == {"largest": 0.0, "at": 0, "parts": None}
    assert "never" in result.stdout


def test_the_slices_of_the_config_are_written(tmp_path):
    path = tmp_path / "slices.json"
    code = "import sys, runpy\nrunpy.run_path(sys.argv.pop(1), run_name='__main__')"
    result = script(tmp_path, "--save-slices", str(path), "--steps", "7", code=code)
    assert result.returncode == 0, result.stderr
    slices = {name: Slice(**small) for name, small in json.loads(path.read_text(encoding="utf-8")).items()}
    assert {small.factorization for small in slices.values()} == {
        "deep_matrix", "cp", "tucker", "hierarchical", "binary_cp",
    }  # fmt: skip
    assert all(0 < len(small.runs) <= equivalence.RUNS for small in slices.values())


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is here")
def test_without_a_gpu_it_says_so(make_slice, tmp_path):
    given, out = tmp_path / "slices.json", tmp_path / "devices.json"
    small = equivalence.shortened(make_slice("cp", "group_rmsprop"), 10)
    given.write_text(json.dumps({"tensors": small.to_json()}), encoding="utf-8")
    result = script(tmp_path, "--slices", str(given), "--data-dir", str(tmp_path), "--out", str(out))
    assert result.returncode == 0, result.stderr
    assert "nothing is compared" in result.stderr
    assert "sees none here" in result.stderr
    assert not out.exists()
