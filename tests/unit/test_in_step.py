"""Files that say the same thing twice are kept in step."""

import re
from itertools import combinations, product
from pathlib import Path

import jsonschema
import pytest
import yaml

from greedyrank.config import loading, schema
from greedyrank.config.settings import baselines, factorizations, optimizers, problems, training

REPOSITORY = Path(__file__).parents[2]
LOCK = dict(
    line.split("==") for line in (REPOSITORY / "envs/requirements.lock").read_text().splitlines() if "==" in line
)
CONFIG = yaml.safe_load((REPOSITORY / "config.yaml").read_text())


def test_the_schema_is_that_of_the_typed_config():
    file = REPOSITORY / "workflow/schemas/config.schema.json"
    assert file.read_text() == schema.text(), "run: make schema"
    jsonschema.validate(CONFIG, schema.build())


@pytest.mark.parametrize("name", ["train", "analysis"])
def test_conda_environments_have_the_locked_versions(name):
    dependencies = yaml.safe_load((REPOSITORY / f"envs/{name}.yaml").read_text())["dependencies"]
    pins = dict(pin.split("==") for pin in dependencies[-1]["pip"])
    assert pins == {package: LOCK[package] for package in pins}


def test_the_lock_has_no_cuda_packages_and_no_hashes():
    assert not [name for name in LOCK if re.match("nvidia|cuda|triton", name)]
    assert "--hash" not in (REPOSITORY / "envs/requirements.lock").read_text()
    assert "+" not in LOCK["torch"]


def test_a_setting_belongs_to_one_tenant_of_a_sweep():
    for tenants in product(
        problems.PROBLEMS.values(),
        factorizations.FACTORIZATIONS.values(),
        optimizers.OPTIMIZERS.values(),
        [training.Training],
    ):
        for one, other in combinations(tenants, 2):
            assert not set(one.model_fields) & set(other.model_fields)


def test_every_tenant_has_settings_and_every_settings_class_its_module():
    for room, known in (
        ("problems", problems.PROBLEMS),
        ("factorizations", factorizations.FACTORIZATIONS),
        ("optimizers", optimizers.OPTIMIZERS),
        ("baselines", baselines.BASELINES),
    ):
        assert set(loading.tenants(room)) == set(known)


def test_the_readme_lists_every_figure_with_its_claims_and_minutes():
    readme = (REPOSITORY / "README.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \|.*\| (\d+) \| (\d+) \|$", readme, re.MULTILINE)
    claims = {name: yaml.safe_load((REPOSITORY / f"workflow/claims/{name}.yaml").read_text()) for name, *_ in rows}
    listed = {name: (int(count), float(minutes)) for name, count, minutes in rows}
    assert listed == {name: (len(claims[name]), float(f["minutes"])) for name, f in CONFIG["figures"].items()}
