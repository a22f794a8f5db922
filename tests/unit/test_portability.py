"""Builds beside each other: what differs in files, statistics and verdicts, and the table of it."""

import json
import shutil

import numpy as np
import pytest
import xarray as xr

from greedyrank import storage
from greedyrank.report import comparison, portability
from greedyrank.spectra import extraction

CLAIM = {"id": "one", "verdict": "reproduced", "measured": 5.0, "range": [4.0, 6.0], "margin": 0.5}


def write_claims(results, *claims, figure="planted"):
    path = results / "claims" / f"{figure}.json"
    with storage.writing_checked(path) as temporary:
        temporary.write_text(json.dumps({"format": 2, "scale": "laptop", "claims": list(claims)}), encoding="utf-8")


@pytest.fixture
def builds(tmp_path):
    """Two folders with the same results, of other settings and versions."""
    for name in ("base", "other"):
        results = tmp_path / name
        arrays = {"loss": np.arange(3.0), "step": np.arange(3)}
        storage.save_arrays(results / "runs/sweep/all.npz", {"slice": name}, arrays)
        measured = xr.Dataset({"value": ("run", np.arange(2.0))}).assign_coords(engine=("run", [name] * 2))
        extraction.save(results / "spectra/sweep.nc", measured)
        write_claims(results, CLAIM, {**CLAIM, "id": "two", "margin": None})
    return tmp_path / "base", tmp_path / "other"


def test_builds_that_differ_in_settings_alone_are_the_same(builds):
    assert comparison.of_files(*builds) == {"data": [0, 0], "runs": [0, 1], "baselines": [0, 0], "spectra": [0, 1]}
    claims = comparison.of_claims(*builds)
    assert [claim["id"] for claim in claims] == ["one", "two"]
    assert comparison.changed_verdicts(claims) == []
    assert comparison.largest_change(claims) == (0.0, "")


def test_a_bit_of_a_number_is_seen(builds):
    base, other = builds
    arrays = {"loss": np.nextafter(np.arange(3.0), 9), "step": np.arange(3)}
    storage.save_arrays(other / "runs/sweep/all.npz", {}, arrays)
    extraction.save(other / "spectra/sweep.nc", xr.Dataset({"value": ("run", np.array([0.0, -1.0]))}))
    assert comparison.of_files(base, other)["runs"] == [1, 1]
    assert comparison.of_files(base, other)["spectra"] == [1, 1]


def test_a_verdict_that_hangs_on_rounding_is_named(builds):
    base, other = builds
    write_claims(other, {**CLAIM, "verdict": "differs", "measured": 7.0, "range": [4.0, 9.0], "margin": -1.5})
    found = portability.compare(portability.VARIANTS[0], base, other)
    assert (found["claims"], found["statistics"], found["figures"]) == (1, 1, ["planted"])
    assert found["largest"] == {"tolerances": 2.0, "claim": "planted.one"}
    assert [claim["verdicts"] for claim in found["verdicts"]] == [["reproduced", "differs"]]
    text = portability.document([found])
    assert "| torch without vector units | `ATEN_CPU_CAPABILITY=default` |" in text
    assert "| 1 of 1 | 2 (planted.one) | 1 of 1 |" in text
    assert "- torch without vector units: planted.one: differs, 7 (4 to 9); before: reproduced, 5 (4 to 6)" in text


def test_figures_of_one_build_alone_are_left_out(builds):
    base, other = builds
    shutil.rmtree(other / "claims")
    write_claims(base, CLAIM, figure="another")
    assert comparison.of_claims(base, other) == []


def test_what_was_found_of_other_variants_is_kept(tmp_path, builds):
    path, docs = tmp_path / "portability.json", tmp_path / "portability.md"
    for variant in portability.VARIANTS[:2]:
        found = portability.read(path)
        found[variant.name] = portability.compare(variant, *builds)
        portability.write(path, found, docs)
    assert list(portability.read(path)) == ["torch-default", "torch-avx2"]
    assert docs.read_text(encoding="utf-8").count("| 0 of 2 |") == 4


def test_variants_have_different_names_and_change_something():
    names = [variant.name for variant in portability.VARIANTS]
    assert len(set(names)) == len(names)
    assert all(bool(variant.processor) != bool(variant.settings) for variant in portability.VARIANTS)
    assert [variant.settings for variant in portability.VARIANTS][-5:] == [{"nudge_seed": seed} for seed in range(5)]
