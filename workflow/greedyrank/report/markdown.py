"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; columns whose names end with a colon are aligned to the right."""
    rule = ["---:" if name.endswith(":") else "---" for name in columns]
    lines = [[name.removesuffix(":") for name in columns], rule, *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|').strip() for cell in line)} |\n" for line in lines)
