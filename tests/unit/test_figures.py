"""Every figure at smoke scale, from data to verdicts, in one process; images are made up."""

import functools
import inspect
import json
from types import SimpleNamespace

import pytest
import synthetic
import yaml

from greedyrank import storage
from greedyrank.claims import judging
from greedyrank.config.settings import problems
from greedyrank.data import images, instances
from greedyrank.data.instances import Instances
from greedyrank.figures import saving
from greedyrank.plan import graph
from greedyrank.plugins import plugin
from greedyrank.spectra import extraction
from greedyrank.training import loop

RAW = yaml.safe_load((graph.WORKFLOW.parent / "config.yaml").read_text())


def no_files(figure: dict) -> bool:
    """Tell whether a figure needs no file of the user's; tests/pipeline builds those that do."""
    return not any(problems.PROBLEMS[RAW["sweeps"][sweep]["problem"]].files for sweep in figure["sweeps"])


FIGURES = [name for name, figure in RAW["figures"].items() if no_files(figure)]


@pytest.fixture(scope="module", autouse=True)
def pictures():
    """Made-up images in place of the files."""
    made = synthetic.pictures(train=1000, test=500)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(images, "load", lambda data_dir, dataset: made)
        yield


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    raw = {**RAW, "scale": "smoke", "device": "cpu", "results_dir": str(tmp_path_factory.mktemp("results"))}
    return graph.Plan(raw)


@pytest.fixture(scope="module")
def spectra(plan):
    """Measure a sweep as the rules do, once for all figures that show it."""
    done = {}

    def files(paths):
        return [graph.Path(path) for path in paths]

    def measured(sweep: str):
        if sweep in done:
            return done[sweep]
        named = SimpleNamespace(sweep=sweep)
        data = files(plan.spectra_data(named))
        for path, named.instance in zip(data, plan.instances[sweep], strict=True):
            asked = json.loads(plan.data_slice(named))
            generate = plugin("problems", asked["problem"]).generate
            if "data_dir" in inspect.signature(generate).parameters:
                generate = functools.partial(generate, data_dir="nowhere")
            instances.save(path, asked["problem"], asked["instances"], generate)
        baselines = files(plan.spectra_baselines(named))
        for path in baselines:
            asked = json.loads(plan.baseline_slice(named))
            kind = asked["baseline"].pop("kind")
            solved = plugin("baselines", kind).compute(asked, Instances(data).of, **asked["baseline"])
            storage.save_arrays(path, {"views": asked["views"]}, solved)
        outputs = files(plan.spectra_inputs(named))
        for path, named.batch in zip(outputs, plan.batches[sweep], strict=True):
            part = json.loads(plan.train_slice(named))
            arrays = loop.train(part, Instances(files(plan.train_inputs(named))).of, "cpu")
            storage.save_arrays(path, {"slice": part}, arrays)
        inputs = (plan.spectra_inputs, plan.spectra_data, plan.spectra_baselines)
        done[sweep] = extraction.extract(*(files(of(named)) for of in inputs), plan.measures(named))
        return done[sweep]

    return measured


@pytest.mark.parametrize("figure", FIGURES)
def test_figure(plan, spectra, figure, tmp_path):
    wildcards = SimpleNamespace(figure=figure)
    asked = json.loads(plan.figure_slice(wildcards))
    sweeps = {name: spectra(name) for name in asked["sweeps"]}
    canvas = plugin("figures", figure).draw(sweeps, asked["published"], **asked["draw"])
    saving.stamp(canvas, "smoke", asked["sweeps"], sweeps)
    saving.save(canvas, {ending: tmp_path / f"{figure}.{ending}" for ending in ("png", "csv")}, {"figure": figure})
    assert len((tmp_path / f"{figure}.csv").read_text().splitlines()) > 20
    statistics = plugin("claims", figure)
    for claim in plan.claims[figure]:
        found = judging.judge(claim, sweeps, statistics)
        assert found["verdict"] in (judging.REPRODUCED, judging.DIFFERS, judging.NOT_CHECKABLE)
