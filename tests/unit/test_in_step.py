"""Files that say the same thing twice are kept in step."""

import re
import tomllib
from importlib import metadata
from itertools import combinations, product
from pathlib import Path

import jsonschema
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from greedyrank import plugins
from greedyrank.config import schema
from greedyrank.config.settings import baselines, factorizations, optimizers, problems, training

REPOSITORY = Path(__file__).parents[2]
LOCK = dict(
    line.split("==")
    for line in (REPOSITORY / "envs/requirements.lock").read_text(encoding="utf-8").splitlines()
    if "==" in line
)
CONFIG = yaml.safe_load((REPOSITORY / "config.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("file", schema.texts())
def test_the_schemas_are_those_of_the_typed_blocks(file):
    assert (REPOSITORY / "workflow/schemas" / file).read_text(encoding="utf-8") == schema.texts()[file], (
        "run: make schema"
    )


PATTERNS = {"sweeps": "*/sweeps.yaml", "data": "*/data.yaml", "figure": "*/*/figure.yaml", "claims": "*/*/claims.yaml"}


def test_the_files_that_the_schemas_describe_are_valid():
    schemas = schema.build()
    jsonschema.validate(CONFIG, schemas["config"])
    for kind, pattern in PATTERNS.items():
        files = sorted((REPOSITORY / "workflow/papers").glob(pattern))
        assert files
        for path in files:
            jsonschema.validate(yaml.safe_load(path.read_text(encoding="utf-8")), schemas[kind])


@pytest.mark.parametrize("name", ["train", "analysis"])
def test_conda_environments_have_the_locked_versions(name):
    dependencies = yaml.safe_load((REPOSITORY / f"envs/{name}.yaml").read_text(encoding="utf-8"))["dependencies"]
    pins = dict(pin.split("==") for pin in dependencies[-1]["pip"])
    assert pins == {package: LOCK[package] for package in pins}


def test_the_lock_has_no_cuda_packages_and_no_hashes():
    assert not [name for name in LOCK if re.match("nvidia|cuda|triton", name)]
    assert "--hash" not in (REPOSITORY / "envs/requirements.lock").read_text(encoding="utf-8")
    assert "+" not in LOCK["torch"]


PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LIBRARY = [Requirement(text) for text in PROJECT["dependencies"]]
EXTRAS = [Requirement(text) for texts in PROJECT["optional-dependencies"].values() for text in texts]


def test_the_locked_versions_are_those_that_pyproject_allows():
    locked = {canonicalize_name(name): version for name, version in LOCK.items()}
    wrong = [
        f"{requirement}, and the lock has {locked.get(canonicalize_name(requirement.name))}"
        for requirement in (*LIBRARY, *EXTRAS)
        if requirement.name != PROJECT["name"]
        and not requirement.specifier.contains(locked.get(canonicalize_name(requirement.name), "0"))
    ]
    assert not wrong


def torch_of(package: str) -> list[str]:
    """Return what an installed package says of the version of torch that it needs."""
    needed = map(Requirement, metadata.requires(package) or [])
    return [str(requirement.specifier) for requirement in needed if requirement.name == "torch"]


def test_locked_torch_and_torchvision_fit():
    assert torch_of("torchvision") == [f"=={LOCK['torch']}"]
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    assert f" torch=={LOCK['torch']} torchvision=={LOCK['torchvision']} " in makefile


def test_the_library_replaces_no_torch_that_is_there():
    """A package that needs one version of torch, as torchvision does, makes pip replace the installed one."""
    assert not [r.name for r in LIBRARY for version in torch_of(r.name) if version.startswith("==")]


def test_a_setting_belongs_to_one_plugin_of_a_sweep():
    for models in product(
        problems.PROBLEMS.values(),
        factorizations.FACTORIZATIONS.values(),
        optimizers.OPTIMIZERS.values(),
        [training.Training],
    ):
        for one, other in combinations(models, 2):
            assert not set(one.model_fields) & set(other.model_fields)


def test_every_plugin_has_settings_and_every_settings_class_its_module():
    for kind, known in (
        ("problems", problems.PROBLEMS),
        ("factorizations", factorizations.FACTORIZATIONS),
        ("optimizers", optimizers.OPTIMIZERS),
        ("baselines", baselines.BASELINES),
    ):
        assert set(plugins.names(kind)) == set(known)
