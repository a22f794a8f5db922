"""Which card a job takes, and what it does without one."""

import errno
import fcntl
import os
import subprocess
import sys

import pytest
import torch

from greedyrank.errors import UserError
from greedyrank.training import devices

TAKE = """
import sys
from pathlib import Path
from greedyrank.training import devices
print(devices.take_card(["GPU-1a", "GPU-2b"], Path(sys.argv[1])), flush=True)
input()
"""


def test_jobs_spread_over_the_cards_and_free_them(tmp_path):
    jobs = []

    def start():
        job = subprocess.Popen(
            [sys.executable, "-c", TAKE, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
        )
        jobs.append(job)
        return int(job.stdout.readline())

    try:
        assert [start() for _ in range(5)] == [0, 1, 0, 1, 0]
        jobs[1].kill()
        jobs[1].wait()
        assert start() == 1
    finally:
        for job in jobs:
            job.kill()
            job.communicate()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP])
def test_a_job_finds_a_card_where_files_have_no_locks(tmp_path, monkeypatch, number):
    def refuse(file, operation):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    assert devices.take_card(["GPU-1a", "GPU-2b"], tmp_path) in (0, 1)


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is here")
def test_without_a_gpu_the_error_says_what_to_set():
    with pytest.raises(UserError, match="sees none here: set `device: cpu`"):
        devices.prepare("cuda")
    assert devices.prepare("cpu") == "cpu"
