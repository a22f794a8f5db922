"""Builds through a real Slurm: the same bytes as a local build, whatever happens to jobs and node on the way."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import slurm as one_node
from slurm import NODE, wait_until

from checkout import PAPERS, Checkout, copy_repository, digests, keep_figures

FIGURES = ("det_sign", "singular_values", "component_norms", "image_rank")
SECONDS = 480  # for one build; far more than it takes
# Here jobs take seconds and one file system serves all nodes; and there is no accounting.
IMPATIENT = (
    "--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "3", "--latency-wait", "10",
)  # fmt: skip
ENDED = {"COMPLETED", "CANCELLED", "FAILED", "NODE_FAIL", "TIMEOUT", "OUT_OF_MEMORY"}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A running Slurm; where there cannot be one, the tests fail and say what is missing."""
    if reason := one_node.missing():
        pytest.fail(reason, pytrace=False)
    # A killed test stops what it started, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with one_node.running(tmp_path_factory.mktemp("slurm")) as cluster:
        yield cluster


class Build:
    """Snakemake submitting the jobs of a build, in a process group of its own."""

    def __init__(self, checkout: Checkout, cluster: one_node.Slurm, *words: str):
        self._cluster, self._known = cluster, {job["JobId"] for job in cluster.jobs()}
        self._log = checkout.folder / "build.log"
        config = ("--config", "scale=smoke", f"data_dir={checkout.data}")
        with self._log.open("w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                ["snakemake", *words, "--workflow-profile", "slurm", *IMPATIENT, *config],
                cwd=checkout.folder, env=checkout.environment(), stdout=log, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip

    def __enter__(self) -> Build:
        return self

    def __exit__(self, *_) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    @property
    def output(self) -> str:
        """What Snakemake has said so far."""
        return self._log.read_text(encoding="utf-8")

    def jobs(self, **fields: str) -> list[dict[str, str]]:
        """Return the controller's records of the jobs submitted since the start, those with some fields."""
        new = [job for job in self._cluster.jobs() if job["JobId"] not in self._known]
        return [job for job in new if fields.items() <= job.items()]

    def wait_for(self, wanted: Callable[[dict], bool]) -> dict[str, str]:
        """Return the first job that is as wanted, as soon as there is one."""

        def found():
            assert self.process.poll() is None, self.output
            return next(filter(wanted, self.jobs()), None)

        return wait_until(found, "a job that is as wanted", SECONDS)


def prepared(folder: Path) -> Checkout:
    """Return a copy of the repository with these figures, in fewer jobs than it has: each takes seconds to start."""
    checkout = copy_repository(folder)
    keep_figures(checkout, FIGURES)
    checkout.edit(PAPERS / "razin_cohen_2020/sweeps.yaml", "job_per: [depth, dtype]", "job_per: [depth]")
    checkout.edit(PAPERS / "razin_2021/sweeps.yaml", "job_per: [dataset, images]", "job_per: [dataset]")
    return checkout


@pytest.fixture(scope="module")
def local(tmp_path_factory) -> dict[str, str]:
    """The checksums of an undisturbed build without Slurm."""
    checkout = prepared(tmp_path_factory.mktemp("local"))
    result = checkout.snakemake()
    assert result.returncode == 0, result.stdout + result.stderr
    return digests(checkout.folder / "results/smoke")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Checkout:
    """A copy of the repository in which the builds through Slurm run, one after the other.

    Its profile has been edited as a user's is.
    """
    checkout = prepared(tmp_path_factory.mktemp("cluster"))
    edited = "default-resources:\n  slurm_partition: short\n  slurm_account: my_group\n"
    commented = "".join(f"# {line}\n" for line in edited.splitlines())
    checkout.edit("workflow/profiles/slurm/config.yaml", commented, edited)
    return checkout


@pytest.fixture(scope="module")
def interrupted(checkout, cluster) -> Build:
    """A build stopped by Ctrl-C while jobs run, others wait, and yet others are being submitted.

    One of the two sweeps of a figure has been trained here before.
    """
    trained = [f"results/smoke/runs/det_sign_larger_init/depth-{depth}.npz" for depth in (3, 4)]
    assert checkout.snakemake(*trained).returncode == 0
    with Build(checkout, cluster) as build:
        build.wait_for(lambda job: job["JobState"] == "RUNNING")
        os.killpg(build.process.pid, signal.SIGINT)
        build.process.wait(60)
    return build


@pytest.fixture(scope="module")
def disturbed(checkout, interrupted, cluster) -> Build:
    """The same build taken up again, to its end, although a job is cancelled on the way and the node goes down.

    Nothing can train on a GPU that is none, so some jobs ask for it and train on their CPU.
    """
    with Build(checkout, cluster, "--set-resources", "train_component_norms:gpu=1") as build:
        cancelled = build.wait_for(lambda job: job["JobState"] == "RUNNING")
        cluster.ask("scancel", cancelled["JobId"])
        # In the middle: when a job has started twice Snakemake, it has its first results.
        build.wait_for(lambda job: job["JobState"] == "RUNNING" and job["RunTime"] > "00:00:08")
        cluster.put_node_down()
        wait_until(lambda: not build.jobs(JobState="RUNNING"), "the end of all that ran on the node")
        cluster.resume_node()
        assert build.process.wait(SECONDS) == 0, build.output
    build.cancelled = cancelled["JobId"]
    return build


def test_ctrl_c_cancels_every_submitted_job(interrupted):
    assert interrupted.process.returncode != 0
    wait_until(lambda: {job["JobState"] for job in interrupted.jobs()} <= ENDED, "the end of every job")
    assert interrupted.jobs(JobState="CANCELLED")


def test_every_job_ran_through_slurm(interrupted, disturbed, checkout):
    done = [job for build in (interrupted, disturbed) for job in build.jobs(JobState="COMPLETED")]
    assert {(job["BatchHost"], job["ExitCode"]) for job in done} == {(NODE, "0:0")}
    assert {(job["Partition"], job["Account"]) for job in done} == {("short", "my_group")}
    # What the executor notes of each job: the rules of a group, or the rule and its wildcards. Figures of up to
    # a minute are one job; of a longer one each training job is its own, and so is what follows.
    alone = {
        f"rule_train_{runs.parent.name}_wildcards_{runs.parent.name}_{runs.stem}"
        for sweep in ("component_norms", "image_rank", "singular_values")
        for runs in (checkout.folder / "results/smoke/runs" / sweep).glob("*.npz")
    }
    assert len(alone) == 3 + 2 + 4
    noted = {job["Comment"] for job in done}
    groups = {comment for comment in noted if comment.startswith("rule_figures_")}
    assert noted - groups == alone | {"rule_baseline_wildcards_image_rank"}
    follows = "rule_figures_check_claims_extract_plot_"
    # Of what was left when a build was interrupted, the next one makes other groups.
    for figure, rules in {
        "component_norms": "", "image_rank": "", "singular_values": "", "det_sign": "_train_det_sign",
    }.items():  # fmt: skip
        assert [comment for comment in groups if comment.startswith(f"{follows}{figure}{rules}")], (figure, groups)


def test_a_cancelled_job_is_submitted_again_with_more_memory_and_time(disturbed):
    (cancelled,) = disturbed.jobs(JobId=disturbed.cancelled)
    assert cancelled["JobState"] == "CANCELLED"
    (again,) = disturbed.jobs(Comment=cancelled["Comment"], JobState="COMPLETED")
    for amount in (memory, minutes):
        assert amount(again) == 2 * amount(cancelled)


def test_what_ran_on_a_node_that_went_down_starts_again(disturbed):
    restarted = [job for job in disturbed.jobs() if job["Restarts"] != "0"]
    assert restarted
    assert {job["JobState"] for job in restarted} == {"COMPLETED"}


def test_no_job_leaves_a_process_behind(disturbed, checkout):
    def left():
        found = []
        for link in Path("/proc").glob("[0-9]*/cwd"):
            with contextlib.suppress(OSError):  # it has ended
                if link.readlink() == checkout.folder:
                    found.append(link.parent.name)
        return found

    wait_until(lambda: not left(), "the end of every process of a job")


def test_two_jobs_never_share_the_gpu(disturbed):
    on_gpu = [job for job in disturbed.jobs(JobState="COMPLETED") if job.get("TresPerJob") == "gres:gpu:1"]
    assert len(on_gpu) == 3
    assert all(job["Comment"].startswith("rule_train_component_norms_") for job in on_gpu)
    on_gpu.sort(key=lambda job: job["StartTime"])
    for one, next_one in itertools.pairwise(on_gpu):
        assert next_one["SubmitTime"] < one["EndTime"] <= next_one["StartTime"]  # it waited, in the queue


def test_the_bytes_are_those_of_a_local_build(disturbed, checkout, local):
    assert digests(checkout.folder / "results/smoke") == local


def test_nothing_is_left_to_do_for_a_local_build(disturbed, checkout):
    assert checkout.jobs() == set()


def memory(job: dict[str, str]) -> int:
    """Return the megabytes that a job asked for."""
    return int(re.search(r"mem=(\d+)M", job["TRES"]).group(1))


def minutes(job: dict[str, str]) -> int:
    """Return the minutes that a job asked for."""
    hours, minutes, _ = map(int, job["TimeLimit"].split(":"))
    return 60 * hours + minutes


def test_jobs_that_slurm_would_refuse_are_not_started(cluster, checkout):
    known = len(cluster.jobs())
    result = checkout.snakemake(
        "det_sign", "--forceall", "--workflow-profile", "slurm", "--default-resources", "slurm_partition=nowhere"
    )
    output = result.stdout + result.stderr
    assert result.returncode != 0
    assert output.count("invalid partition specified: nowhere") == 1, output
    assert "Nothing was started" in output
    assert len(cluster.jobs()) == known


REFUSING = """#!/bin/sh
case "$*" in
  *--test-only*) exec {sbatch} "$@" ;;
esac
echo "sbatch: error: Batch job submission failed: Job violates accounting/QOS policy" >&2
exit 1
"""


def test_what_slurm_refuses_later_is_said_once(cluster, checkout, tmp_path):
    program = tmp_path / "sbatch"
    program.write_text(REFUSING.format(sbatch=shutil.which("sbatch")), encoding="utf-8")
    program.chmod(0o755)
    path = os.pathsep.join([str(tmp_path), checkout.environment()["PATH"]])
    result = checkout.snakemake(
        "det_sign", "component_norms", "--forceall", "--workflow-profile", "slurm", *IMPATIENT, "--retries", "0",
        env={"PATH": path},
    )  # fmt: skip
    output = result.stdout + result.stderr
    assert result.returncode != 0
    # On a line of its own; Snakemake says it again of each job that is no group.
    said = [line for line in output.splitlines() if line.startswith("SLURM sbatch failed")]
    assert len(said) == 1, output
    assert "Job violates accounting/QOS policy" in said[0]
