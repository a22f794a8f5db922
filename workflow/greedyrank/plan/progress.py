"""How far a build is and how long it still takes, by recorded times: jobs take from a second to half an hour.

Only the standard library is used.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

WIDTH = 30  # characters of the bar
SHORT_SECONDS = 5.0  # of a job that does not train, where no time was recorded
FAMILIAR = 60.0  # seconds of building after which the speed so far counts as much as the number of cores


def training_seconds(sweep: str, figures: Mapping[str, tuple[float, list[str]]], jobs: Mapping[str, int]) -> float:
    """Return about how long a training job of a sweep takes, by the minutes that stand in figure.yaml.

    Parameters
    ----------
    sweep : str
        The sweep.
    figures : mapping
        For each figure its minutes on two cores, and its sweeps.
    jobs : mapping
        How many training jobs each sweep has.
    """
    showing = [(minutes, sweeps) for minutes, sweeps in figures.values() if sweep in sweeps]
    return min(
        (120 * minutes / sum(map(jobs.__getitem__, sweeps)) for minutes, sweeps in showing), default=SHORT_SECONDS
    )


def in_words(seconds: float) -> str:
    """Write a time as people do."""
    if seconds < 90:
        return f"{max(round(seconds, -1), 10):.0f} seconds"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.1f} hours"


class Progress:
    """How far a build is.

    Parameters
    ----------
    expected : mapping of int to float
        The seconds that each job takes, by its number.
    cores : int
        How many jobs run at a time.
    clock : callable
        Returns the time in seconds.
    """

    def __init__(self, expected: Mapping[int, float], cores: int, clock: Callable[[], float] = time.monotonic):
        self._left, self._cores, self._clock = dict(expected), cores, clock
        self._total, self._started = sum(expected.values()), clock()

    def finish(self, job: int) -> None:
        """Note that a job has ended well."""
        self._left.pop(job, None)

    def seconds_left(self) -> float:
        """Return the time until the end, at the speed so far; at the beginning, at one second a core and second."""
        left = sum(self._left.values())
        elapsed, done = self._clock() - self._started, self._total - left
        return left * (elapsed + FAMILIAR) / (done + FAMILIAR * self._cores)

    def line(self) -> str:
        """Return a bar, the share of the work that is done, and the time left."""
        share = 1 - sum(self._left.values()) / self._total if self._total else 1.0
        full = int(WIDTH * share)
        left = f"about {in_words(self.seconds_left())} left" if self._left else "done"
        return f"[{'#' * full}{'-' * (WIDTH - full)}] {share:.0%}, {left}"
