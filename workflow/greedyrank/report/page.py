"""One page with all figures, and one file with all claims."""

from __future__ import annotations

import logging
import shutil
from importlib import resources
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from greedyrank import storage
from greedyrank.claims import judged_files
from greedyrank.report import page_content, record

logger = logging.getLogger(__name__)


def collect(results: Path, figures: list[str]) -> tuple[list[dict], dict[str, str]]:
    """Return the judged claims of the figures whose claims have been checked, and what is wrong with others' files."""
    found: list[dict] = []
    wrong: dict[str, str] = {}
    for figure in figures:
        path = results / "claims" / f"{figure}.json"
        try:
            found += judged_files.load(path) if path.exists() else []
        except judged_files.OtherFormat as error:
            logger.warning("%s", error)
        except storage.CorruptFile as error:
            wrong[figure] = str(error)
    return found, wrong


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("greedyrank.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    words = (record.number, record.expectation, record.measured, record.holding, record.margin)
    environment.filters.update({function.__name__: function for function in words})
    return environment


def render(content: dict) -> str:
    """Return the page; ``content`` as `page_content.content` returns it."""
    return _environment().get_template("page.html").render(content)


def write(results: Path, shown: dict) -> None:
    """Write ``claims.json`` and ``index.html`` from what is in the results.

    What is wrong with a file is said in the section of its figure; the rest of the page is there.

    Parameters
    ----------
    results : Path
        The results folder of one scale.
    shown : dict
        Scale, papers and figures, from `greedyrank.plan.slices.Slices.page`.

    Raises
    ------
    CorruptFile
        When all is written, if the judged claims of a figure are not what was written.
    """
    claims, wrong = collect(results, list(shown["figures"]))
    content = page_content.content(results, shown, claims, wrong)
    for figure in content["figures"]:
        for problem in figure["problems"]:
            if problem != wrong.get(figure["name"]):
                logger.warning("%s", problem)
    with storage.writing(results / "index.html") as temporary:
        temporary.write_text(render(content), encoding="utf-8")
    # What interactive figures run. It stays where it is the same: it is larger than all else.
    script, copy = resources.files("plotly") / "package_data" / "plotly.min.js", results / "plotly.min.js"
    with resources.as_file(script) as source:
        if not copy.is_file() or copy.stat().st_size != source.stat().st_size:
            with storage.writing(copy) as temporary:
                shutil.copyfile(source, temporary)
    with storage.writing(results / "claims.json") as temporary:
        temporary.write_text(judged_files.to_json(shown["scale"], claims), encoding="utf-8")
    if wrong:
        raise storage.CorruptFile("\n".join(wrong.values()))
