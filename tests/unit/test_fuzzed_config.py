"""Two thousand mutated configs: each gives a whole job graph, or errors that name the key.

The examples are the same in every run (``derandomize``, in the profile of conftest.py), so that a build fails for
what was changed in it alone, and a failure is seen again. For others: ``derandomize=False`` there, and
``pytest --hypothesis-seed=1``.
"""

from __future__ import annotations

import json
import re
from types import SimpleNamespace

from hypothesis import given, settings

import mutants
from greedyrank import provenance
from greedyrank.config import loading
from greedyrank.config.loading import ConfigError
from greedyrank.config.settings import baselines, factorizations, optimizers, problems, training
from greedyrank.plan import graph

# Half the configs have one thing wrong, the others up to four: 2000 in all. Claims stand in files of their own.
ONE, SEVERAL, CLAIMS = 1000, 1000, 500

MODELS = [
    *(loading.Config, loading.Sweep, loading.Figure, loading.Claim, training.Training, training.Stop, training.Record),
    *problems.PROBLEMS.values(),
    *factorizations.FACTORIZATIONS.values(),
    *optimizers.OPTIMIZERS.values(),
    *baselines.BASELINES.values(),
]
KEYS = {name for model in MODELS for name in model.model_fields} - {"sweeps", "figures"}


def check_graph(plan: graph.Plan) -> None:
    """Ask for everything that the rules ask for; of many jobs of a sweep the first and the last."""

    def ends(names) -> list:
        names = list(names)
        return [*names[:3], *names[3:][-1:]]

    for name in plan.sweeps:
        sweep = SimpleNamespace(sweep=name)
        assert plan.gpus(name) == (plan.device(name) == "cuda")
        assert plan.train_minutes(name) > 0
        assert plan.train_code(name)
        for file in (*plan.spectra_inputs(sweep), *plan.spectra_data(sweep), *plan.spectra_baselines(sweep)):
            assert re.fullmatch(r"(/[A-Za-z0-9_.+-]{1,210}){3}|/baselines/\w+\.npz", file.removeprefix(plan.results))
        for batch in ends(plan.batches[name]):
            job = SimpleNamespace(sweep=name, batch=batch)
            assert json.loads(plan.train_slice(job))["fixed"]
            assert plan.train_inputs(job)
            assert set(plan.train_inputs(job)) <= set(plan.spectra_data(sweep))
            assert plan.train_memory(job) > 0
        for instance in ends(plan.instances[name]):
            job = SimpleNamespace(sweep=name, instance=instance)
            assert json.loads(plan.data_slice(job))["instances"]
            assert all(isinstance(file, str) for file in plan.data_inputs(job))
            assert plan.data_code(job)
        if plan.spectra_baselines(sweep):
            assert json.loads(plan.baseline_slice(sweep))["views"]
            assert plan.baseline_code(sweep)
        assert plan.spectra_code(sweep)
        assert plan.priority(name) < 0
    for name in plan.config.figures:
        figure = SimpleNamespace(figure=name)
        assert plan.figure_inputs(figure)
        assert json.loads(plan.figure_slice(figure))["sweeps"]
        assert json.loads(plan.claims_slice(figure))["claims"]
        assert plan.figure_code(figure)
        assert plan.claims_code(figure)
    assert set(json.loads(plan.page_slice())["figures"]) == set(plan.config.figures)
    assert plan.all_files() or plan.skipped == list(plan.config.figures)


def check_messages(messages: list[str]) -> None:
    """Check that each message can be read, and names a key."""
    for message in messages:
        assert message.isprintable()
        assert len(message) < 1300
        assert not re.search(r"Traceback|Error\b|NoneType|object at 0x|<class|\[key\]", message), message
        place, *rest = re.split(r":? ", message, maxsplit=1)
        assert place
        assert rest


def check_names(mutant: mutants.Mutant, messages: list[str]) -> None:
    """Check that messages are about what was changed: its key, or another setting that no longer goes with it."""
    (path,) = mutant.paths
    text = " ".join(messages)
    keys = [repr(key)[1:-1][:100] for key in path if isinstance(key, str)]
    assert any(key in text for key in keys[-2:]) or KEYS & set(re.findall(r"\w+", text)), messages
    if path[0] == "sweeps" and len(path) > 1:
        for other in set(mutants.CONFIG["sweeps"]) - set(path):
            assert not any(message.startswith(f"sweeps.{other}.") for message in messages)


LOADED = loading.load(mutants.CONFIG)


@settings(max_examples=CLAIMS)
@given(mutants.mutant_claims())
def test_claims(mutant):
    figure, blocks = mutant
    try:
        claims = loading.load_claims(figure, *LOADED, blocks)
    except ConfigError as error:
        check_messages(error.messages)
        assert all(message.startswith(f"claims/{figure}.yaml") for message in error.messages)
    else:
        assert json.loads(provenance.canonical(claims))


def errors_of(mutant: mutants.Mutant) -> list[str]:
    """Return what is wrong with a config, readable; where nothing is, check its job graph."""
    try:
        plan = graph.Plan(mutant.config)
    except ConfigError as error:
        check_messages(error.messages)
        return error.messages
    check_graph(plan)
    return []


@settings(max_examples=ONE)
@given(mutants.mutants(1))
def test_one_mutation(mutant):
    if errors := errors_of(mutant):
        check_names(mutant, errors)


@settings(max_examples=SEVERAL)
@given(mutants.mutants(4))
def test_several_mutations(mutant):
    errors_of(mutant)
