"""One line for everything that is wrong: place, key, value, and what is allowed."""

from __future__ import annotations

import contextlib
import difflib
import math
from functools import partial

from pydantic import (
    BaseModel,
    ValidationError,
)


def nearest(name: str, allowed) -> str:
    """Return a hint with the nearest allowed name, or all of them."""
    allowed = sorted(map(str, allowed))
    close = difflib.get_close_matches(str(name), allowed, n=1)
    return f"did you mean `{close[0]}`?" if close else f"allowed: {', '.join(allowed)}"


def explain(error: ValidationError, place: str, model: type[BaseModel] | None, separator: str = ".") -> list[str]:
    """Translate pydantic's errors into one line each: place, key, value, what is allowed."""
    lines = []
    for item in error.errors():
        path = [str(part) or "''" for part in item["loc"] if part != "[key]"]
        where = f"{place}{separator}{'.'.join(path)}" if place and path else place or ".".join(path)
        if item["type"] == "extra_forbidden":
            lines.append(f"{where}: unknown key; {nearest(path[-1], _fields_at(model, path[:-1]))}")
        elif item["type"] == "missing":
            lines.append(f"{where}: missing key")
        elif item["type"] == "value_error":
            lines.append(f"{where}: {item['ctx']['error']}")
        else:
            lines.append(f"{where} is {item['input']!r}: {item['msg']}{of_yaml(item['input'], item['msg'])}")
    return lines


def of_yaml(value: object, message: str) -> str:
    """Return why YAML may have read another kind of value than was meant, where the message asks for a number."""
    if isinstance(value, bool):
        return " (YAML reads yes, no, on and off as true and false)"
    asks = isinstance(value, str) and ("number" in message or "integer" in message)
    number = _as_number(str(value), "integer" in message) if asks else None
    return f" (YAML reads {value} as text: write {number})" if number else ""


def _as_number(text: str, whole: bool) -> str | None:
    """Return what YAML reads as the number that a text means, such as 1.0e-05 for 1e-5; None where it means none."""
    for kind in (partial(int, base=0), float):
        with contextlib.suppress(ValueError):
            value = kind(text)
            if not math.isfinite(value):
                return None
            if isinstance(value, int) or (whole and value.is_integer()):
                return str(int(value))
            mantissa, *exponent = repr(value).split("e")
            return "e".join([mantissa if "." in mantissa else f"{mantissa}.0", *exponent])
    return None


def _fields_at(model: type[BaseModel] | None, path: list[str]) -> list[str]:
    """Return the keys allowed at a path of a model; unions and dictionaries are looked through."""
    for part in path:
        if model is None:
            return []
        field = model.model_fields.get(part)
        candidates = [field.annotation] if field else [model]
        found = None
        while candidates:
            candidate = candidates.pop()
            if isinstance(candidate, type) and issubclass(candidate, BaseModel):
                found = candidate
                break
            candidates += list(getattr(candidate, "__args__", ()))
        model = found
    return list(model.model_fields) if model else []
