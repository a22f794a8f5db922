"""Hundreds of mutated configs and papers: each gives a whole job graph, or errors that name the key.

The examples are the same in every run (``derandomize``, in the profile of conftest.py), so that a build fails for
what was changed in it alone, and a failure is seen again. For others: ``derandomize=False`` there, and
``pytest --hypothesis-seed=1``.
"""

from __future__ import annotations

import functools
import json
import re
from types import SimpleNamespace

import pytest
import yaml
from hypothesis import HealthCheck, given, settings

import mutants
from greedyrank import provenance
from greedyrank.code_digest import Code
from greedyrank.config import loading
from greedyrank.config.figure_loader import load_claims
from greedyrank.config.grammar import Claim, Config, Figure, Sweep
from greedyrank.config.papers import CLAIMS, Paper
from greedyrank.config.settings import baselines, factorizations, optimizers, problems, training
from greedyrank.config.yaml_input import ConfigError
from greedyrank.plan.graph import Plan

# Half the configs have one thing wrong, the others up to four. Claims stand in files of their own.
ONE, SEVERAL, CLAIM_LISTS = 250, 250, 150
FIXTURES = [HealthCheck.function_scoped_fixture]  # these are of the module

MODELS = [
    *(Config, Sweep, Figure, Claim, training.Training, training.Stop, training.Record),
    *problems.PROBLEMS.values(),
    *factorizations.FACTORIZATIONS.values(),
    *optimizers.OPTIMIZERS.values(),
    *baselines.BASELINES.values(),
]
KEYS = {name for model in MODELS for name in model.model_fields} - {"sweeps", "figures"}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """The folder of each paper without its settings, which examples write; its code, which stays, is parsed once."""
    made = {name: tmp_path_factory.mktemp("papers") / name for name in mutants.FOLDERS}
    for name, folder in made.items():
        mutants.copy_code(name, folder)
    code = functools.cache(lambda packages: Code(dict(packages)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loading, "Code", lambda packages: code(tuple(packages.items())))
        mutants.allow_copies(patch)
        yield made


def check_graph(plan: Plan) -> None:
    """Ask for everything that the rules ask for; of many jobs of a sweep the first and the last."""

    def ends(names) -> list:
        names = list(names)
        return [*names[:3], *names[3:][-1:]]

    slices, resources = plan.slices, plan.resources
    for name in plan.sweeps:
        sweep = SimpleNamespace(sweep=name)
        assert resources.gpus(name) == (resources.device(name) == "cuda")
        assert resources.train_minutes(name) > 0
        assert slices.training_code(name)
        for file in (*plan.spectra_inputs(sweep), *plan.spectra_data(sweep), *plan.spectra_baselines(sweep)):
            assert re.fullmatch(r"(/[A-Za-z0-9_.+-]{1,210}){3}|/baselines/\w+\.npz", file.removeprefix(plan.results))
        for label in ends(plan.jobs[name]):
            job = SimpleNamespace(sweep=name, job=label)
            assert json.loads(plan.train_slice(job))["fixed"] is not None
            assert plan.train_inputs(job)
            assert set(plan.train_inputs(job)) <= set(plan.spectra_data(sweep))
            assert resources.train_memory(name, label) > 0
        for instance in ends(plan.instances[name]):
            job = SimpleNamespace(sweep=name, instance=instance)
            assert json.loads(plan.data_slice(job))["instances"]
            assert all(isinstance(file, str) for file in plan.data_inputs(job))
        assert slices.data_code(name)
        if plan.spectra_baselines(sweep):
            assert json.loads(slices.baseline(name))["views"]
            assert slices.baseline_code(name)
        assert slices.spectra_code(name)
        assert resources.priority(name) < 0
    for name in plan.figures:
        assert plan.figure_inputs(SimpleNamespace(figure=name))
        assert json.loads(slices.figure(name))["sweeps"]
        assert json.loads(slices.claims(name))["claims"]
        assert slices.figure_code(name)
        assert slices.claims_code(name)
    assert set(json.loads(slices.page())["figures"]) == set(plan.figures)
    assert plan.all_files() or plan.skipped == list(plan.figures)


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
    keys = [repr(key)[1:-1][:100] for key in path if isinstance(key, str)][-2:]
    if path[0] == "figures" and mutant.changed == "files":
        keys += mutant.figures  # a figure.yaml, or what is in it
    assert any(key in text for key in keys) or KEYS & set(re.findall(r"\w+", text)), messages
    if path[0] == "sweeps" and len(path) > 1:
        for other in set(mutants.PAPERS[mutant.paper]) - set(path):
            assert not any(message.startswith(f"sweeps.{other}.") for message in messages)


def errors_of(mutant: mutants.Mutant, folders: dict) -> list[str]:
    """Return what is wrong with a config or a paper, readable; check the job graph of what is not."""
    raw = mutants.write(mutant, folders[mutant.paper])
    try:
        plan = Plan(raw)
    except ConfigError as error:
        check_messages(error.messages)
        return error.messages
    check_graph(plan)
    messages = [message for name in mutant.figures for message in plan.project.broken.get(name, [])]
    check_messages(messages)
    return messages


@pytest.mark.parametrize("figure", mutants.FIGURES)
def test_without_a_mutation_there_is_a_whole_graph(folders, figure):
    for changed in ("files", "config"):
        assert errors_of(mutants.unchanged(figure, changed), folders) == []


@settings(max_examples=ONE, suppress_health_check=FIXTURES)
@given(mutant=mutants.mutants(1))
def test_one_mutation(folders, mutant):
    if errors := errors_of(mutant, folders):
        check_names(mutant, errors)


@settings(max_examples=SEVERAL, suppress_health_check=FIXTURES)
@given(mutant=mutants.mutants(4))
def test_several_mutations(folders, mutant):
    errors_of(mutant, folders)


@pytest.fixture(scope="module")
def project(folders):
    return loading.load({})


@settings(max_examples=CLAIM_LISTS, suppress_health_check=FIXTURES)
@given(mutant=mutants.mutant_claims())
def test_claims(folders, project, mutant):
    name, claims = mutant
    figure = project.figures[name]
    folder = folders[figure.paper.name]
    path = folder / name / CLAIMS
    original = path.read_text(encoding="utf-8")
    path.write_text(yaml.dump(claims, Dumper=mutants.DUMPER, sort_keys=False, allow_unicode=True), encoding="utf-8")
    try:
        found = load_claims(Paper(folder), name, figure.block, "laptop", project.sweeps, project.code)
    except ConfigError as error:
        check_messages(error.messages)
        assert all(message.startswith(str(path.parent)) for message in error.messages), error.messages
    else:
        assert json.loads(provenance.canonical(found))
    finally:
        path.write_text(original, encoding="utf-8")
