"""The config's JSON schema, for editors: ``python -m greedyrank.schema > workflow/schemas/config.schema.json``.

Generated from the typed config and the settings of every tenant; a test keeps the file in step.
"""

from __future__ import annotations

import json

from greedyrank.config.loading import Config
from greedyrank.config.settings import factorizations, optimizers, problems, training

COUNT = {
    "type": "object",
    "description": "the list 0, 1, ... count - 1",
    "properties": {"count": {"type": "integer", "exclusiveMinimum": 0}},
    "required": ["count"],
    "additionalProperties": False,
}


def _several(field: dict) -> list[dict]:
    """Return the ways to write several values of a setting: a list, and for whole numbers a count."""
    whole = any(kind.get("type") == "integer" for kind in field.get("anyOf", [field]))
    return [{"type": "array", "items": field, "minItems": 1}, *[{"$ref": "#/$defs/Count"}] * whole]


def build() -> dict:
    """Return the schema of the whole config file."""
    schema = Config.model_json_schema()
    models = [
        training.Training,
        *problems.PROBLEMS.values(),
        *factorizations.FACTORIZATIONS.values(),
        *optimizers.OPTIMIZERS.values(),
    ]
    schema["$defs"]["Count"] = COUNT
    fields: dict[str, list] = {}
    for model in models:
        described = model.model_json_schema(ref_template="#/$defs/{model}")
        schema["$defs"] |= described.pop("$defs", {})
        for name, field in described["properties"].items():
            if field not in fields.setdefault(name, []):
                fields[name].append(field)
    single = {name: found[0] if len(found) == 1 else {"anyOf": found} for name, found in sorted(fields.items())}
    several = {name: {"anyOf": [value, *_several(value)]} for name, value in single.items()}
    sweep = schema["$defs"]["Sweep"]["properties"]
    sweep["fixed"] |= {"properties": single, "additionalProperties": False}
    sweep["cases"]["items"] = {"type": "object", "properties": several, "additionalProperties": False}
    sweep["axes"] |= {
        "properties": {name: {"anyOf": _several(value)} for name, value in single.items()},
        "additionalProperties": False,
    }
    for kind, known in (
        ("problem", problems.PROBLEMS),
        ("factorization", factorizations.FACTORIZATIONS),
        ("optimizer", optimizers.OPTIMIZERS),
    ):
        sweep[kind]["enum"] = list(known)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "greedyrank config", **schema}


def text() -> str:
    """Return the schema as it stands in the repository."""
    return json.dumps(build(), indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    print(text(), end="")
