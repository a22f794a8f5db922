"""Where the statistics of claims are looked for."""

from __future__ import annotations

SHARED_STATISTICS = "greedyrank.claims.statistics"


def statistic_modules(paper: str, figure: str, reference: str) -> tuple[list[str], str]:
    """Return the modules in which a statistic is looked for, in this order, and its name there.

    Parameters
    ----------
    paper, figure : str
        Where the claim stands.
    reference : str
        ``name``: in the figure's statistics.py, the paper's common.py, or the engine's shared statistics.
        ``other.name``: in the statistics.py of another figure of the paper.
    """
    other, _, name = reference.rpartition(".")
    if other:
        return [f"{paper}.{other}.statistics"], name
    return [f"{paper}.{figure}.statistics", f"{paper}.common", SHARED_STATISTICS], name
