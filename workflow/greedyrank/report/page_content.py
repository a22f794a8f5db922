"""What the page says: of the whole build, of each paper, and of each figure."""

from __future__ import annotations

import json
from pathlib import Path

from greedyrank import recorded_times, storage
from greedyrank.claims.judging import DIFFERS, NO_DATA, NOT_CHECKABLE, REPRODUCED
from greedyrank.errors import UserError
from greedyrank.figures import origin
from greedyrank.report import captions, progress
from greedyrank.report.record import WORDS, counts, unexpected

SIGNS = {REPRODUCED: "✓", DIFFERS: "✗", NOT_CHECKABLE: "○", NO_DATA: "–"}
CLASSES = {REPRODUCED: "reproduced", DIFFERS: "differs", NOT_CHECKABLE: "unchecked", NO_DATA: "nodata"}
PICTURES = ("png", "pdf", "svg", "csv")
LONGEST = 400  # characters of a setting
FULL_BAR = 2.0  # margins from here on fill the bar, in units of the tolerance


def _text(value: object) -> str:
    """Write the value of a setting as it could stand in a sweeps.yaml, or briefly where that is long."""
    if value is None or value == []:
        return "none"
    if isinstance(value, list) and len(value) > 3 and value == list(range(len(value))):
        return f"0 to {value[-1]}"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} …"


def seconds(results: Path, sweeps: list[str], figure: str) -> float:
    """Return the run time of all jobs behind a figure, as far as they have been measured."""
    folder = results / "benchmarks"
    files = [path for sweep in sweeps for path in folder.glob(f"*/{sweep}/*.tsv")]
    files += [folder / "extract" / f"{sweep}.tsv" for sweep in sweeps]
    files += [folder / rule / f"{figure}.tsv" for rule in ("plot", "check_claims")]
    return sum(recorded_times.seconds(path) or 0.0 for path in files)


def duration(total: float) -> str:
    """Write a run time in a unit that suits it."""
    if total < 120:
        return f"{total:.0f} core-seconds"
    return f"{total / 60:.0f} core-minutes" if total < 7200 else f"{total / 3600:.1f} core-hours"


def alternative(title: str, caption: str, claims: list[dict]) -> str:
    """Return what a picture shows and what was found, for those who do not see it."""
    sentences = [f"{title}.", captions.first_sentence(caption)]
    for verdict, lead in ((REPRODUCED, "Reproduced"), (DIFFERS, "Differs")):
        if statements := [claim["statement"].rstrip(".") for claim in claims if claim["verdict"] == verdict]:
            more = f"; and {len(statements) - 3} more" if len(statements) > 3 else ""
            sentences.append(f"{lead}: {'; '.join(statements[:3])}{more}.")
    return " ".join(filter(None, sentences))


def settings(sweeps: dict[str, dict], reduced: dict[str, dict]) -> tuple[list[dict], list[dict]]:
    """Return the settings of sweeps as rows of two tables: those that are others at the paper scale, and the rest.

    Parameters
    ----------
    sweeps : dict
        For each sweep its settings: ``fixed``, ``cases``, ``axes`` and the plug-ins.
    reduced : dict
        For each sweep the settings that are others at the paper scale: their values here, and there.

    Returns
    -------
    differing, same : list of dict
        ``sweep``, ``name``, ``value``, and in the first ``published``.
    """
    differing = [
        {"sweep": sweep, "name": name, "value": _text(here), "published": _text(there)}
        for sweep, found in reduced.items()
        for name, (here, there) in found.items()
    ]
    same = []
    for sweep, block in sweeps.items():
        named = {key: value for key, value in block.items() if isinstance(value, str)}
        named |= {**block["fixed"], **block["axes"]}
        named |= {f"cases.{number}": case for number, case in enumerate(block["cases"])}
        same += [
            {"sweep": sweep, "name": name, "value": _text(value)}
            for name, value in named.items()
            if name not in {setting.split(".")[0] for setting in reduced[sweep]}
        ]
    return differing, same


def _provenance(picture: Path) -> tuple[dict, str]:
    """Return versions, devices and code of what a picture was made from, and what is wrong with the picture."""
    try:
        found = origin.read(picture)
    except (UserError, OSError) as error:
        return {}, str(error)
    jobs = [job for of_sweep in found["jobs"].values() for job in of_sweep.values()]
    trained = {f"{name} {version}" for job in jobs for name, version in job["versions"].items()}
    return {
        "code": found["code"],
        "drawn": [f"{name} {version}" for name, version in found["versions"].items()],
        "trained": sorted(trained),
        "devices": sorted({job["device"] for job in jobs}),
        "jobs": len(jobs),
    }, ""


def _bar(part: dict) -> dict:
    """Return the margin of a claim as the ends of a bar, in per cent of the bar's whole length, 50 in the middle."""
    end = max(-1.0, min(1.0, part["margin"] / FULL_BAR))
    return {"from": 50 + 50 * min(0.0, end), "length": 50 * abs(end), "holds": part["margin"] >= 0}


def _claim(claim: dict) -> dict:
    """Return a claim with what the page draws of it."""
    share = None
    if claim["runs"]:
        low, high = (100 * end for end in claim["interval"])
        share = {"at": 100 * claim["holding"] / claim["values"], "from": low, "length": high - low}
    return {
        **claim,
        "sign": SIGNS[claim["verdict"]],
        "class": CLASSES[claim["verdict"]],
        "bar": None if claim["margin"] is None else _bar(claim),
        "share": share,
        "variant": ", ".join(f"{key} = {value}" for key, value in claim["control"]["variant"].items()),
    }


def _figure(results: Path, name: str, block: dict, claims: list[dict], wrong: str) -> dict:
    caption, problem = captions.as_html(Path(block["caption"]))
    problems = [wrong, problem]
    picture, provenance = results / "figures" / f"{name}.png", None
    if picture.exists():
        provenance, damage = _provenance(picture)
        problems.append(damage)
    reduced, same = settings(block["sweeps"], block["reduced"])
    return {
        "name": name,
        "title": block["title"],
        "source": block["paper"],
        "caption": caption,
        "alternative": alternative(block["title"], caption, claims),
        "files": [ending for ending in (*PICTURES, "js") if (results / "figures" / f"{name}.{ending}").exists()],
        "spectra": [sweep for sweep in block["sweeps"] if (results / "spectra" / f"{sweep}.nc").exists()],
        "problems": list(filter(None, problems)),
        "claims": list(map(_claim, claims)),
        "reduced": reduced,
        "settings": same,
        "time": duration(seconds(results, list(block["sweeps"]), name)),
        "provenance": provenance,
        "command": storage.build_command(name),
    }


def _heading(readme: Path, name: str) -> str:
    """Return the title of a paper: the first heading of its README, or the name of its folder."""
    try:
        lines = readme.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return name
    return next((line.removeprefix("# ") for line in lines if line.startswith("# ")), name)


def content(results: Path, shown: dict, claims: list[dict], wrong: dict[str, str]) -> dict:
    """Return all that the page says.

    Parameters
    ----------
    results : Path
        The results folder of one scale.
    shown : dict
        Scale, papers and figures, from `greedyrank.plan.slices.Slices.page`.
    claims : list of dict
        The judged claims.
    wrong : dict
        What is wrong with the files of judged claims, by figure.
    """
    of_figure = {name: [claim for claim in claims if claim["figure"] == name] for name in shown["figures"]}
    figures = {
        name: _figure(results, name, block, of_figure[name], wrong.get(name, ""))
        for name, block in shown["figures"].items()
    }
    papers = []
    for name, readme in shown["papers"].items():
        names = [figure for figure, block in shown["figures"].items() if block["folder"] == name]
        papers.append(
            {
                "name": name,
                "title": _heading(Path(readme), name),
                "figures": [figures[figure] for figure in names],
                "counts": counts([claim for figure in names for claim in of_figure[figure]]),
            }
        )
    return {
        "scale": shown["scale"],
        "build": progress.read(results / "logs" / "build.json"),
        "papers": [paper for paper in papers if paper["figures"]],
        "figures": list(figures.values()),
        "counts": counts(claims),
        "verdicts": [
            {"verdict": verdict, "word": word, "sign": SIGNS[verdict], "class": CLASSES[verdict]}
            for verdict, word in WORDS.items()
            if any(claim["verdict"] == verdict for claim in claims)
        ],
        "unexpected": len(unexpected(claims)),
    }
