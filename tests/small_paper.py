"""A paper of one sweep and one figure, in a folder that tests change."""

from __future__ import annotations

from pathlib import Path

import yaml

DRAW = """
from typing import Literal


def draw(sweeps, published, *, width: Literal["column", "text"] = "text", entry_max: float = 1.0):
    raise NotImplementedError
"""
STATISTICS = """
def last_entry(runs):
    return 0.0


def entry_at_loss(runs, *, loss: float):
    return loss
"""
FIGURE = {"title": "t", "paper": "p", "minutes": 1, "sweeps": ["small"], "measures": ["determinant"]}
CLAIM = {
    "id": "one",
    "statement": "s",
    "source": "s",
    "basis": "ours",
    "runs": {"seed": 0},
    "statistic": "entry_at_loss",
    "at": {"loss": 0.1},
    "expect": {"above": 1.0},
    "reason": "r",
    "control": {"seed": 1},
}


class SmallPaper:
    """The folder of a paper.

    Parameters
    ----------
    folder : Path
        Where it is made; its name is that of the paper.
    sweep : dict
        Its sweep ``small``, as it stands in sweeps.yaml.
    """

    def __init__(self, folder: Path, sweep: dict):
        self.folder = folder
        self.sweeps: dict[str, dict] = {"small": sweep}
        self.add_figure("small_figure")

    def add_figure(self, name: str, **changes) -> Path:
        """Write the folder of a figure, with some settings changed; return it."""
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "figure.yaml").write_text(yaml.safe_dump({**FIGURE, **changes}), encoding="utf-8")
        (folder / "draw.py").write_text(DRAW, encoding="utf-8")
        (folder / "statistics.py").write_text(STATISTICS, encoding="utf-8")
        (folder / "caption.rst").write_text("A caption.\n", encoding="utf-8")
        self.write_claims(CLAIM, figure=name)
        return folder

    def write_claims(self, *claims: dict, figure: str = "small_figure") -> None:
        """Write the claims of a figure."""
        (self.folder / figure / "claims.yaml").write_text(yaml.safe_dump(list(claims)), encoding="utf-8")

    def raw(self, **settings) -> dict:
        """Write the sweeps, and return a config of this paper alone."""
        (self.folder / "sweeps.yaml").write_text(yaml.safe_dump(self.sweeps), encoding="utf-8")
        return {"papers": [str(self.folder)], **settings}
