"""The tables of figures and claims in the README of each paper, and that of the papers in the main README.

They are made from figure.yaml and claims.yaml alone: no build is needed.

    python -m greedyrank.report.paper_tables
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import NamedTuple

from greedyrank.config import papers
from greedyrank.config.grammar import BASES
from greedyrank.config.papers import CLAIMS, FIGURE, REPOSITORY, Paper
from greedyrank.config.yaml_input import read_yaml
from greedyrank.errors import UserError
from greedyrank.report import markdown

PAPER_MARKS = ("<!-- table: written by `make record` -->", "<!-- end of table -->")
MAIN_MARKS = ("<!-- figures: written by `make record` -->", "<!-- end of figures -->")
README = "README.md"
EXPLAINED = (
    "Minutes are on 2 cores at laptop scale. Claims are counted by their basis: published, a theorem, or ours.\n\n"
)


class Row(NamedTuple):
    """What a table says of a figure.

    Attributes
    ----------
    name, title : str
        The figure's folder, and its title.
    minutes : float
        On 2 cores at laptop scale, its sweeps included.
    claims : Counter
        How many claims there are, by their basis.
    differing : dict of str to str
        The claims that are known to differ, and their basis.
    """

    name: str
    title: str
    minutes: float
    claims: Counter[str]
    differing: dict[str, str]


def row(paper: Paper, figure: str) -> Row:
    """Return what a table says of a figure, from its figure.yaml and claims.yaml."""
    block, claims = paper.read(figure, FIGURE), read_yaml(paper.folder / figure / CLAIMS)
    if not isinstance(claims, list):
        raise UserError(f"{paper.folder / figure / CLAIMS} holds no list of claims")
    differing = {claim["id"]: claim["basis"] for claim in claims if "known" in claim}
    return Row(figure, block["title"], block["minutes"], Counter(claim["basis"] for claim in claims), differing)


def figures_table(paper: Paper) -> str:
    """Return the figures of a paper, with the number of their claims by basis, and a line of sums."""
    rows = [row(paper, figure) for figure in paper.figures]
    cells = [
        [
            f"[{each.name}]({each.name})",
            each.title,
            f"{each.minutes:g}",
            *(str(each.claims[basis]) for basis in BASES),
            ", ".join(f"`{claim}`" for claim in each.differing),
        ]
        for each in rows
    ]
    if len(rows) > 1:
        sums = [str(sum(each.claims[basis] for each in rows)) for basis in BASES]
        differing = Counter(basis for each in rows for basis in each.differing.values())
        by_basis = ", ".join(f"{differing[basis]} {basis}" for basis in BASES if differing[basis])
        cells.append(["all", "", "", *sums, by_basis])  # no sum of minutes: figures share sweeps
    return EXPLAINED + markdown.table(
        ["figure", "title", "minutes:", *(f"{b}:" for b in BASES), "known to differ"], cells
    )


def title(paper: Paper) -> str:
    """Return the heading of a paper's README.

    Raises
    ------
    UserError
        If its first line is no heading.
    """
    path = paper.folder / README
    first = path.read_text(encoding="utf-8").partition("\n")[0]
    if not first.startswith("# "):
        raise UserError(f"{path} does not begin with a heading, such as: # Authors: Title. Year")
    return first.removeprefix("# ")


def papers_table(found: list[Paper], root: Path) -> str:
    """Return the papers with their figures, one row per paper; links are relative to ``root``."""
    cells = []
    for paper in found:
        rows, folder = [row(paper, figure) for figure in paper.figures], paper.folder.relative_to(root).as_posix()
        shortest, longest = (f"{end(each.minutes for each in rows):g}" for end in (min, max))
        cells.append(
            [
                f"[{paper.name}]({folder})",
                title(paper),
                " ".join(f"`{each.name}`" for each in rows),
                shortest if shortest == longest else f"{shortest} to {longest}",
                *(str(sum(each.claims[basis] for each in rows)) for basis in BASES),
            ]
        )
    bases = [f"claims: {BASES[0]}:", *(f"{basis}:" for basis in BASES[1:])]
    return markdown.table(["target", "paper", "figures, targets too", "minutes each:", *bases], cells)


def filled(path: Path, marks: tuple[str, str], table: str) -> str:
    """Return the text of a file with a table between its marks.

    Raises
    ------
    UserError
        If the marks are not there, each once and in this order.
    """
    text = path.read_text(encoding="utf-8")
    start, end = marks
    before, found_start, rest = text.partition(start)
    _, found_end, after = rest.partition(end)
    if not (found_start and found_end) or text.count(start) + text.count(end) != 2:
        raise UserError(f"{path} needs these two lines, once each: {start} and {end}")
    return f"{before}{start}\n{table}{end}{after}"


def readmes(root: Path = REPOSITORY) -> dict[Path, str]:
    """Return what each README should hold: those of the papers in the repository, and the main one.

    Parameters
    ----------
    root : Path
        The repository.

    Raises
    ------
    UserError
        If a README lacks its heading or its marks.
    """
    found = papers.find([str(root / "workflow" / "papers")])
    texts = {paper.folder / README: filled(paper.folder / README, PAPER_MARKS, figures_table(paper)) for paper in found}
    return {**texts, root / README: filled(root / README, MAIN_MARKS, papers_table(found, root.resolve()))}


def write(root: Path = REPOSITORY) -> list[Path]:
    """Bring the tables of all READMEs up to date; returns the files that changed."""
    changed = [path for path, text in readmes(root).items() if path.read_text(encoding="utf-8") != text]
    for path in changed:
        path.write_text(readmes(root)[path], encoding="utf-8")
    return changed


if __name__ == "__main__":
    for written in write():
        print(f"wrote {written}")
