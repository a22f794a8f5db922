"""Which edits of code change a digest, and which do not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from greedyrank.code_digest import Code, CodeError

MODULES = {
    "__init__.py": '"""Small."""\n',
    "loop.py": '''"""The loop."""

import logging
import math

from small import files
from small.tools import helper
from small.errors import Refused

logger = logging.getLogger(__name__)
LEVELS = [1, 2]


def run(x, depth=2):
    """Run."""
    if x < 0:
        raise Refused(f"{x} is below 0")
    logger.info("runs %s", x)
    files.save(x)
    return helper(x) + math.pi + sum(level for level in LEVELS)


def unused():
    return helper(3)


def shadowing(LEVELS, helper):
    return [math for math in LEVELS] + helper.size
''',
    "tools.py": "SHIFT = 1\nOTHER = 2\n\n\ndef helper(x):\n    return x + SHIFT\n\n\n"
    "def neighbour(x):\n    return OTHER\n",
    "errors.py": "class Refused(Exception):\n    pass\n",
    "files.py": "FORMAT_VERSION = 1\n\n\ndef save(x):\n    print(x)\n",
    "lazy.py": "def late():\n    from small import tools\n\n    return tools.helper(1)\n",
    "kinds/plug.py": "import small.tools\n\n\nclass Plug(dict):\n    size = small.tools.helper(2)\n\n    def a(self):\n"
    "        return self.size\n\n    def b(self):\n        return Plug()\n",
    "acts.py": "VALUES = []\nVALUES.append(1)\n\n\ndef total():\n    return sum(VALUES)\n",
}
OF_TOOLS = {"small.loop:run", "small.lazy:late", "small.kinds.plug:Plug"}
ENTRIES = ("small.loop:run", "small.lazy:late", "small.kinds.plug:Plug", "small.acts:total")


class Package:
    """The small package in a folder, to be edited."""

    def __init__(self, folder: Path):
        self.folder = folder / "small"
        for name, text in MODULES.items():
            self.write(name, text)

    def write(self, name: str, text: str) -> None:
        """Write one of its modules."""
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(text, encoding="utf-8")

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a text that stands in a module."""
        text = (self.folder / name).read_text(encoding="utf-8")
        assert old in text
        self.write(name, text.replace(old, new))

    def digests(self) -> dict[str, str]:
        """Return the digest of each entry point by itself."""
        code = Code({"small": self.folder})
        return {entry: code.digest((entry,)) for entry in ENTRIES}


@pytest.fixture
def package(tmp_path):
    return Package(tmp_path)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("loop.py", '"""Run."""', '"""Run once."""'),
        ("loop.py", "    if x < 0:\n", "    # A comment.\n    if x < 0:\n"),
        ("loop.py", "def run(x, depth=2):", "def run(\n    x,\n    depth=2,\n):"),
        ("loop.py", "def run(x, depth=2):", "def run(x: int, depth: int = 2) -> float:"),
        ("loop.py", "LEVELS = [1, 2]", "LEVELS: list[int] = [1, 2]"),
        ("loop.py", "is below 0", "is negative"),
        ("loop.py", '"runs %s"', '"now runs %s"'),
        ("loop.py", '    logger.info("runs %s", x)\n', ""),
        ("loop.py", "import math\n", "import json\nimport math\n"),
        ("loop.py", "return helper(3)", "return helper(4)"),
        ("loop.py", "def unused():", "def unused(LEVELS):"),
        ("tools.py", "OTHER = 2", "OTHER = 3"),
        ("tools.py", "return OTHER", "return SHIFT"),
        ("tools.py", "SHIFT = 1\nOTHER = 2\n", "OTHER = 2\nSHIFT = 1\n"),
        ("errors.py", "    pass", '    """An error."""'),
        ("files.py", "print(x)", "print(x, x)"),
        ("kinds/plug.py", "    def b(self):\n        return Plug()\n", ""),
    ],
)
def test_what_no_behaviour_depends_on_does_not_count(package, name, old, new):
    before = package.digests()
    package.edit(name, old, new)
    after = package.digests()
    if name == "kinds/plug.py":  # a method is part of its class
        assert after.pop("small.kinds.plug:Plug") != before.pop("small.kinds.plug:Plug")
    assert after == before


@pytest.mark.parametrize(
    ("name", "old", "new", "changed"),
    [
        ("loop.py", "math.pi", "math.e", {"small.loop:run"}),
        ("loop.py", "import math", "import cmath as math", {"small.loop:run"}),
        ("loop.py", "helper(x) +", "helper(x) -", {"small.loop:run"}),
        ("loop.py", "depth=2", "depth=3", {"small.loop:run"}),
        ("loop.py", "if x < 0", "if x <= 0", {"small.loop:run"}),
        ("loop.py", "raise Refused", "raise ValueError", {"small.loop:run"}),
        ("loop.py", "[1, 2]", "[2, 1]", {"small.loop:run"}),
        ("loop.py", "import logging\n", "import logging\nLEVELS2 = 1\n", set()),
        ("errors.py", "(Exception)", "(ValueError)", {"small.loop:run"}),
        ("files.py", "FORMAT_VERSION = 1", "FORMAT_VERSION = 2", {"small.loop:run"}),
        ("tools.py", "SHIFT = 1", "SHIFT = 2", OF_TOOLS),
        ("tools.py", "SHIFT = 1", "SHIFT = 1.0", OF_TOOLS),
        ("tools.py", "return x + SHIFT", "return x + OTHER", OF_TOOLS),
        ("lazy.py", "tools.helper(1)", "tools.neighbour(1)", {"small.lazy:late"}),
        ("acts.py", "VALUES.append(1)", "VALUES.append(2)", {"small.acts:total"}),
        ("acts.py", "VALUES.append(1)", "pass", {"small.acts:total"}),
    ],
)  # fmt: skip
def test_behaviour_counts_where_it_is_reached(package, name, old, new, changed):
    before = package.digests()
    package.edit(name, old, new)
    after = package.digests()
    assert {entry for entry in ENTRIES if after[entry] != before[entry]} == changed


def test_moving_and_renaming_change_nothing(package):
    before = package.digests()
    # A function moves to a package of its own, another module is renamed, a constant too.
    package.edit("tools.py", "def helper(x):\n    return x + SHIFT\n", "")
    package.write("deep/inside.py", "from small.tools import SHIFT as BY\n\n\ndef assist(x):\n    return x + BY\n")
    package.edit("loop.py", "from small.tools import helper\n", "from small.deep.inside import assist\n")
    package.edit("loop.py", "helper(x) +", "assist(x) +")
    package.edit("loop.py", "return helper(3)", "return assist(3)")
    package.edit("lazy.py", "from small import tools", "import small.deep.inside as far")
    package.edit("lazy.py", "tools.helper", "far.assist")
    package.edit("kinds/plug.py", "import small.tools", "from small.deep import inside")
    package.edit("kinds/plug.py", "small.tools.helper", "inside.assist")
    (package.folder / "errors.py").rename(package.folder / "refusals.py")
    package.edit("loop.py", "small.errors", "small.refusals")
    assert package.digests() == before


def test_two_functions_exchanged_count(package):
    package.write("pair.py", "def one(x):\n    return x + 1\n\n\ndef two(x):\n    return x + 2\n")
    package.write("uses.py", "from small.pair import one, two\n\n\ndef f(x):\n    return one(x) - two(x)\n")
    code = {"small": package.folder}
    before = Code(code).digest(("small.uses:f",))
    package.edit("uses.py", "import one, two", "import two as one, one as two")
    assert Code(code).digest(("small.uses:f",)) != before


def test_functions_that_call_each_other_end(package):
    package.write(
        "even.py", "def even(n):\n    return n == 0 or odd(n - 1)\n\n\ndef odd(n):\n    return n and even(n - 1)\n"
    )
    before = Code({"small": package.folder}).digest(("small.even:even",))
    package.edit("even.py", "n and even", "n or even")
    assert Code({"small": package.folder}).digest(("small.even:even",)) != before


def test_local_names_hide_those_of_the_module(package):
    reached = Code({"small": package.folder}).reached(("small.loop:shadowing",))
    assert [definition.name for definition in reached] == ["shadowing"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def broken(:\n", "bad.py:1 is not Python"),
        ("from small.tools import missing\n\n\nmissing()\n", "bad.py:1: .*tools.py has no `missing`"),
        ("from small import nowhere\n", "bad.py:1: .*has no `nowhere`"),
        ("import small.nowhere\n", "bad.py:1: there is no module small.nowhere"),
        ("\nimport nopackage.part\n", "bad.py:2: no package `nopackage` is installed"),
        ("def f():\n    from nopackage import part\n", "bad.py:2: no package `nopackage` is installed"),
    ],
)
def test_code_that_cannot_be_imported_is_named(package, text, message):
    package.write("bad.py", text)
    with pytest.raises(CodeError, match=message):
        Code({"small": package.folder}).check_imports("small.bad", lambda name: name != "nopackage")


# What versions of Python parse, or have parsed, in different ways; ``ast.dump`` of it differs between 3.11, 3.12, 3.13.
SYNTAX = r'''
"""What versions of Python may parse in different ways."""
import numpy as np
from math import pi as circle

HALF: float = 0.5
TABLE = {"a": 1, **{"b": -0.0}, "c": 1e400, "d": 3j, "e": b"\x00\xff", "f": ..., "g": 10**30, "h": 0x_ff}
BULLET = "\N{BULLET}é"
JOINED = "one" 'two' """three
    four"""


def text(x, width=8, precision=3, *rest, flag: bool = True, **others) -> str:
    """Summed up.

        With an odd indentation.
    """
    plain = f"{x!r:>{width}.{precision}f} {{braces}} {x = } {'nested'!s} {x:%Y-%m}" f"{x}" "tail" rf"\d{x}\n"
    return plain + f"""{
        x + 1
    }""" if flag else f"{others}"


def shapes(value):
    match value:
        case {"key": [first, *rest], **more} if first > 0:
            return first, rest, more
        case complex(real=0, imag=1j) | -1 | "a" | None | True:
            return value
        case [(1 | 2) as small, _]:
            return small
        case HALF.real:
            return 0


async def later(things):
    global HALF
    async with things as (first, second), open("x") as third:
        async for item in first:
            yield await item, [j async for j in second if j]
    try:
        del things[1:2, ..., ::3], HALF
    except* (ValueError, KeyError) as errors:
        raise RuntimeError("lost") from errors
    else:
        assert third, "a message"
    finally:
        print(*things, sep="", **{"end": circle})


class Outer(dict, metaclass=type):
    """A class."""

    field: "int | None" = None
    other: list[int]

    @property
    def area(self) -> "float":
        return (n := len(self)) * circle @ np.eye(n) if not self else lambda a, /, b=1, *, c: a < b <= c is not None

    @staticmethod
    def pairs():
        def inner():
            nonlocal total
            total += 1
        total = 0
        while total < 3:
            inner()
        else:
            return {k: v for k, v in zip("ab", range(2)) if k}, {s for s in {1, 2}}, [*range(3)], (yield total)


for number in range(3):
    if number % 2 and not number >> 1 or ~number ^ 7:
        continue
    break
'''


def test_the_digest_is_the_same_on_every_python(tmp_path):
    """A change of `greedyrank.code_digest` changes this digest, and reruns everything; another Python must not."""
    (tmp_path / "syntax.py").write_text(SYNTAX, encoding="utf-8")
    code = Code({"small": tmp_path})
    names = sorted(code.module("small.syntax").definitions)
    assert names == ["BULLET", "HALF", "JOINED", "Outer", "TABLE", "later", "number", "shapes", "text"]
    assert code.digest(tuple(f"small.syntax:{name}" for name in names)) == "486f54bd261e3816"


ALL_CODE = """
import sys; sys.path.insert(0, sys.argv[1])
from pathlib import Path
from greedyrank.code_digest import Code, Definition
from greedyrank.provenance import canonical, digest
workflow = Path(sys.argv[1])
folders = [workflow / "greedyrank", *(path.parent for path in sorted(workflow.glob("papers/*/sweeps.yaml")))]
code = Code({folder.name: folder for folder in folders})
names = [path.relative_to(folder.parent).with_suffix("") for folder in folders for path in sorted(folder.rglob("*.py"))]
modules = [".".join(name.parts).removesuffix(".__init__") for name in names]
found = [code.analysis(Definition(module, name)).text for module in modules for name in code.module(module).definitions]
print(len(found), digest(canonical(found)))
"""


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_other_pythons_of_this_machine_read_all_code_alike(version):
    workflow = Path(__file__).parents[2] / "workflow"
    here = subprocess.run(
        [sys.executable, "-c", ALL_CODE, str(workflow)], capture_output=True, encoding="utf-8", check=True
    )
    assert int(here.stdout.split()[0]) > 1000
    words = [f"python{version}", "-c", ALL_CODE, str(workflow)]
    try:
        other = subprocess.run(words, capture_output=True, encoding="utf-8", check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip(f"no python{version} starts here")
    assert other.stdout == here.stdout
