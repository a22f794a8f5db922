"""What is read from YAML files: text, numbers, lists and mappings, each key once; nothing else, and nothing twice."""

from __future__ import annotations

import math
import re
from pathlib import Path

import yaml

from greedyrank.errors import UserError

# libyaml's, where PyYAML was built with it, is twenty times as fast.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
LARGEST = 2**63 - 1  # what an array holds


def _shown(text: str) -> str:
    """Return a message without what a terminal would obey, and without the middle of what is too long to read."""
    text = "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)
    return text if len(text) <= 1200 else f"{text[:800]} ... {text[-300:]}"


class ConfigError(UserError, ValueError):
    """Everything that is wrong with a config, one message a line."""

    def __init__(self, messages: list[str]):
        self.messages = [_shown(text) for text in messages]
        super().__init__("\n".join(self.messages))


def read_yaml(path: Path) -> object:
    """Return what a YAML file holds.

    Raises
    ------
    ConfigError
        If it is not YAML, has a key twice, or a number that YAML reads as another one.
    """
    try:
        text = path.read_text(encoding="utf-8")
        errors = _wrong(yaml.compose(text, LOADER), "")
        content = yaml.load(text, LOADER)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path} is not YAML: {' '.join(str(error).split())}"]) from None
    except RecursionError:
        raise ConfigError([f"{path} is nested too deeply"]) from None
    if errors:
        raise ConfigError([f"{path}: {error}" for error in errors])
    return content


def typed(value: object) -> object:
    """Return a value of the command line with its numbers, true, false and null.

    Snakemake reads ``--config 'sweeps={..}'`` as YAML in which everything is text.
    """
    if isinstance(value, dict):
        return {key: typed(part) for key, part in value.items()}
    if isinstance(value, list):
        return [typed(part) for part in value]
    if not isinstance(value, str):
        return value
    if _slip(value):
        return value
    try:
        found = yaml.load(value, LOADER)
    except (yaml.YAMLError, ValueError, RecursionError):
        return value
    return found if found is None or isinstance(found, (bool, int, float)) else value


def read_mapping(path: Path) -> dict:
    """Return the mapping that a YAML file holds; an empty file holds an empty one.

    Raises
    ------
    ConfigError
        If it is not YAML, has a key twice, or holds something else.
    """
    content = read_yaml(path)
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigError([f"{path} is not a mapping of names to settings"])
    return content


def _slip(text: str) -> str:
    """Return what YAML makes of a number that looks like another one: 010 is 8 to it, and 1:30 is 90."""
    if re.fullmatch("[-+]?0[0-7_]+", text):
        return "an octal number"
    if re.fullmatch("[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+([.][0-9_]*)?", text):
        return "a number in base 60"
    return ""


def _wrong(node: yaml.Node | None, path: str) -> list[str]:
    """Name what YAML would take without a word: a key that stands twice, and numbers that it reads as others."""
    if isinstance(node, yaml.SequenceNode):
        return [error for number, part in enumerate(node.value) for error in _wrong(part, f"{path}.{number}")]
    if isinstance(node, yaml.ScalarNode) and node.tag.endswith((":int", ":float")) and (kind := _slip(node.value)):
        return [f"{path} is {node.value}, which YAML reads as {kind}; write it in decimals, or text in quotes"]
    if not isinstance(node, yaml.MappingNode):
        return []
    errors: list[str] = []
    lines: dict[str, int] = {}
    for key, value in node.value:
        # As text, also where the key is not text.
        here, line = f"{path}.{key.value}".removeprefix("."), key.start_mark.line + 1
        if here in lines:
            errors.append(f"{here} appears twice, in lines {lines[here]} and {line}; keep one")
        lines[here] = line
        errors += _wrong(value, here)
    return errors


def check_plain(value: object, place: str, numbers_as_keys: bool = False) -> list[str]:
    """Return what is wrong with values that come from YAML: jobs get text, numbers, lists and mappings alone.

    The keys of a mapping are text, or where that is allowed all of them numbers.
    """
    if isinstance(value, dict):
        by_number = numbers_as_keys and all(type(key) in (int, float) for key in value)
        wrong = [f"{place}: the key {key!r} is not text" for key in value if not (by_number or isinstance(key, str))]
        return wrong + [
            error
            for key, part in value.items()
            for error in check_plain(part, f"{place}.{key}".removeprefix("."), numbers_as_keys)
        ]
    if isinstance(value, (list, tuple)):
        parts = enumerate(value)
        return [error for number, part in parts for error in check_plain(part, f"{place}.{number}", numbers_as_keys)]
    if isinstance(value, float) and not math.isfinite(value):
        return [f"{place} is {value}; allowed: finite numbers"]
    if isinstance(value, int) and abs(value) > LARGEST:
        return [f"{place} has {value.bit_length()} bits; allowed: whole numbers of up to 63"]
    if not isinstance(value, (str, int, float, type(None))):
        return [f"{place} is {value!r}, of the kind {type(value).__name__}; allowed: text, numbers, true and false"]
    return []
