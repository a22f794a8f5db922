r"""Numbers and pictures of a build for a paper in LaTeX: ``\claim{det_sign}{entry_reaches_70}{measured}``."""

from __future__ import annotations

from pathlib import Path

from docutils.core import publish_parts

from greedyrank import storage
from greedyrank.claims import judged_files
from greedyrank.report import record

HEAD = r"""% Written by `make tex`. Needs \usepackage[T1]{fontenc} and, for figures, \usepackage{graphicx}.
"""
# \claim{figure}{claim}{value} expands to a value; one that is not there is an error that names it.
MACRO = r"""\providecommand{\greedyrankvalue}[1]{\expandafter\ifx\csname greedyrank/#1\endcsname\relax
  \errmessage{greedyrank has no value #1}\else\csname greedyrank/#1\endcsname\fi}
\providecommand{\claim}[3]{\greedyrankvalue{#1/#2/#3}}
"""
SETTINGS = {
    "use_latex_citations": True,
    "legacy_column_widths": False,
    "file_insertion_enabled": False,
    "raw_enabled": False,
    "report_level": 5,
    "halt_level": 5,
}


def words(text: str) -> str:
    """Return reStructuredText as LaTeX; what is not valid stays as it is written."""
    return publish_parts(text, writer="latex", settings_overrides=SETTINGS)["body"].strip()


def number(value: object) -> str:
    """Return a number, or a list of them, as LaTeX, with four digits; 1.5e-05 is a power of ten."""
    parts = []
    for part in record.number(value).split(" "):
        mantissa, exponent, power = part.rstrip(",").partition("e")
        shown = rf"{mantissa}\times 10^{{{int(power)}}}" if exponent and power else mantissa
        parts.append(part if part == "to" else rf"\ensuremath{{{shown}}}" + part[len(part.rstrip(",")) :])
    return " ".join(parts)


def values(claim: dict) -> dict[str, str]:
    r"""Return what a paper may say of a claim, as LaTeX, by the third argument of ``\claim``."""
    low, high = claim["range"] or (None, None)
    found = {
        "statement": words(claim["statement"]),
        "source": words(claim["source"]),
        "verdict": claim["verdict"],
        "published": number(claim["published"]),
        "measured": number(claim["measured"]),
        "low": number(low),
        "high": number(high),
        "runs": str(claim["runs"]),
        "holding": str(claim["holding"]),
        "values": str(claim["values"]),
        "margin": number(claim["margin"]),
    }
    return {name: text for name, text in found.items() if text and text != r"\ensuremath{}"}


def claims(judged: list[dict]) -> str:
    r"""Return ``claims.tex``: the value behind each ``\claim``."""
    lines = [HEAD, MACRO]
    for claim in judged:
        for name, text in values(claim).items():
            key = f"greedyrank/{claim['figure']}/{claim['id']}/{name}"
            lines.append(rf"\expandafter\def\csname {key}\endcsname{{{text}}}" + "\n")
    return "".join(lines)


def figure(name: str, caption: str, pictures: str) -> str:
    r"""Return ``<figure>.tex``: a picture with its caption, to be used by ``\input``."""
    return (
        f"{HEAD}\\begin{{figure}}\n\\centering\n\\includegraphics[width=\\linewidth]{{{pictures}/{name}.pdf}}\n"
        f"\\caption{{{words(caption)}}}\n\\label{{fig:{name}}}\n\\end{{figure}}\n"
    )


def write(results: Path, captions: dict[str, Path], folder: Path) -> list[Path]:
    """Write ``claims.tex``, and one file for each figure that is built.

    Parameters
    ----------
    results : Path
        The results folder of one scale, with its claims.json.
    captions : dict
        The file of the caption of each figure.
    folder : Path
        Where to; paths of pictures are relative to the folder in which LaTeX runs, this one's parent.

    Returns
    -------
    list of Path
        What was written.
    """
    texts = {"claims": claims(judged_files.read(results / "claims.json")["claims"])}
    for name, path in captions.items():
        if (results / "figures" / f"{name}.pdf").is_file() and path.is_file():
            texts[name] = figure(name, path.read_text(encoding="utf-8"), "figures")
    written = [folder / f"{name}.tex" for name in texts]
    for path, text in zip(written, texts.values(), strict=True):
        with storage.writing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return written
