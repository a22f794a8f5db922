"""The page says which jobs of a build run, and which failed."""

from __future__ import annotations

import json
import logging
import subprocess
import sys

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

from greedyrank.plan import build_state, snakemake_internals
from greedyrank.report import progress

NOTHING = {"is_running": False, "was_stopped": False, "running": [], "failed": []}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "logs" / "build.json"


@pytest.fixture
def build(path):
    """A build that has begun, and that Snakemake's logger reports to."""
    state = build_state.BuildState(path, lambda: None)
    logger = logging.Logger("snakemake's, of this test")
    state.begin()
    snakemake_internals.report_jobs(logger, state)

    def say(event, **words):
        logger.info("", extra={"event": event, **words})

    return state, say


def start(say, job, what, logs=()):
    say(LogEvent.JOB_INFO, jobid=job, rule_msg=what, rule_name="train", log=list(logs))


def test_jobs_run_end_and_fail(build, path, tmp_path):
    state, say = build
    log = tmp_path / "two.log"
    log.write_text(
        "".join(f"line {number}\n" for number in range(20)) + "error: lower `learning_rate`\n", encoding="utf-8"
    )
    for job, what in ((1, "one: train"), (2, "two: train"), (3, None)):
        start(say, job, what, [str(tmp_path / "missing.log"), str(log)])
    say(LogEvent.JOB_FINISHED, job_id=1)
    say(LogEvent.JOB_ERROR, jobid=2)
    say(LogEvent.JOB_ERROR, jobid=2)  # said twice of a job in a group
    found = progress.read(path)
    assert found["is_running"] and not found["was_stopped"]
    assert found["running"] == [{"what": "train", "minutes": 0}]
    (failed,) = found["failed"]
    assert failed["what"] == "two: train"
    assert failed["lines"].splitlines() == [*(f"line {n}" for n in range(13, 20)), "error: lower `learning_rate`"]
    state.end()
    assert progress.read(path) == {**NOTHING, "failed": [failed]}
    build_state.BuildState(path, lambda: None).begin()
    assert progress.read(path)["failed"] == []


def test_a_build_that_was_killed_was_stopped(build, path):
    _, say = build
    start(say, 1, "one: train")
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    state = {**json.loads(path.read_text(encoding="utf-8")), "process": ended.pid}
    path.write_text(json.dumps(state), encoding="utf-8")
    found = progress.read(path)
    assert found["was_stopped"] and not found["is_running"] and len(found["running"]) == 1


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"process": "x", "running": [1], "failed": 3}'])
def test_without_a_state_nothing_is_known(path, content):
    path.parent.mkdir()
    if content is not None:
        path.write_text(content, encoding="utf-8")
    assert progress.read(path) == NOTHING


def test_a_state_that_cannot_be_written_stops_nothing(tmp_path):
    (tmp_path / "logs").write_text("a file", encoding="utf-8")
    state = build_state.BuildState(tmp_path / "logs" / "build.json", lambda: None)
    state.begin()
    state.started(1, "one", [])
    state.end()


def test_the_page_is_refreshed_now_and_then(path, monkeypatch):
    calls = []
    state = build_state.BuildState(path, lambda: calls.append(json.loads(path.read_text(encoding="utf-8"))))
    state.begin()
    state.started(1, "one", [])
    state.finished(1)
    assert calls == []  # not for every job
    monkeypatch.setattr(build_state, "PATIENCE", -1.0)
    state.started(2, "two", [])
    state.end()  # waits for it
    assert [job["what"] for job in calls[0]["running"]] in (["two"], [])
    assert len(calls) == 1
