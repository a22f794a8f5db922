"""Labels of figures without TeX: as text with the few tags that plotly's script knows."""

from __future__ import annotations

import html
import re

SYMBOLS = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "eta": "η", "kappa": "κ", "lambda": "λ",
    "mu": "μ", "rho": "ρ", "sigma": "σ", "tau": "τ", "Sigma": "Σ", "Delta": "Δ", "ell": "ℓ", "nabla": "∇", "top": "⊤",
    "infty": "∞", "langle": "⟨", "rangle": "⟩", "times": "×", "cdot": "·", "leq": "≤", "geq": "≥", "approx": "≈",
    "propto": "∝", "sum": "Σ", "min": "min", "max": "max", "log": "log", "det": "det", "pm": "±", "to": "→",
    "dots": "…",
}  # fmt: skip
GROUP = r"(?:\{((?:[^{}]|\{[^{}]*\})*)\}|(\\[A-Za-z]+|.))"


def _formula(tex: str) -> str:
    """Return a formula as text with tags; a command that is not known stands as its name."""
    tex = re.sub(r"\\(?:math|text)[a-z]*\b\s*", "", tex)
    tex = re.sub(rf"\\sqrt\s*{GROUP}", lambda found: f"√({found[1] or found[2]})", tex)
    tex = re.sub(rf"\\frac\s*{GROUP}\s*{GROUP}", lambda found: "({}) / ({})".format(*filter(None, found.groups())), tex)
    tex = re.sub(rf"_{GROUP}", lambda found: f"<sub>{found[1] or found[2]}</sub>", tex)
    tex = re.sub(rf"\^{GROUP}", lambda found: f"<sup>{found[1] or found[2]}</sup>", tex)
    tex = tex.replace(r"\|", "‖").replace(r"\,", " ").replace(r"\;", " ")
    tex = re.sub(r"\\([A-Za-z]+) ?", lambda found: SYMBOLS.get(found[1], found[1]), tex)
    return re.sub(r"[{}\\]", "", tex)


def plain(label: str) -> str:
    r"""Return a label of matplotlib as text with tags: ``$\sigma_{1}$`` becomes ``σ<sub>1</sub>``."""
    parts = re.split(r"(?<!\\)\$", html.escape(label, quote=False))
    parts[1::2] = map(_formula, parts[1::2])
    return "".join(parts).replace(r"\$", "$").replace("\n", "<br>")
