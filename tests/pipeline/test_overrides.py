"""Who overrides whom: papers, then config.yaml, then further files, then the command line."""

from __future__ import annotations

import json

import yaml

# Each says more than the next, which overrides it; singular_values has smoke settings of its own.
CONFIG = {
    "sweeps": {
        "singular_values": {
            "fixed": {"learning_rate": 0.2, "target_norm": 13.0, "observations": 71},
            "scales": {"smoke": {"axes": {"data_seed": {"count": 2}}}, "paper": {"axes": {"data_seed": [7]}}},
        }
    },
    "figures": {"det_sign": {"options": {"entry_max": 70.0, "entry_max_depth_2": 10.0}}},
}
FILE = {
    "sweeps": {"singular_values": {"fixed": {"learning_rate": 0.3, "observations": 70}}},
    "figures": {"det_sign": {"options": {"entry_max": 60.0}}},
}
COMMAND_LINE = {"singular_values": {"fixed": {"learning_rate": 0.4}}}


def test_what_overrides_what(fresh):
    config = fresh.folder / "config.yaml"
    original = config.read_text(encoding="utf-8")
    config.write_text(yaml.safe_dump({**yaml.safe_load(original), **CONFIG}), encoding="utf-8")
    (fresh.folder / "my.yaml").write_text(yaml.safe_dump(FILE), encoding="utf-8")
    words = ["results/smoke/data/singular_values/all.npz", "--configfile", "my.yaml"]
    try:
        result = fresh.run(*fresh.command("1", *words), f"sweeps={json.dumps(COMMAND_LINE)}")
    finally:
        config.write_text(original, encoding="utf-8")
    assert result.returncode == 0, result.stdout + result.stderr
    resolved = yaml.safe_load((fresh.folder / "results/smoke/config.yaml").read_text(encoding="utf-8"))
    sweep = resolved["sweeps"]["singular_values"]
    found = {name: sweep["fixed"][name] for name in ("learning_rate", "observations", "target_norm", "target_rank")}
    # The last two: of config.yaml, though the paper has another at this scale; and of the paper at this scale.
    assert found == {"learning_rate": 0.4, "observations": 70, "target_norm": 13.0, "target_rank": 2}
    assert sweep["axes"]["data_seed"] == [0, 1]
    options = resolved["figures"]["det_sign"]["options"]
    assert options == {"width": "text", "entry_max": 60.0, "entry_max_depth_2": 10.0}
    assert resolved["scale"] == "smoke"


def test_the_resolved_config_gives_the_same_build(built):
    assert built.jobs("--configfile", "results/smoke/config.yaml") == set()
