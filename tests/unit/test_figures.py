"""Every figure at smoke scale, from data to verdicts, in one process."""

import json
from types import SimpleNamespace

import pytest
import yaml

from greedyrank import extraction, planning, storage, style, training, verdicts
from greedyrank.tenants import tenant

RAW = yaml.safe_load((planning.WORKFLOW.parent / "config.yaml").read_text())
# The images are fetched files: tests/pipeline builds that figure.
FIGURES = [
    name
    for name, figure in RAW["figures"].items()
    if all(
        RAW["sweeps"][sweep]["problem"] == "completion" or "shape" in RAW["sweeps"][sweep]["fixed"]
        for sweep in figure["sweeps"]
    )
]


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    raw = {**RAW, "scale": "smoke", "device": "cpu", "results_dir": str(tmp_path_factory.mktemp("results"))}
    return planning.Plan(raw)


@pytest.fixture(scope="module")
def spectra(plan):
    """Measure a sweep as the rules do, once for all figures that show it."""
    done = {}

    def files(paths):
        return [planning.Path(path) for path in paths]

    def measured(sweep: str):
        if sweep in done:
            return done[sweep]
        named = SimpleNamespace(sweep=sweep)
        for named.instance in plan.instances[sweep]:
            data = json.loads(plan.data_slice(named))
            (path,) = files(plan.baseline_inputs(named))
            storage.save_arrays(path, data, tenant("problems", data["problem"]).generate(data["settings"]))
        baselines = files(plan.spectra_baselines(named))
        for path, named.instance in zip(baselines, plan.instances[sweep], strict=False):
            asked = json.loads(plan.baseline_slice(named))
            kind = asked["baseline"].pop("kind")
            _, data = storage.load_arrays(*files(plan.baseline_inputs(named)))
            solved = tenant("baselines", kind).compute(asked, data, **asked["baseline"])
            storage.save_arrays(path, {"views": asked["views"]}, solved)
        outputs = files(plan.spectra_inputs(named))
        for path, named.batch in zip(outputs, plan.batches[sweep], strict=True):
            part = json.loads(plan.train_slice(named))
            keys = part.pop("data_settings")
            loaded = [storage.load_arrays(file) for file in files(plan.train_inputs(named))]
            of_run = {json.dumps(meta["settings"], sort_keys=True): arrays for meta, arrays in loaded}
            arrays = training.train(
                part, lambda run, of=of_run, keys=keys: of[json.dumps({k: run[k] for k in keys}, sort_keys=True)], "cpu"
            )
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
    canvas = tenant("figures", figure).draw(sweeps, asked["published"], **asked["draw"])
    style.stamp(canvas, "smoke", asked["sweeps"], sweeps)
    style.save(canvas, {ending: tmp_path / f"{figure}.{ending}" for ending in ("png", "csv")}, {"figure": figure})
    assert len((tmp_path / f"{figure}.csv").read_text().splitlines()) > 20
    statistics = tenant("claims", figure)
    for claim in plan.claims[figure]:
        found = verdicts.judge(claim, sweeps, statistics)
        assert found["verdict"] in (verdicts.REPRODUCED, verdicts.DIFFERS, verdicts.NOT_CHECKABLE)
