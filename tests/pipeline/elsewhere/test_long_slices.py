"""Jobs of more runs than the argument of a command can hold."""

from __future__ import annotations

import yaml

from greedyrank import storage

SEEDS = 2000  # some 500 KB of settings; Linux takes 128 KiB as one argument


def test_a_job_of_many_runs_gets_its_settings(fresh):
    many = {"sweeps": {"deep_cp": {"scales": {"smoke": {"axes": {"data_seed": {"count": SEEDS}}}}}}}
    (fresh.folder / "many.yaml").write_text(yaml.safe_dump(many), encoding="utf-8")
    target = "results/smoke/data/deep_cp/all.npz"
    result = fresh.snakemake(target, "--configfile", "many.yaml")
    assert result.returncode == 0, result.stdout + result.stderr
    meta, _ = storage.load_arrays(fresh.folder / target)
    assert len(meta["instances"]) == SEEDS
    assert f"0 to {SEEDS - 1}" in (fresh.folder / "results/smoke/index.html").read_text(encoding="utf-8")
