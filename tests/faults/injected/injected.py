"""Faults inside a job, as ``fault.json`` in the working folder asks: every script of a checkout imports it."""

from __future__ import annotations

import contextlib
import fnmatch
import json
import os
import resource
import signal
import sys
from pathlib import Path

from greedyrank import clean_room

clean_room.enter()  # as every job does, and before numpy is imported

from greedyrank import storage  # noqa: E402

ASKED = Path("fault.json")
FAULT = json.loads(ASKED.read_text(encoding="utf-8")) if ASKED.exists() else {}


def kill_while_writing(pattern: str, size: int) -> None:
    """Kill the whole build once so many bytes of a file are written, whatever library writes them."""
    writing = storage.writing

    @contextlib.contextmanager
    def limited(path):
        with writing(path) as temporary:
            if fnmatch.fnmatch(str(path), pattern):
                # The system cuts the write there, and says so with this signal.
                resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
            yield temporary

    signal.signal(signal.SIGXFSZ, lambda *_: os.killpg(os.getpgrp(), signal.SIGKILL))
    storage.writing = limited


def not_finite(step: int, run: int) -> None:
    """Let a number of one run become NaN right after a step."""
    from greedyrank.training import job

    make = job.make_stepper

    def spoiled(*args):
        stepper = make(*args)
        advance, taken = stepper.advance, 0

        def advance_and_spoil(steps):
            nonlocal taken
            before = max(0, min(steps, step - taken))
            if before and taken + before == step:
                advance(before)
                state = stepper.state()
                name = "first" if "first" in state else "parameter0"
                state[name][run].flat[0] = float("nan")
                stepper.restore(state)
                advance(steps - before)
            else:
                advance(steps)
            taken += steps

        stepper.advance = advance_and_spoil
        return stepper

    job.make_stepper = spoiled


def small_memory(runs: int) -> None:
    """Let no more than so many runs fit into the memory of the device."""
    import torch

    from greedyrank.training import job

    make = job.make_stepper

    def limited(slice_, *rest):
        if len(slice_.runs) > runs:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total capacity")
        return make(slice_, *rest)

    job.make_stepper = limited


if FAULT.get("job", "") in " ".join(sys.argv):
    for name, arguments in FAULT.get("faults", {}).items():
        globals()[name](**arguments)
    if Path(sys.argv[0]).name == "train.py" and "checkpoint_seconds" in FAULT:
        sys.argv += ["--checkpoint-seconds", str(FAULT["checkpoint_seconds"])]
