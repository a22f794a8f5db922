"""Claims of Ghosh et al. 2025 on runs written down by hand."""

import numpy as np
import pytest

from ghosh_2025.common import ranges
from ghosh_2025.eos_range.statistics import fitted_onset
from greedyrank.errors import UserError
from greedyrank.theory import edge_of_stability
from hand_made import runs, table_test, untested

ONSETS = [edge_of_stability.onset(value, 3) for value in (10.0, 9.5, 9.0)]
STEPS = np.linspace(0.0305, 0.03625, 24)


def diagonals(steps, last, values=("10, 9.5, 9",), **settings):
    """Return runs at step sizes whose singular values have moved by ``last``, (runs, values), in the last step."""
    last = np.atleast_2d(np.asarray(last, dtype=float).T).T
    start = np.zeros_like(last)
    made = runs(
        {"depth": 3, "learning_rate": steps, "target_spectrum": list(values) * len(steps), "data_seed": 0, **settings},
        diagonal=np.stack([start, start, last], 1),
        step=np.tile([0, 1498, 1499], (len(steps), 1)),
    )
    return made.rename(component="place")


def swept(power=0.5, onsets=ONSETS):
    """Return a sweep of steps whose ranges grow from the onsets as a power of the excess."""
    excess = np.maximum(STEPS[:, None] / np.asarray(onsets) - 1, 0)
    return diagonals(STEPS, 15.8 * excess**power)


def growing(power):
    """Return runs just beyond the onset of 10 whose range is a power of the excess, and one that is not."""
    excess = np.array([0.002, 0.004, 0.006, 0.01, 0.015])
    return diagonals((1 + excess) * ONSETS[0], excess[:, None] ** power, values=("10",))


def cycling(error, depth=3):
    """Return runs 5 % and more beyond the onset of 10 whose range is that of theory, but for an error."""
    steps = np.array([1.05, 1.1]) * ONSETS[0]
    cycles = [edge_of_stability.two_cycle(10.0, depth, step) for step in steps]
    return diagonals(steps, [[high - low + error] for low, high in cycles], values=("10",))


def counted(*counts):
    """Return runs at three steps of which so many singular values oscillate."""
    moved = [[1.0] * count + [0.0] * (3 - count) for count in counts]
    return diagonals([0.0325, 0.0345, 0.036][: len(counts)], moved)


def off_axes(*largest):
    return runs({"learning_rate": 0.0335}, off_diagonal=[[0.0, size, 0.0] for size in largest])


def repeating(*periods):
    """Return one run of which singular values repeat after so many records; 0 for never."""
    time = np.arange(100)
    values = [10 + (time % period if period else np.sqrt(time)) for period in periods]
    spectrum = ", ".join(["10"] * len(periods))
    settings = {"depth": 3, "learning_rate": 0.04, "target_spectrum": spectrum}
    return runs(settings, diagonal=np.stack(values, 1)[None]).rename(component="place")


def layered(records, learning_rate=0.1, depth=2):
    """Return one run of scalar layers with these values at each record."""
    settings = {"depth": depth, "learning_rate": learning_rate, "target_spectrum": "5"}
    made = runs(settings, layer_diagonal=np.asarray(records)[None]).rename(component="layer")
    return made.assign(layer_diagonal=made.layer_diagonal.expand_dims("place", -1))


def gaps(first, last, steps=500):
    """Return two layers whose balancing gap falls from one value to another, from the first step to the last."""
    gap = np.geomspace(first, last, steps + 1)
    small = np.ones_like(gap)
    return layered(np.stack([small, np.sqrt(small + gap)], 1))


def branches(off):
    """Return a run 10 % beyond the onset that alternates between the two branches, but for an error."""
    step = 1.1 * ONSETS[0]
    low, high = edge_of_stability.two_cycle(10.0, 3, step)
    values = np.tile([low, high + off], 50)
    settings = {"depth": 3, "learning_rate": step, "target_spectrum": "10"}
    return runs(settings, diagonal=values[None, :, None]).rename(component="place")


def doubling(at, period):
    """Return three runs, of which the one at a share of the onset, and the next, have a period."""
    time = np.arange(100)
    values = [time % 1, time % period, time % period]
    settings = {"depth": 3, "learning_rate": np.array([1.0, at, 1.4]) * ONSETS[0], "target_spectrum": "10"}
    return runs(settings, diagonal=10.0 + np.stack(values)[:, :, None]).rename(component="place")


CASES = {
    "eos_range.onset_of_theory": (swept(), swept(onsets=[1.01 * onset for onset in ONSETS])),
    "eos_range.onset_as_printed": (swept(), swept(onsets=[*ONSETS[:2], 1.01 * ONSETS[2]])),
    "eos_range.none_below": (counted(0), counted(1)),
    "eos_range.one_by_one": (counted(1, 2, 3), counted(1, 2, 2)),
    "eos_range.range_of_theory": (cycling(1e-4), cycling(1e-2)),
    "eos_range.square_root": (growing(0.5), growing(0.44)),
    "eos_range.rotated_leaves_the_diagonal": (off_axes(0.2, 3.0), off_axes(3.0, 1e-9)),
    "eos_layers.one_oscillates": (repeating(4, 1, 1), repeating(4, 2, 1)),
    "eos_layers.period_two": (repeating(2, 1, 1), repeating(4, 1, 1)),
    "eos_layers.period_four": (repeating(4, 1, 1), repeating(0, 1, 1)),
    "eos_layers.balanced_where_it_oscillates": (
        layered([[0.1, 0.2, 0.3], [2.0, 2.1, 2.1]], depth=3),
        layered([[0.1, 0.2, 0.3], [2.1, 2.1, 2.1 + 1e-6]], depth=3),
    ),
    "eos_balancing.frozen_below": (gaps(2.8, 2.4), gaps(2.8, 2.2)),
    "eos_balancing.shrinks_at_the_edge": (gaps(2.8, 0.45), gaps(2.8, 0.39)),
    "eos_balancing.vanishes_beyond": (gaps(2.8, 1e-12), gaps(2.8, 1e-3)),
    "eos_balancing.never_grows": (gaps(2.8, 0.4), gaps(2.8, 2.9)),
    "eos_balancing.never_grows.control": (
        layered([[1.0, 1.0], [2.0, 2.0]]),
        layered([[1.0, 1.0], [0.5, 0.5]]),
    ),
    "eos_balancing.ends_at_the_edge": (
        layered([[1.0, 1.0], [2.2, 2.27]], learning_rate=0.2),
        layered([[1.0, 1.0], [2.2, 2.27]], learning_rate=0.18),
    ),
    "eos_bifurcation.on_the_branches": (branches(0.0), branches(0.01)),
    "eos_bifurcation.period_four": (doubling(1.245, 4), doubling(1.25, 2)),
    "eos_bifurcation.period_eight": (doubling(1.304, 8), doubling(1.32, 8)),
}

test_a_claim_holds_where_it_should_and_fails_where_it_should = table_test(CASES)


def test_every_statistic_has_a_case():
    assert untested("ghosh_2025", CASES) == []


def test_a_run_that_has_no_oscillation_range_is_named():
    made = diagonals([0.031], [[1.0]], values=("10",))
    made["step"] = ("run", "record"), [[0, 1000, 1499]]
    with pytest.raises(UserError, match="the last two records of a run are of steps 1000 and 1499; record step 1498"):
        ranges(made)


def test_an_onset_between_two_steps_of_the_grid_is_found():
    ranges = np.sqrt(np.maximum(STEPS - 0.03113, 0) * 1e4)
    assert abs(fitted_onset(STEPS, ranges, 4, (2, 4)) - 0.03113) < 1e-9
