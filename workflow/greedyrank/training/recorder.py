"""The records of a group of runs: rows that come in as training goes, and the padded arrays that they become."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from greedyrank.training.protocols import Arrays


def _padding(column: np.ndarray) -> float:
    """Return what stands where a run has no more records: -1 among integers, such as steps, NaN otherwise."""
    return -1 if column.dtype.kind == "i" else np.nan


class Recorder:
    """Rows of one run each: step, flow time, loss, observables."""

    def __init__(self) -> None:
        self._rows: dict[str, list[np.ndarray]] = {}

    def add(self, runs: np.ndarray, columns: Arrays) -> None:
        """Append one row for each of ``runs``, indices; the first axis of each column is all runs of the group."""
        for name, column in {**columns, "run": np.arange(len(columns["loss"]))}.items():
            self._rows.setdefault(name, []).append(column[runs])

    def table(self) -> Arrays:
        """Return all rows, one array a column."""
        return {name: np.concatenate(parts) for name, parts in self._rows.items()}

    def restore(self, table: Arrays) -> None:
        """Go on from what `table` returned."""
        self._rows = {name: [column] for name, column in table.items()}

    def by_run(self, runs: int, width: int = 1) -> Arrays:
        """Return each column as (runs, records, ...), padded with NaN, or with -1 in columns of integers.

        ``width`` consecutive rows of a run belong together; the last ones of a run are left out if they are fewer.
        """
        table = self.table()
        owner = table.pop("run")
        position = np.zeros(len(owner), dtype=np.int64)
        counts = np.bincount(owner, minlength=runs)
        for run in range(runs):
            position[owner == run] = np.arange(counts[run])
        counts -= counts % width
        whole = position < counts[owner]
        padded = {}
        for name, column in table.items():
            shape = (runs, counts.max(initial=0), *column.shape[1:])
            padded[name] = np.full(shape, _padding(column), dtype=column.dtype)
            padded[name][owner[whole], position[whole]] = column[whole]
        return padded


def joined(parts: Sequence[Arrays]) -> Arrays:
    """Return the records of several groups as those of one group of all their runs, padded as in `Recorder.by_run`."""
    found = {}
    for name in parts[0]:
        columns = [part[name] for part in parts]
        shape = np.max([column.shape[1:] for column in columns], axis=0)
        padded = [
            np.pad(
                column,
                [(0, 0), *((0, most - size) for most, size in zip(shape, column.shape[1:], strict=True))],
                constant_values=_padding(columns[0]),
            )
            for column in columns
        ]
        found[name] = np.concatenate(padded)
    return found
