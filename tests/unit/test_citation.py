"""Citation and metadata say the same as the code; `make publication` has others' programs read them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

import greedyrank
from greedyrank.archive import citation, crate, manifest
from greedyrank.config import papers

REPOSITORY = Path(__file__).parents[2]
PAPERS = papers.find([str(REPOSITORY / "workflow/papers")])
CITATION = citation.read(REPOSITORY / "CITATION.cff")


@pytest.mark.parametrize("name", [".zenodo.json", "codemeta.json"])
def test_every_file_has_this_version(name):
    assert CITATION.version == greedyrank.__version__
    assert json.loads((REPOSITORY / name).read_text(encoding="utf-8"))["version"] == greedyrank.__version__


def test_the_article_of_every_paper_is_cited():
    found = {paper.name: CITATION.of_paper(paper.folder) for paper in PAPERS if paper.name != "beyond"}
    assert None not in found.values()
    assert {article.title for article in found.values()} == {article.title for article in CITATION.articles}
    assert all(article.url.startswith("https://") for article in CITATION.articles)


def test_codecheck_lists_every_figure():
    content = yaml.safe_load((REPOSITORY / "codecheck.yml").read_text(encoding="utf-8"))
    listed = {Path(entry["file"]).stem for entry in content["manifest"]} - {"claims"}
    assert listed == {figure for paper in PAPERS for figure in paper.figures}


def test_every_entity_of_a_crate_that_is_referred_to_is_there():
    names = ["figures/one.png", "spectra/small.nc", "claims/one.json", "runs/small/all.npz"]
    described = manifest.Manifest(
        format=manifest.FORMAT_VERSION, greedyrank="0.2.0", scale="smoke", versions={"numpy": "2.0.0"},
        sweeps={"small": manifest.RecordedSweep(settings="0" * 64, code="1" * 64)},
        figures={"one": manifest.RecordedFigure(title="t", paper="p", sweeps=["small"], left_out={})},
        files={name: manifest.File(sha256="0" * 64, size=1) for name in names},
    )  # fmt: skip
    claim = {
        "figure": "one", "id": "grows", "statement": "s", "source": "s", "basis": "published", "published": 1.0,
        "measured": None, "verdict": "not checkable", "note": "", "reason": "r",
    }  # fmt: skip
    made = crate.describe(CITATION, described, {"one": CITATION.articles[0]}, {"one": [claim]}, built=0.0)
    graph = json.loads(made)["@graph"]
    there = [entity["@id"] for entity in graph]
    assert len(there) == len(set(there))

    def referred(value):
        if isinstance(value, dict):
            yield from [value["@id"]] if set(value) == {"@id"} else (r for v in value.values() for r in referred(v))
        elif isinstance(value, list):
            yield from (r for v in value for r in referred(v))

    outside = ("https://w3id.org/ro/crate/1.1", "https://doi.org/", "https://snakemake.github.io")
    missing = {name for entity in graph for name in referred(entity) if not name.startswith(outside)} - set(there)
    assert not missing
    assert any(entity["@type"] == "ClaimReview" and entity["claimReviewed"] == "s" for entity in graph)
