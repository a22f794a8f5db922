"""A page of hand-made results, and Chromium to read it with."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from greedyrank.claims import judged_files
from greedyrank.figures import saving, style
from greedyrank.figures.canvas import Canvas
from greedyrank.report import page

BROWSER, DRIVER = (shutil.which(name) for name in ("chromium", "chromedriver"))
SIZES = {"wide": (1280, 900), "narrow": (390, 844)}


def _claim(figure: str, name: str, **changes) -> dict:
    share = {"runs": 3, "values": 3, "holding": 3, "interval": [0.29, 1.0], "margin": 0.7, "range": [70.0, 72.5]}
    return {
        "figure": figure,
        "id": name,
        "statement": f"The entry {name} grows as the loss falls",
        "source": "A Paper 2020, Fig. 1",
        "basis": "published",
        "published": 70.7,
        "expect": {"near": 70.7, "relative": 0.1},
        "reason": "reading error",
        "seeds": "every",
        "at": {},
        "measured": 71.2,
        **share,
        "holds": True,
        "verdict": "reproduced",
        "on_record": "reproduced",
        "note": "",
        "control": {
            "variant": {"det": "negative"},
            "measured": 12.0,
            **share,
            "holding": 0,
            "margin": -7.3,
            "holds": False,
        },
        **changes,
    }


def _draw(figures: Path, name: str) -> None:
    canvas = Canvas(1, 2)
    x = np.geomspace(1, 1e4, 500)
    for panel in (0, 1):
        canvas.title(panel, "losses")
        canvas.line(panel, x, 1 / x, "ours, seed 0", label="ours", color=style.COLORS["blue"])
        canvas.published(panel, [10.0], [0.2], label="published")
        canvas.panels[panel].set(xscale="log", yscale="log", xlabel="steps", ylabel=r"$\ell$")
    canvas.panels[0].legend()
    record = {"figure": name, "code": "1234", "jobs": {}, "versions": {"greedyrank": "0"}}
    saving.save(canvas, {ending: figures / f"{name}.{ending}" for ending in ("png", "pdf", "svg", "csv", "js")}, record)


@pytest.fixture(scope="session")
def results(tmp_path_factory) -> Path:
    """Two papers with three figures, of which one is not built, and claims of every basis and verdict."""
    folder = tmp_path_factory.mktemp("a folder") / "results"
    caption = folder.parent / "caption.rst"
    caption.write_text("**(a)** The loss falls, :math:`\\ell < 1`. **(b)** Once more.", encoding="utf-8")
    claims = {
        "first": [
            _claim("first", "one"),
            _claim("first", "two", verdict="differs", note="the paper draws another init"),
            _claim("first", "three", basis="theorem", published=None),
        ],
        "second": [_claim("second", "four", basis="ours", verdict="not checkable at this scale", margin=None)],
        "third": [],
    }
    sweep = {
        "problem": "completion",
        "fixed": {"depth": 3, "stop": {"max_steps": 10}},
        "cases": [],
        "axes": {"seed": [0]},
    }
    figures = {}
    style.set_up()
    for name, found in claims.items():
        if found:
            _draw(folder / "figures", name)
            judged_files.save(folder / "claims" / f"{name}.json", "smoke", found)
        figures[name] = {
            "title": f"The {name} figure",
            "paper": "A Paper 2020, Fig. 1",
            "folder": "another_2021" if name == "third" else "a_paper_2020",
            "caption": str(caption),
            "sweeps": {"small": sweep},
            "reduced": {"small": {"stop": [{"max_steps": 10}, {"max_steps": 1000}]}},
        }
    papers = {name: str(folder / "README.md") for name in ("a_paper_2020", "another_2021")}
    page.write(folder, {"scale": "smoke", "papers": papers, "figures": figures})
    return folder


@pytest.fixture
def address(results) -> str:
    return (results / "index.html").as_uri()


@pytest.fixture
def browser():
    """Start Chromium, without a network: ``browser(size="wide", dark=False, scripts=True)``."""
    started = []

    def start(size: str = "wide", dark: bool = False, scripts: bool = True) -> webdriver.Chrome:
        options = webdriver.ChromeOptions()
        options.binary_location = BROWSER
        for word in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"):
            options.add_argument(word)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        driver = webdriver.Chrome(options=options, service=Service(DRIVER))
        started.append(driver)
        width, height = SIZES[size]
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == "narrow"}
        offline = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
        for command, words in (
            ("Emulation.setDeviceMetricsOverride", metrics),
            ("Emulation.setEmulatedMedia", {"features": [scheme]}),
            ("Emulation.setScriptExecutionDisabled", {"value": not scripts}),
            ("Network.enable", {}),
            ("Network.emulateNetworkConditions", offline),
        ):
            driver.execute_cdp_cmd(command, words)
        return driver

    yield start
    for driver in started:
        driver.quit()
