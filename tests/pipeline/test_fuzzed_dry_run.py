"""Thirty mutated configs through Snakemake: the loader's own message or a job graph, no traceback, nothing started."""

from __future__ import annotations

import yaml
from hypothesis import HealthCheck, given, settings

import mutants
from greedyrank.config.loading import ConfigError
from greedyrank.plan import graph


# The same examples in every run, as in tests/unit/test_fuzzed_config.py.
@settings(max_examples=30, database=None, deadline=None, derandomize=True,
          suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])  # fmt: skip
@given(mutant=mutants.mutants(2))
def test_mutated_config(fresh, mutant):
    text = yaml.safe_dump(mutant.config, sort_keys=False, allow_unicode=True)
    (fresh.folder / "config.yaml").write_text(text)
    result = fresh.run("snakemake", "--cores", "1", "--dry-run")
    output = result.stdout + result.stderr
    assert "Traceback" not in output
    assert not (fresh.folder / "results").exists()  # no job ran
    fresh.check_no_value_ran()
    try:
        graph.Plan(yaml.safe_load(text))
    except ConfigError as error:
        assert result.returncode != 0
        for message in error.messages:
            assert message in output
    else:
        assert result.returncode == 0, output
        assert "Job stats:" in output or "Skipped unless asked for by name" in output
