"""Configs many times as large as the paper scale's, and what it takes to plan them: ``make plan-bench``."""

from __future__ import annotations

import math
import os
import re
import subprocess
import tempfile
import time
from pathlib import Path

import yaml

from greedyrank.config import loading, yaml_input
from greedyrank.config.settings.factorizations import FACTORIZATIONS
from greedyrank.config.settings.problems import PROBLEMS
from greedyrank.config.sweeps import Slice
from greedyrank.plan.graph import Plan

ROOT = Path(__file__).parents[1]


def load() -> dict:
    """Return the config of this repository at paper scale, for GPUs: planning then asks for no memory of here."""
    return {**yaml_input.read_yaml(ROOT / "config.yaml"), "scale": "paper", "device": "cuda"}


def _overlay(changes: dict[str, dict]) -> dict:
    """Return the config that changes sweeps at paper scale, to be laid over the other with ``--configfile``."""
    return {"sweeps": {name: {"scales": {"paper": change}} for name, change in changes.items()}}


def runs_of(whole: Slice) -> int:
    """Return the number of runs of a sweep, without making them."""
    return sum(math.prod(map(len, {**whole.axes, **case}.values())) for case in whole.cases or [{}])


def more_runs(raw: dict, times: int) -> dict:
    """Return an overlay with so many times the seeds of every sweep, in the same jobs.

    A sweep whose only seed splits its jobs keeps it.
    """
    changes = {}
    for name, sweep in loading.load(raw).sweeps.items():
        whole = sweep.whole
        models = PROBLEMS[whole.problem], FACTORIZATIONS[whole.factorization]
        seeds = [
            seed
            for seed in ("seed", "data_seed")
            if any(seed in model.model_fields for model in models) and seed not in sweep.job_per
        ]
        varied = {*whole.axes}.union(*whole.cases)
        seed = next((seed for seed in seeds if seed in varied), next(iter(seeds), None))
        tied = {case["data_seed"][0] for case in whole.cases if case.get("sensing_seed") == case.get("data_seed", [])}
        if tied:  # `with_data_seed`: an axis in the file, and cases once it is read
            changes[name] = {"axes": {"data_seed": {"count": times * len(tied)}}}
        elif any(seed in case for case in whole.cases):
            cases = [{**case, seed: {"count": times * len(case[seed])}} for case in whole.cases]
            changes[name] = {"cases": cases}
        elif seed:
            changes[name] = {"axes": {seed: {"count": times * len(whole.axes.get(seed, [0]))}}}
    return _overlay(changes)


def more_jobs(raw: dict, jobs: int) -> dict:
    """Return an overlay in which many sweeps train each of more inits in a job of its own: about so many jobs."""
    plan = Plan(raw)
    seeded = {
        name: sweep
        for name, sweep in plan.sweeps.items()
        if len(plan.jobs[name]) > 1 and not any("seed" in part for part in (sweep.whole.axes, *sweep.whole.cases))
    }
    each = {"seed": {"count": round(jobs / sum(len(plan.jobs[name]) for name in seeded))}}
    return _overlay({name: {"axes": each, "job_per": [*sweep.job_per, "seed"]} for name, sweep in seeded.items()})


def one_wide_sweep(jobs: int) -> dict:
    """Return an overlay in which one sweep has so many jobs."""
    learning_rates, dtypes = 7, 2
    change = {
        "axes": {"seed": {"count": -(-jobs // (learning_rates * dtypes))}},
        "job_per": ["dtype", "learning_rate", "seed"],
    }
    return _overlay({"det_sign_step_size": change})


def _planned(words: list[str]) -> tuple[str, float, float, float]:
    """Run Snakemake in a process of its own; return its output, seconds, CPU seconds and MB."""
    started = time.perf_counter()
    with subprocess.Popen(
        words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
    ) as process:
        output = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(output)
    return output, time.perf_counter() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def measure(overlay: dict) -> str:
    """Return a row: jobs; seconds, CPU seconds and MB to build the job graph; CPU seconds to list every job too."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "overlay.yaml"
        file.write_text(yaml.safe_dump(overlay), encoding="utf-8")
        settled = ["--configfile", str(file), "--config", "scale=paper", "device=cuda", f"results_dir={folder}/results"]
        _, seconds, graph, memory = _planned(["snakemake", "--cores", "1", "--dag", *settled])
        output, _, listing, _ = _planned(["snakemake", "--cores", "1", "--dry-run", *settled])
    jobs = re.search(r"^total +(\d+)", output, re.MULTILINE)[1]
    return f"{int(jobs):6} {seconds:8.1f} {graph:8.1f} {memory:8.0f} {listing:8.1f}"


if __name__ == "__main__":
    paper = load()
    print(f"{'':30} {'jobs':>6} {'seconds':>8} {'of CPU':>8} {'MB':>8} {'-n, CPU':>8}")
    for name, overlay in {
        "paper scale": {"scale": "paper"},
        "a hundred times more runs": more_runs(paper, 100),
        "10,000 jobs": more_jobs(paper, 10_000),
        "10,000 jobs of one sweep": one_wide_sweep(10_000),
    }.items():
        print(f"{name:30} {measure(overlay)}", flush=True)
