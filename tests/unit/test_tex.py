"""Numbers of a build in a paper: what stands in claims.tex, and that a TeX compiles it, where there is one."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from greedyrank.claims import judged_files
from greedyrank.config import loading
from greedyrank.report import tex

CLAIM = {
    "figure": "det_sign", "id": "entry_reaches_70", "statement": "W11 > 70 & 5 % of it, at x_1^2 #1 {a} $b$",
    "source": "P 2020", "verdict": "reproduced", "published": [1e-5, 2.0], "measured": 71.5, "range": [70.0, 73.0],
    "runs": 3, "holding": 3, "values": 3, "margin": None,
}  # fmt: skip
DOCUMENT = r"""\documentclass{article}
\usepackage[T1]{fontenc}
\usepackage{graphicx}
\input{tex/claims}
\begin{document}
\claim{det_sign}{entry_reaches_70}{measured} \claim{det_sign}{entry_reaches_70}{published}
\claim{det_sign}{entry_reaches_70}{statement}
\end{document}
"""


@pytest.mark.parametrize(
    ("value", "written"),
    [(71.5, r"\ensuremath{71.5}"), (1.5e-5, r"\ensuremath{1.5\times 10^{-5}}"), (None, r"\ensuremath{}"),
     ([1.0, 2e9], r"\ensuremath{1} to \ensuremath{2\times 10^{9}}"),
     ([1, 2, 3], r"\ensuremath{1}, \ensuremath{2}, \ensuremath{3}")],
)  # fmt: skip
def test_numbers(value, written):
    assert tex.number(value) == written


def test_every_value_of_a_claim_that_there_is():
    text = tex.claims([CLAIM])
    assert r"\csname greedyrank/det_sign/entry_reaches_70/measured\endcsname{\ensuremath{71.5}}" in text
    assert "entry_reaches_70/margin" not in text
    assert r"\&" in text and r"5 \%" in text and r"\#1" in text and r"\$b\$" in text


def test_captions_are_data(tmp_path):
    (tmp_path / "secret").write_text("secret", encoding="utf-8")
    written = tex.words(f".. include:: {tmp_path}/secret\n\n.. raw:: latex\n\n   \\input{{secret}}\n\nSeen: `a`.")
    assert "secret" not in written
    assert "Seen" in written


@pytest.fixture
def results(tmp_path):
    """Results of one figure, and the captions of all of them."""
    claims = tmp_path / "claims.json"
    claims.write_text(
        json.dumps({"format": judged_files.FORMAT_VERSION, "scale": "laptop", "claims": [CLAIM]}), encoding="utf-8"
    )
    figures = loading.load(loading.read()).figures
    captions = {name: figure.paper.folder / name / "caption.rst" for name, figure in figures.items()}
    (tmp_path / "figures").mkdir()
    for name in captions:
        (tmp_path / "figures" / f"{name}.pdf").write_bytes(b"%PDF-1.4")
    tex.write(tmp_path, captions, tmp_path / "tex")
    return tmp_path, list(captions)


def test_a_file_for_every_figure(results):
    folder, figures = results
    for name in figures:
        text = (folder / "tex" / f"{name}.tex").read_text(encoding="utf-8")
        assert rf"\includegraphics[width=\linewidth]{{figures/{name}.pdf}}" in text
        assert text.count("{") == text.count("}")


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="needs a TeX")
def test_a_document_with_claims_and_all_captions_compiles(results):
    folder, figures = results
    captions = "".join(rf"\input{{tex/{name}}}" + "\n" for name in figures)
    document = DOCUMENT.replace("{graphicx}", "[demo]{graphicx}").replace(
        r"\end{document}", captions + r"\end{document}"
    )
    (folder / "paper.tex").write_text(
        document.replace(r"\begin{document}", "\\extrafloats{99}\\begin{document}"), encoding="utf-8"
    )
    words = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "paper.tex"]
    done = subprocess.run(words, cwd=folder, capture_output=True, encoding="utf-8", errors="replace")
    assert done.returncode == 0, done.stdout[-2000:]
    (folder / "paper.tex").write_text(DOCUMENT.replace("{measured}", "{measurd}"), encoding="utf-8")
    done = subprocess.run(words, cwd=folder, capture_output=True, encoding="utf-8", errors="replace")
    assert done.returncode != 0
    assert "no value det_sign/entry_reaches_70/measurd" in done.stdout.replace("\n", "")
