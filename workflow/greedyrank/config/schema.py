"""JSON schemas of the config and of the papers' files, for editors.

``python -m greedyrank.config.schema workflow/schemas`` writes them. They are generated from the typed blocks and from
the settings of every plug-in; a test keeps the files in step.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pydantic import TypeAdapter

from greedyrank.config.grammar import Claim, Config, Figure, ReleasedFile, Sweep
from greedyrank.config.settings.base import Settings
from greedyrank.config.settings.factorizations import FACTORIZATIONS
from greedyrank.config.settings.optimizers import OPTIMIZERS
from greedyrank.config.settings.problems import PROBLEMS
from greedyrank.config.settings.training import Training

DIALECT = "https://json-schema.org/draft/2020-12/schema"
COUNT = {
    "type": "object",
    "description": "the list 0, 1, ... count - 1",
    "properties": {"count": {"type": "integer", "exclusiveMinimum": 0}},
    "required": ["count"],
    "additionalProperties": False,
}
SPACED = {
    "type": "object",
    "description": "so many equally spaced numbers, both ends included",
    "properties": {
        "count": {"type": "integer", "exclusiveMinimum": 1},
        "from": {"type": "number"},
        "to": {"type": "number"},
    },
    "required": ["count", "from", "to"],
    "additionalProperties": False,
}


def _several(field: dict) -> list[dict]:
    """Return the ways to write several values of a setting: a list, for whole numbers a count, for others a range."""
    kinds = {kind.get("type") for kind in field.get("anyOf", [field])}
    short = {"integer": "Count", "number": "Spaced"}
    return [
        {"type": "array", "items": field, "minItems": 1},
        *({"$ref": f"#/$defs/{name}"} for kind, name in short.items() if kind in kinds),
    ]


def _sweep() -> tuple[dict, dict]:
    """Return the schema of one sweep, and the definitions that it refers to."""
    sweep = Sweep.model_json_schema(ref_template="#/$defs/{model}")
    definitions = {**sweep.pop("$defs", {}), "Count": COUNT, "Spaced": SPACED}
    fields: dict[str, list] = {}
    models: list[type[Settings]] = [Training, *PROBLEMS.values(), *FACTORIZATIONS.values(), *OPTIMIZERS.values()]
    for model in models:
        described = model.model_json_schema(ref_template="#/$defs/{model}")
        definitions |= described.pop("$defs", {})
        for name, field in described["properties"].items():
            if field not in fields.setdefault(name, []):
                fields[name].append(field)
    single = {name: found[0] if len(found) == 1 else {"anyOf": found} for name, found in sorted(fields.items())}
    several = {name: {"anyOf": [value, *_several(value)]} for name, value in single.items()}
    properties = sweep["properties"]
    properties["fixed"] |= {"properties": single, "additionalProperties": False}
    properties["cases"]["items"] = {"type": "object", "properties": several, "additionalProperties": False}
    properties["axes"] |= {
        "properties": {name: {"anyOf": _several(value)} for name, value in single.items()},
        "additionalProperties": False,
    }
    for kind, known in (("problem", PROBLEMS), ("factorization", FACTORIZATIONS), ("optimizer", OPTIMIZERS)):
        properties[kind]["enum"] = list(known)
    return sweep, definitions


def _without_required(schema: dict) -> dict:
    """Return the schema of a part of a block, as an override is."""
    return {key: value for key, value in schema.items() if key != "required"}


def build() -> dict[str, dict]:
    """Return the schema of each kind of file: config, sweeps, data, figure and claims."""
    sweep, definitions = _sweep()
    figure = Figure.model_json_schema()
    config = Config.model_json_schema()
    config["properties"]["sweeps"]["additionalProperties"] = {"$ref": "#/$defs/SweepOverride"}
    config["properties"]["figures"]["additionalProperties"] = {"$ref": "#/$defs/FigureOverride"}
    overrides = {"SweepOverride": _without_required(sweep), "FigureOverride": _without_required(figure)}
    found = {
        "config": {**config, "$defs": {**config.get("$defs", {}), **definitions, **overrides}},
        "sweeps": {
            "type": "object",
            "additionalProperties": {"$ref": "#/$defs/Sweep"},
            "$defs": {**definitions, "Sweep": sweep},
        },
        "data": TypeAdapter(dict[str, ReleasedFile]).json_schema(),
        "figure": figure,
        "claims": TypeAdapter(list[Claim]).json_schema(),
    }
    return {name: {"$schema": DIALECT, **schema, "title": f"greedyrank {name}"} for name, schema in found.items()}


def texts() -> dict[str, str]:
    """Return the content of each file of workflow/schemas, by its name."""
    return {
        f"{name}.schema.json": json.dumps(schema, indent=2, sort_keys=True) + "\n" for name, schema in build().items()
    }


if __name__ == "__main__":
    for file, content in texts().items():
        Path(sys.argv[1], file).write_text(content, encoding="utf-8")
