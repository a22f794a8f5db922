"""A packed build as linked data: ``ro-crate-metadata.json`` of a Workflow Run RO-Crate.

Papers, figures, claims and verdicts are entities of schema.org, with links from each to the next. Checked by rocrate
and roc-validator; see `make publication`.
"""

from __future__ import annotations

import datetime
import json
from typing import Any

from greedyrank.archive import citation as citations
from greedyrank.archive.citation import Article, Citation
from greedyrank.archive.manifest import File, Manifest

Entity = dict[str, Any]

PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
SNAKEMAKE = "https://w3id.org/workflowhub/workflow-ro-crate#snakemake"
WORKFLOW = "Snakefile"
FORMATS = {
    "png": "image/png",
    "pdf": "application/pdf",
    "svg": "image/svg+xml",
    "csv": "text/csv",
    "json": "application/json",
    "nc": "application/x-netcdf",
    "yaml": "application/yaml",
}
# What has one entity for each file; of the others each folder has one.
SINGLE = ("figures", "claims", "spectra")
FOLDERS = {
    "runs/": ("Recorded training runs", "NumPy arrays (npz), one file for each training job, with SHA-256 beside it"),
    "baselines/": ("Baselines", "What the runs are compared with: NumPy arrays (npz), one file for each sweep"),
}


def _ref(identifier: str) -> Entity:
    return {"@id": identifier}


def _refs(identifiers: list[str]) -> list[Entity]:
    return list(map(_ref, identifiers))


def _files(files: dict[str, File]) -> list[Entity]:
    """Return the files that have an entity of their own."""
    found = []
    for path, file in files.items():
        folder, _, ending = path.partition("/")[0], *path.rpartition(".")[1:]
        if folder in SINGLE and ending in FORMATS:
            found.append(
                {
                    "@id": path,
                    "@type": ["File", "ImageObject"] if ending in ("png", "svg") else "File",
                    "name": path,
                    "encodingFormat": FORMATS[ending],
                    "contentSize": str(file.size),
                    "sha256": file.sha256,
                }
            )
    return found


def _article(article: Article) -> Entity:
    return {
        "@id": article.url,
        "@type": "ScholarlyArticle",
        "name": article.title,
        "datePublished": str(article.year),
        "creditText": f"{', '.join(article.authors)}: {article.title}. {article.year}",
    }


def _figure(name: str, described: Manifest, article: Article | None, claims: list[dict]) -> Entity:
    figure = described.figures[name]
    files = [path for path in described.files if path.startswith(f"figures/{name}.")]
    entity: Entity = {
        "@id": f"#figure/{name}",
        "@type": "CreativeWork",
        "name": figure.title,
        "alternateName": name,
        "description": f"Rebuilt: {figure.paper}",
        "encoding": _refs([*files, f"claims/{name}.json"]),
        "isBasedOn": _refs([f"spectra/{sweep}.nc" for sweep in figure.sweeps]),
        "mentions": _refs([_claim_id(claim) for claim in claims]),
    }
    if article:
        entity["citation"] = _ref(article.url)
    return entity


def _claim_id(claim: dict) -> str:
    return f"#claim/{claim['figure']}/{claim['id']}"


def _values(claim: dict) -> list[Entity]:
    """Return the published and the measured value of a claim, as far as it has numbers."""
    found = []
    for name in ("published", "measured"):
        if claim[name] is not None:
            identifier = f"{_claim_id(claim)}/{name}"
            found.append({"@id": identifier, "@type": "PropertyValue", "name": name, "value": claim[name]})
    return found


def _claim(claim: dict, article: Article | None) -> list[Entity]:
    """Return a claim, its verdict, and the published and the measured value."""
    verdict, values = f"#verdict/{claim['figure']}/{claim['id']}", _values(claim)
    stated: Entity = {
        "@id": _claim_id(claim),
        "@type": "Claim",
        "name": claim["id"],
        "text": claim["statement"],
        "creditText": claim["source"],
        "about": _ref(f"#figure/{claim['figure']}"),
    }
    if article and claim["basis"] != "ours":
        stated["appearance"] = _ref(article.url)
    review = {
        "@id": verdict,
        "@type": "ClaimReview",
        "name": f"{claim['figure']}: {claim['id']}: {claim['verdict']}",
        "claimReviewed": claim["statement"],
        "itemReviewed": _ref(stated["@id"]),
        "reviewBody": claim["note"] or claim["reason"],
        "reviewRating": _ref(f"#rating/{claim['verdict'].replace(' ', '_')}"),
        "author": _ref("#authors"),
        "mentions": _refs([value["@id"] for value in values]),
    }
    return [stated, review, *values]


def _workflow(citation: Citation, described: Manifest) -> list[Entity]:
    return [
        {
            "@id": WORKFLOW,
            "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
            "name": citation.title,
            "programmingLanguage": _ref(SNAKEMAKE),
            "version": described.greedyrank,
            "license": _ref(f"https://spdx.org/licenses/{citation.license}"),
            "creator": _ref("#authors"),
            "input": [_ref("#parameter/config")],
        },
        {
            "@id": SNAKEMAKE,
            "@type": "ComputerLanguage",
            "name": "Snakemake",
            "identifier": _ref("https://doi.org/10.1093/bioinformatics/bts480"),
            "url": _ref("https://snakemake.github.io"),
        },
        {
            "@id": "#parameter/config",
            "@type": "FormalParameter",
            "additionalType": "File",
            "name": "config",
            "description": "what the user set, and every sweep and figure with all overrides",
            "encodingFormat": FORMATS["yaml"],
            "valueRequired": False,
        },
        {
            "@id": "config.yaml",
            "@type": "File",
            "name": "config.yaml",
            "encodingFormat": FORMATS["yaml"],
            "exampleOfWork": _ref("#parameter/config"),
        },
    ]


def _root(citation: Citation, described: Manifest, parts: list[str], mentions: list[str], when: str) -> list[Entity]:
    return [
        {
            "@id": "ro-crate-metadata.json",
            "@type": "CreativeWork",
            "about": _ref("./"),
            "conformsTo": _refs(
                ["https://w3id.org/ro/crate/1.1", "https://w3id.org/workflowhub/workflow-ro-crate/1.0"]
            ),
        },
        {
            "@id": "./",
            "@type": "Dataset",
            "name": citations.title_of_build(citation, described),
            "description": citation.abstract,
            "datePublished": when,
            "license": _ref(f"https://spdx.org/licenses/{citation.license}"),
            "author": _ref("#authors"),
            "keywords": ", ".join(citation.keywords),
            "version": described.greedyrank,
            "conformsTo": _refs(list(PROFILES)),
            "mainEntity": _ref(WORKFLOW),
            "hasPart": _refs(parts),
            "mentions": _refs(mentions),
        },
        *(
            {"@id": url, "@type": "CreativeWork", "name": name, "version": version}
            for url, (name, version) in PROFILES.items()
        ),
        {
            "@id": f"https://spdx.org/licenses/{citation.license}",
            "@type": "CreativeWork",
            "name": citation.license,
            "identifier": citation.license,
        },
        {"@id": "#authors", "@type": "Organization", "name": ", ".join(citation.authors)},
    ]


def describe(
    citation: Citation,
    described: Manifest,
    articles: dict[str, Article | None],
    claims: dict[str, list[dict]],
    built: float,
) -> bytes:
    """Return the ``ro-crate-metadata.json`` of a packed build.

    Parameters
    ----------
    citation : Citation
        What CITATION.cff says.
    described : Manifest
        What is packed.
    articles : dict
        The article that each figure is from; None for those that no paper has.
    claims : dict
        The judged claims of each figure.
    built : float
        When the last file was built, in seconds of Unix time.
    """
    when = datetime.datetime.fromtimestamp(built, datetime.UTC).isoformat(timespec="seconds")
    files = _files(described.files)
    folders = [name for name in FOLDERS if any(path.startswith(name) for path in described.files)]
    verdicts = sorted({claim["verdict"] for judged in claims.values() for claim in judged})
    judged = [entity for name, found in claims.items() for claim in found for entity in _claim(claim, articles[name])]
    figures = [_figure(name, described, articles[name], claims[name]) for name in described.figures]
    build = {
        "@id": "#build",
        "@type": "CreateAction",
        "name": f"Build of {len(figures)} figures at {described.scale} scale",
        "instrument": _ref(WORKFLOW),
        "object": [_ref("config.yaml")],
        "result": _refs([*folders, *(file["@id"] for file in files)]),
        "agent": _ref("#authors"),
        "endTime": when,
        "description": ", ".join(f"{name} {version}" for name, version in described.versions.items()),
    }
    parts = [WORKFLOW, "config.yaml", *folders, *(file["@id"] for file in files)]
    reviews = [entity["@id"] for entity in judged if entity["@type"] == "ClaimReview"]
    mentions = ["#build", *(figure["@id"] for figure in figures), *reviews]
    graph = [
        *_root(citation, described, parts, mentions, when),
        *_workflow(citation, described),
        build,
        *(
            {"@id": name, "@type": "Dataset", "name": FOLDERS[name][0], "description": FOLDERS[name][1]}
            for name in folders
        ),
        *files,
        *{article.url: _article(article) for article in articles.values() if article}.values(),
        *figures,
        *judged,
        *({"@id": f"#rating/{v.replace(' ', '_')}", "@type": "Rating", "alternateName": v} for v in verdicts),
    ]
    content = {"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": graph}
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()
