"""One build of everything at smoke scale, and what a user finds after it."""

from __future__ import annotations

import csv
import json
import subprocess

import pytest
import yaml

from checkout import FIGURES, digests


@pytest.mark.parametrize("figure", FIGURES)
def test_every_figure_has_its_files(built, figure):
    folder = built.folder / "results" / "smoke"
    for ending, start in (("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml"), ("js", b"greedyrankTwin(")):
        assert (folder / "figures" / f"{figure}.{ending}").read_bytes().startswith(start)
    with (folder / "figures" / f"{figure}.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 20
    assert {"panel", "series", "x", "y"} <= set(rows[0])


def test_claims_are_judged_and_shown(built):
    folder = built.folder / "results" / "smoke"
    content = json.loads((folder / "claims.json").read_text(encoding="utf-8"))
    assert content["scale"] == "smoke"
    assert {claim["figure"] for claim in content["claims"]} == set(FIGURES)
    keys = {"id", "figure", "statement", "source", "basis", "published", "measured", "expect", "reason", "verdict"}
    for claim in content["claims"]:
        assert keys | {"control"} <= set(claim)
        assert claim["verdict"] in ("reproduced", "differs", "not checkable at this scale")
    page = (folder / "index.html").read_text(encoding="utf-8")
    for figure in FIGURES:
        assert f"figures/{figure}.png" in page


def test_second_build_has_nothing_to_do(checkout):
    result = checkout.snakemake()
    assert result.returncode == 0
    assert "Nothing to be done" in result.stdout + result.stderr


def test_each_job_logs_its_progress(built):
    log = (built.folder / "results/smoke/logs/train/det_sign/depth-3_dtype-float64.log").read_text(encoding="utf-8")
    assert "det_sign/depth-3_dtype-float64: done: 4 runs" in log


def test_building_twice_gives_the_same_bytes(built, checkout):
    before = digests(built.folder / "results/smoke")
    result = checkout.snakemake("--forceall", "deep_cp", "component_norms")
    assert result.returncode == 0, result.stdout + result.stderr
    assert digests(checkout.folder / "results/smoke") == before


def test_a_claim_that_should_fail_does(checkout):
    path = checkout.folder / checkout.figure("det_sign") / "claims.yaml"
    claims = yaml.safe_load(path.read_text(encoding="utf-8"))
    claims[0]["expect"] = {"near": 2.0, "relative": 0.01}
    path.write_text(yaml.safe_dump(claims), encoding="utf-8")
    assert checkout.jobs() == {"det_sign: check the claims"}
    assert checkout.snakemake("claims").returncode == 0  # a build never fails on a verdict
    judged = json.loads((checkout.folder / "results/smoke/claims/det_sign.json").read_text(encoding="utf-8"))["claims"]
    assert judged[0]["verdict"] == "differs"
    table = checkout.run("python", "scripts/claims_table.py", "results/smoke/claims.json")
    assert table.returncode == 1
    assert "(on record: reproduced)" in table.stdout


def test_provenance_can_be_read_from_every_picture(built):
    records = []
    for ending in ("png", "pdf", "svg"):
        result = built.run("python", "scripts/whence.py", f"results/smoke/figures/det_sign.{ending}")
        assert result.returncode == 0, result.stderr
        records.append(json.loads(result.stdout))
    assert records[0] == records[1] == records[2]
    record = records[0]
    assert record["scale"] == "smoke"
    assert record["sweeps"]["det_sign"]["axes"]["seed"] == [0]
    job = record["jobs"]["det_sign"]["depth-3_dtype-float64"]
    assert job["device"] == "cpu"
    assert set(job) == {"code", "data", "device", "versions"}
    for secret in (
        str(built.folder),
        subprocess.run(["hostname"], capture_output=True, encoding="utf-8").stdout.strip(),
    ):
        assert f'"{secret}' not in json.dumps(record)


def test_report_is_made(checkout):
    result = checkout.snakemake("--report", "report.html")
    assert result.returncode == 0, result.stdout + result.stderr
    text = (checkout.folder / "report.html").read_text(encoding="utf-8")
    assert "The unobserved entry against the loss" in text
    for figure in FIGURES:
        assert f"{figure}.png" in text and f"{figure}.json" in text
