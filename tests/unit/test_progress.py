"""The bar of a build goes by recorded times, not by the number of jobs."""

from __future__ import annotations

import pytest

from greedyrank.plan import progress


class Clock:
    """A clock that tests set."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_the_share_is_of_time_not_of_jobs():
    bar = progress.Progress({1: 90.0, 2: 5.0, 3: 5.0}, cores=1, clock=Clock())
    bar.finish(2)
    bar.finish(3)
    assert "10%" in bar.line()
    bar.finish(1)
    assert bar.line().endswith("100%, done")


def test_the_time_left_begins_with_the_recorded_one_and_follows_the_speed_so_far():
    clock = Clock()
    bar = progress.Progress({job: 100.0 for job in range(60)}, cores=2, clock=clock)
    assert bar.seconds_left() == pytest.approx(3000)
    for job in range(30):
        bar.finish(job)
    clock.seconds = 3000.0  # twice as long as was recorded
    assert 2 * 1500 * 0.9 < bar.seconds_left() < 2 * 1500


def test_a_job_that_failed_or_is_unknown_changes_nothing():
    bar = progress.Progress({1: 10.0}, cores=2, clock=Clock())
    bar.finish(7)
    assert "0%" in bar.line()


def test_no_job_at_all():
    assert "100%" in progress.Progress({}, cores=2, clock=Clock()).line()


@pytest.mark.parametrize("content", ["", "s\th:m:s\n", "s\tx\nNA\t1\n"])
def test_damaged_benchmarks_are_no_times(tmp_path, content):
    path = tmp_path / "b.tsv"
    path.write_text(content, encoding="utf-8")
    assert progress.recorded_seconds(path) is None
    assert progress.recorded_seconds(tmp_path / "nothing") is None


def test_recorded_and_expected_seconds(tmp_path):
    path = tmp_path / "b.tsv"
    path.write_text("s\th:m:s\n3.96\t0:00:03\n", encoding="utf-8")
    assert progress.recorded_seconds(path) == 3.96
    figures = {"one": (2.0, ["a", "b"]), "two": (1.0, ["a"])}
    assert progress.training_seconds("b", figures, {"a": 6, "b": 2}) == 2 * 120 / 8
    assert progress.training_seconds("a", figures, {"a": 6, "b": 2}) == 120 / 6


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "10 seconds"), (61, "60 seconds"), (600, "10 minutes"), (3 * 3600, "3.0 hours")],
)
def test_times_in_words(seconds, words):
    assert progress.in_words(seconds) == words
