"""Ten mutated configs and papers through Snakemake: the loader's own message or a job graph, nothing started.

tests/unit/test_fuzzed_config.py tries many more on the loader alone.
"""

from __future__ import annotations

import pytest
import yaml
from hypothesis import HealthCheck, given, settings

import mutants
from greedyrank.config.yaml_input import ConfigError
from greedyrank.plan.graph import Plan


# The same examples in every run, as in tests/unit/test_fuzzed_config.py.
@settings(max_examples=10, database=None, deadline=None, derandomize=True,
          suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])  # fmt: skip
@given(mutant=mutants.mutants(2))
def test_mutated_config(fresh, mutant):
    folder = fresh.folder.parent / "papers" / mutant.paper
    if not folder.exists():
        mutants.copy_code(mutant.paper, folder)
    text = yaml.safe_dump(mutants.write(mutant, folder), sort_keys=False, allow_unicode=True)
    (fresh.folder / "config.yaml").write_text(text, encoding="utf-8")
    result = fresh.run("snakemake", "--cores", "1", "--dry-run")
    output = result.stdout + result.stderr
    assert "Traceback" not in output
    assert not (fresh.folder / "results").exists()  # no job ran
    fresh.check_no_value_ran()
    try:
        with pytest.MonkeyPatch.context() as patch:
            mutants.allow_copies(patch)
            plan = Plan(yaml.safe_load(text))
    except ConfigError as error:
        assert result.returncode != 0
        for message in error.messages:
            assert message in output
    else:
        assert result.returncode == 0, output
        assert "Job stats:" in output or "Skipped unless asked for by name" in output
        for messages in plan.project.broken.values():
            for message in messages:
                assert message in output
