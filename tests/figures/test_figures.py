"""Every figure at smoke scale, from data to verdicts, in one process; images are synthetic."""

import json
import re
from pathlib import Path
from types import SimpleNamespace

import matplotlib.pyplot as plt
import pytest

import layout
import synthetic
from greedyrank import plugins, stages
from greedyrank.claims import judged_files, judging
from greedyrank.config.settings.problems import PROBLEMS
from greedyrank.data import images
from greedyrank.figures import origin, saving
from greedyrank.plan.graph import Plan


def smoke(results: Path) -> Plan:
    return Plan({"scale": "smoke", "device": "cpu", "results_dir": str(results)}, here=False)


def needs_no_file(plan: Plan, figure: str) -> bool:
    """Tell whether a figure needs no file of the user's; tests/pipeline builds those that do."""
    return not any(PROBLEMS[plan.sweeps[sweep].whole.problem].files for sweep in plan.figures[figure].block.sweeps)


PLANNED = smoke(Path("results"))
FIGURES = [name for name in PLANNED.figures if needs_no_file(PLANNED, name)]


@pytest.fixture(scope="module", autouse=True)
def pictures():
    """Synthetic images in place of the files."""
    made = synthetic.pictures(train=1000, test=500)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(images, "load", lambda data_dir, dataset: made)
        yield


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    return smoke(tmp_path_factory.mktemp("results"))


@pytest.fixture(scope="module")
def measured(plan):
    """Measure a sweep as the rules do, once for all figures that show it; gives its file."""

    def files(paths):
        return [Path(path) for path in paths]

    def spectra(sweep: str) -> Path:
        out = Path(plan.results, "spectra", f"{sweep}.nc")
        if out.exists():
            return out
        named = SimpleNamespace(sweep=sweep)
        data, baselines, runs = (
            files(of(named)) for of in (plan.spectra_data, plan.spectra_baselines, plan.spectra_inputs)
        )
        for path, named.instance in zip(data, plan.instances[sweep], strict=True):
            stages.generate(json.loads(plan.data_slice(named)), Path(plan.data_dir), path)
        for path in baselines:
            stages.baseline(json.loads(plan.slices.baseline(sweep)), data, path)
        for path, named.job in zip(runs, plan.jobs[sweep], strict=True):
            settings, read = json.loads(plan.train_slice(named)), files(plan.train_inputs(named))
            stages.train(settings, read, path, checkpoints=Path(plan.results, "checkpoints"))
        stages.extract(runs, data, baselines, plan.slices.measures(sweep), out)
        return out

    return spectra


@pytest.fixture
def drawn(monkeypatch):
    """The canvases that were saved."""
    found, save = [], saving.save

    def keep(canvas, outputs, record):
        save(canvas, outputs, record)
        found.append(canvas)

    monkeypatch.setattr(saving, "save", keep)
    return found


def caption(plan, figure):
    return (plan.figures[figure].paper.folder / figure / "caption.rst").read_text(encoding="utf-8")


def letters(text):
    """Return the panels that a text names, as (a), (a, c) or (a) to (c)."""
    found = set("".join(re.findall(r"\(([a-i](?:,\s*[a-i])*)\)", text))) - set(", \n")
    for first, last in re.findall(r"\(([a-i])\)\s+to\s+\(([a-i])\)", text):
        found |= set(map(chr, range(ord(first), ord(last) + 1)))
    return found


@pytest.mark.parametrize("figure", FIGURES)
def test_figure(plan, measured, drawn, figure, tmp_path):
    asked = json.loads(plan.slices.figure(figure))
    spectra = [measured(sweep) for sweep in asked["sweeps"]]
    drawn_by = plan.figures[figure].drawn_by
    outputs = [tmp_path / f"{figure}.{ending}" for ending in ("png", "csv", "js")]  # test_pictures.py has pdf and svg
    stages.plot(figure, asked, spectra, outputs, drawn_by=drawn_by)
    assert len((tmp_path / f"{figure}.csv").read_text(encoding="utf-8").splitlines()) > 20
    record = origin.read(tmp_path / f"{figure}.png")
    assert (record["figure"], record["scale"], set(record["sweeps"])) == (figure, "smoke", set(asked["sweeps"]))

    twin = json.loads((tmp_path / f"{figure}.js").read_text(encoding="utf-8").split(",", 1)[1].removesuffix(");\n"))
    assert twin["data"]
    assert len(drawn[0].panels) <= len([name for name in twin["layout"] if name.startswith("xaxis")])

    words = caption(plan, figure)
    assert len(words.split()) <= 120
    assert layout.faults(drawn[0].figure) == []
    titles = [axes.get_title(loc="left") for axes in drawn[0].panels]
    assert {title[1] for title in titles if title} <= letters(words)

    asked["draw"]["width"] = "column"
    canvas, _ = stages.draw(plugins.paper_of(figure), figure, asked, spectra, drawn_by)
    assert layout.faults(canvas.figure) == []
    plt.close(canvas.figure)

    claims = json.loads(plan.slices.claims(figure))
    stages.check_claims(figure, claims, spectra, tmp_path / "claims.json")
    found = judged_files.load(tmp_path / "claims.json")
    assert [claim["id"] for claim in found] == [claim["id"] for claim in claims["claims"]]
    for claim in found:
        assert claim["verdict"] in (judging.REPRODUCED, judging.DIFFERS, judging.NOT_CHECKABLE, judging.NO_DATA)
