"""What CITATION.cff says of the software and of the papers whose figures are rebuilt; `.zenodo.json` of a build."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from greedyrank.archive.manifest import Manifest
from greedyrank.config.yaml_input import read_mapping


@dataclass(frozen=True)
class Article:
    """A paper.

    Attributes
    ----------
    title, url : str
        Its title, and where it is.
    year : int
        Of its publication.
    authors : list of str
        Their full names.
    """

    title: str
    url: str
    year: int
    authors: list[str]


@dataclass(frozen=True)
class Citation:
    """What CITATION.cff says of greedyrank.

    Attributes
    ----------
    title, abstract, version, license : str
        Of the software; the licence as SPDX names it.
    authors, keywords : list of str
        Likewise.
    articles : list of Article
        The papers whose figures are rebuilt.
    """

    title: str
    abstract: str
    version: str
    license: str
    authors: list[str]
    keywords: list[str]
    articles: list[Article]

    def of_paper(self, folder: Path) -> Article | None:
        """Return the article that the heading of a paper's README names, or None."""
        readme = folder / "README.md"
        heading = readme.read_text(encoding="utf-8").partition("\n")[0] if readme.is_file() else ""
        return next((article for article in self.articles if article.title in heading), None)


def _name(author: dict) -> str:
    return author.get("name") or f"{author['given-names']} {author['family-names']}"


def read(path: Path) -> Citation:
    """Read CITATION.cff; cffconvert checks its format, see `make publication`."""
    found = read_mapping(path)
    articles = [
        Article(each["title"], each["url"], each["year"], list(map(_name, each["authors"])))
        for each in found["references"]
    ]
    return Citation(
        title=found["title"],
        abstract=found["abstract"],
        version=str(found["version"]),
        license=found["license"],
        authors=list(map(_name, found["authors"])),
        keywords=found["keywords"],
        articles=articles,
    )


def title_of_build(citation: Citation, described: Manifest) -> str:
    """Return the title of a packed build."""
    count = len(described.figures)
    figures = "1 figure" if count == 1 else f"{count} figures"
    return f"greedyrank {citation.version}: recorded runs, spectra and claims of {figures} at {described.scale} scale"


def zenodo(citation: Citation, described: Manifest) -> bytes:
    """Return the ``.zenodo.json`` of a packed build; that of the software is made from CITATION.cff by cffconvert."""
    content = {
        "upload_type": "dataset",
        "title": title_of_build(citation, described),
        "description": f"{citation.abstract} This data set holds what one build recorded, measured, judged and drew.",
        "creators": [{"name": name} for name in citation.authors],
        "license": {"id": citation.license},
        "version": citation.version,
        "keywords": citation.keywords,
        "related_identifiers": [
            {"identifier": article.url, "relation": "references", "resource_type": "publication-article"}
            for article in citation.articles
        ],
    }
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()
