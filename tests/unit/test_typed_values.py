"""Every value of a figure and of a claim has a type, and is checked before anything starts."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import numpy as np
import pytest

from greedyrank.code_digest import Code
from greedyrank.config import arguments, claim_runs, loading, messages
from greedyrank.config.figure_loader import find_statistic
from greedyrank.config.yaml_input import ConfigError, read_mapping, typed
from greedyrank.spectra import extraction
from small_paper import CLAIM, SmallPaper


@pytest.fixture
def paper(tmp_path, sweep_block):
    axes = {"seed": [0, 1], "depth": [2, 3], "dtype": ["float64"]}
    return SmallPaper(tmp_path / "my_paper", sweep_block("deep_matrix", "gd", axes=axes))


def errors_of(raw: dict) -> list[str]:
    with pytest.raises(ConfigError) as error:
        loading.load(raw)
    return error.value.messages


# -- annotations ------------------------------------------------------------------------------------

ANNOTATIONS = {
    "float": ([1, -1.5], ["1", None, True, [1.0], {}]),
    "int": ([1, -3], [1.0, 1.5, "1", True, None]),
    "bool": ([True], [1, "yes", None]),
    "str": (["a", ""], [1, True, None, ["a"]]),
    "list": ([[], [1, "a"]], [1, "a", {}]),
    "dict": ([{}, {"a": 1}], [[], "a"]),
    "list[float]": ([[], [1, 2.5]], [["1"], [True], 1.0, [None]]),
    "dict[str, int]": ([{"a": 1}], [{"a": 1.5}, {"a": None}]),
    "float | None": ([1.0, None], ["1", True]),
    "Optional[int]": ([1, None], [1.5]),
    "Union[int, str]": ([1, "a"], [1.5, True]),
    "typed.Optional[float]": ([1.0, "anything"], []),  # through a module: taken as it is
    "Literal['a', 'b'] | None": (["a", None], ["c", 1]),
    "'float'": ([1.0], ["a"]),
    "Sequence[float]": ([[1.0]], [1.0, ["a"]]),
    "PositiveInt": ([1], [0, -1, 1.5, "1"]),
    "list[PositiveFloat]": ([[0.1]], [[0.0], [-1.0], ["a"]]),
    "Size": (["small", "large"], ["middle"]),
    "list[Size]": ([["small"]], [["middle"], "small"]),
    "Shared": ([1, 2], [3, "1"]),
    "np.ndarray": ([1, "a"], []),
    "Own": ([1, "a"], []),
    "": ([1, "a", None], []),
}
MODULE = """
import typing as typed
from collections.abc import Sequence
from typing import Literal, Optional, Union

import numpy as np
from pydantic import PositiveFloat, PositiveInt

from some_paper.common import Shared

Size = Literal["small", "large"]


class Own:
    pass


raise RuntimeError("planning runs no code of a paper")


def draw(sweeps, published, *, given{annotation}, other=1):
    pass
"""


@pytest.mark.parametrize("annotation", ANNOTATIONS)
def test_an_annotation_says_which_values_are_taken(tmp_path, annotation):
    folder = tmp_path / "some_paper"
    folder.mkdir()
    text = MODULE.format(annotation=f": {annotation}" if annotation else "")
    (folder / "draw.py").write_text(text, encoding="utf-8")
    (folder / "common.py").write_text("from typing import Literal\n\nShared = Literal[1, 2]\n", encoding="utf-8")
    code = Code({"some_paper": folder})
    good, bad = ANNOTATIONS[annotation]
    for value in good:
        assert arguments.wrong(code, "some_paper.draw:draw", {"given": value}, "options") == []
    for value in bad:
        found = arguments.wrong(code, "some_paper.draw:draw", {"given": value}, "options")
        assert found
        assert all(message.startswith("options.given") and "Input should be" in message for message in found)


def test_names_of_arguments_are_checked(tmp_path):
    (tmp_path / "draw.py").write_text(MODULE.format(annotation=": float"), encoding="utf-8")
    (tmp_path / "common.py").write_text("Shared = int\n", encoding="utf-8")
    found = arguments.wrong(Code({"paper": tmp_path}), "paper.draw:draw", {"othr": 1}, "options")
    assert found == ["options.othr: unknown key; did you mean `other`?", "options.given: missing key"]


def test_annotations_of_figures_are_read_without_what_they_import():
    script = textwrap.dedent("""
        import sys
        from greedyrank.config import loading
        try:
            loading.load({"figures": {"det_sign": {"options": {"width": "wide"}}}})
        except loading.ConfigError as error:
            print(error.messages[0])
        print(*{"matplotlib", "numpy", "torch"} & set(sys.modules))
    """)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=True)
    message, imported = done.stdout.splitlines()
    assert message.endswith("options.width is 'wide': Input should be 'column' or 'text'")
    assert imported == ""


# -- options of figures -----------------------------------------------------------------------------

NUMBER = "Input should be a valid number"
INTEGER = "Input should be a valid integer"
TRUTH = " (YAML reads yes, no, on and off as true and false)"
OPTIONS = {
    "entry_max: 8e1": f"entry_max is '8e1': {NUMBER} (YAML reads 8e1 as text: write 80.0)",
    "entry_max: 1.5E3": f"entry_max is '1.5E3': {NUMBER} (YAML reads 1.5E3 as text: write 1500.0)",
    "entry_max: null": f"entry_max is None: {NUMBER}",
    "entry_max:": f"entry_max is None: {NUMBER}",
    "entry_max: yes": f"entry_max is True: {NUMBER}{TRUTH}",
    "entry_max: [80.0]": f"entry_max is [80.0]: {NUMBER}",
    "entry_max: {a: 1}": f"entry_max is {{'a': 1}}: {NUMBER}",
    "entry_max: eighty": f"entry_max is 'eighty': {NUMBER}",
    "entry_max: 0o10": f"entry_max is '0o10': {NUMBER} (YAML reads 0o10 as text: write 8)",
    "width: wide": "width is 'wide': Input should be 'column' or 'text'",
    "width: off": f"width is False: Input should be 'column' or 'text'{TRUTH}",
    "entry_mx: 80.0": "entry_mx: unknown key; did you mean `entry_max`?",
}


@pytest.mark.parametrize("written", OPTIONS)
def test_options_are_typed(paper, tmp_path, written):
    config = tmp_path / "my.yaml"
    config.write_text(f"figures:\n  small_figure:\n    options:\n      {written}\n", encoding="utf-8")
    (message, _) = errors_of(paper.raw() | read_mapping(config))
    assert message == f"{paper.folder}/small_figure/figure.yaml: options.{OPTIONS[written]}"


def test_options_that_stand_in_place_of_a_name_are_named(paper):
    """As version 0.1 had them."""
    (message, _) = errors_of(paper.raw(figures={"small_figure": {"draw": {"entry_max": "8e1"}}}))
    assert "what draw() is given stands in `options` (YAML reads 8e1 as text: write 80.0)" in message


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("entry_max: .nan", "options.entry_max is nan; allowed: finite numbers"),
        ("entry_max: -.inf", "options.entry_max is -inf; allowed: finite numbers"),
        ("entry_max: 2026-11-27", "options.entry_max is datetime.date(2026, 11, 27), of the kind date"),
        ("entry_max: 010", "options.entry_max is 010, which YAML reads as an octal number; write it in decimals"),
        ("entry_max: 1:30", "options.entry_max is 1:30, which YAML reads as a number in base 60"),
        ("entry_max: 80.0\n      entry_max: 70.0", "options.entry_max appears twice, in lines 4 and 5; keep one"),
    ],
)
def test_what_yaml_reads_as_something_else_is_named(paper, tmp_path, written, message):
    config = tmp_path / "my.yaml"
    config.write_text(f"figures:\n  small_figure:\n    options:\n      {written}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        loading.load(paper.raw() | read_mapping(config))
    assert message in str(error.value)


@pytest.mark.parametrize("written", ["80", "80.0", "8.0e+1", "1_000", "0x50", "-80"])
def test_numbers_of_yaml_are_numbers(paper, tmp_path, written):
    config = tmp_path / "my.yaml"
    config.write_text(f"figures: {{small_figure: {{options: {{entry_max: {written}}}}}}}\n", encoding="utf-8")
    assert loading.load(paper.raw() | read_mapping(config)).broken == {}


def test_numbers_of_the_command_line_are_the_same():
    given = {"a": "8e1", "b": "010", "c": "1:30", "d": "1_000", "e": "1.0e-4", "f": "no", "g": "2026-11-27"}
    read = {"a": "8e1", "b": "010", "c": "1:30", "d": 1000, "e": 1.0e-4, "f": False, "g": "2026-11-27"}
    assert typed(given) == read


@pytest.fixture(scope="module")
def project():
    return loading.load({})


def test_every_option_of_every_figure_is_typed(project):
    for name, figure in project.figures.items():
        keywords = project.code.keywords(figure.draw_entry)
        assert keywords, name
        for keyword in keywords:
            found = arguments.wrong(project.code, figure.draw_entry, {keyword.name: {"no": "value"}}, name)
            assert found, f"{name}: {keyword.name}"


def test_every_argument_of_every_claim_is_typed(project):
    for name, figure in project.figures.items():
        for reference in figure.statistics:
            entry = find_statistic(project.code, figure.paper.name, name, reference)
            for keyword in project.code.keywords(entry):
                given = [{keyword.name: {"no": None}}, {keyword.name: [None]}]  # nothing takes both
                assert any(arguments.wrong(project.code, entry, each, "") for each in given), f"{entry}: {keyword}"


# -- settings ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fixed", "message"),
    [
        ({"stop": {"max_steps": "5e6"}}, f"stop.max_steps is '5e6': {INTEGER} (YAML reads 5e6 as text: write 5000000)"),
        ({"learning_rate": "1e-4"}, f"learning_rate is '1e-4': {NUMBER} (YAML reads 1e-4 as text: write 0.0001)"),
        ({"target_rank": "2e0"}, f"target_rank is '2e0': {INTEGER} (YAML reads 2e0 as text: write 2)"),
        ({"target_rank": "2.5e0"}, f"target_rank is '2.5e0': {INTEGER} (YAML reads 2.5e0 as text: write 2.5)"),
        ({"target_rank": True}, f"target_rank is True: {INTEGER} (YAML reads yes"),
        ({"shape": ["4e0", 4]}, f"shape.0 is '4e0': {INTEGER} (YAML reads 4e0 as text: write 4)"),
        ({"record": {"every": "five"}}, f"record.every is 'five': {INTEGER}"),
        ({"learning_rate": "inf"}, f"learning_rate is 'inf': {NUMBER}"),
    ],
)  # fmt: skip
def test_a_setting_that_yaml_reads_as_text_has_a_hint(paper, fixed, message):
    (found,) = errors_of(paper.raw(sweeps={"small": {"fixed": fixed}}))
    assert found.startswith(f"sweeps.small.fixed.{message}")
    assert ("YAML" in found) == ("YAML" in message)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1e-4", "0.0001"),
        ("1E-7", "1.0e-07"),
        ("2.5e30", "2.5e+30"),
        ("+.5e2", "50.0"),
        ("0b11", "3"),
        ("12", "12"),
        ("1,5", ""),
        ("nan", ""),
    ],
)
def test_the_hint_is_what_yaml_reads_as_that_number(text, number):
    hint = messages.of_yaml(text, "a number")
    assert hint == (f" (YAML reads {text} as text: write {number})" if number else "")
    if number:
        assert typed(number) == pytest.approx(float(int(text, 0)) if text == "0b11" else float(text))


# -- claims -----------------------------------------------------------------------------------------

NONE = ", which no run of sweep small has"
CLAIMS = {
    "a value that no run has": ({"runs": {"depth": 5}}, f": depth is 5{NONE}; allowed: 2, 3"),
    "one of several values": ({"runs": {"depth": [2, 5]}}, f": depth is 5{NONE}"),
    "text for a number": (
        {"runs": {"depth": "2"}},
        f": depth is '2'{NONE}; allowed: 2, 3 (YAML reads 2 as text: write 2)",
    ),
    "text of a number": ({"runs": {"depth": "2e0"}}, f": depth is '2e0'{NONE}; allowed: 2, 3 (YAML reads 2e0"),
    "a number for text": ({"runs": {"dtype": 64}}, f": dtype is 64{NONE}; allowed: float64"),
    "a misspelt name": ({"runs": {"dtype": "float46"}}, f": dtype is 'float46'{NONE}; did you mean `float64`?"),
    "true for a number": ({"runs": {"seed": True}}, f": seed is True{NONE}"),
    "a number for true": ({"runs": {"replacement": 0}}, f": replacement is 0{NONE}; allowed: False"),
    "null": ({"runs": {"seed": None}}, f": seed is None{NONE}"),
    "a list for a shape": ({"runs": {"shape": [4, 4]}}, f": shape is 4{NONE}; allowed: 4x4"),
    "an empty list": ({"runs": {"depth": []}}, ": depth is an empty list; give at least one value"),
    "a value twice": ({"runs": {"depth": [2, 3, 2]}}, ": depth has 2 twice"),
    "a block": ({"runs": {"stop": {"max_steps": 5}}}, ": runs cannot be selected by `stop`"),
    "a value of the control": ({"control": {"depth": 7}}, f": depth is 7{NONE}"),
    "text for an argument": ({"at": {"loss": "1e-4"}}, f".at.loss is '1e-4': {NUMBER} (YAML reads 1e-4 as text"),
    "null for an argument": ({"at": {"loss": None}}, f".at.loss is None: {NUMBER}"),
    "no argument": ({"at": {}}, ".at.loss: missing key"),
    "an argument of the control": ({"control": {"at": {"loss": [0.1]}}}, f".at.loss is [0.1]: {NUMBER}"),
}


@pytest.mark.parametrize("claim", CLAIMS)
def test_values_of_claims_are_typed(paper, claim):
    change, message = CLAIMS[claim]
    paper.write_claims({**CLAIM, **change})
    found = errors_of(paper.raw())
    assert any(text.startswith(f"{paper.folder}/small_figure/claims.yaml:one{message}") for text in found), found


def test_runs_that_are_no_case_together_are_named(paper):
    del paper.sweeps["small"]["axes"]["depth"]
    paper.sweeps["small"]["cases"] = [{"depth": 2, "product_std": 0.1}, {"depth": 3, "product_std": 0.2}]
    paper.write_claims({**CLAIM, "runs": {"depth": 2, "product_std": 0.2}})
    message, *_ = errors_of(paper.raw())
    assert message.endswith("no run of sweep small has these settings together: {'depth': 2, 'product_std': 0.2}")


def test_none_of_a_list_is_an_empty_text(paper):
    del paper.sweeps["small"]["axes"]["depth"]
    drawn, given = {"target_rank": 2, "target_norm": 2.0}, {"target_spectrum": [[2.0, 1.0]], "target_norm": None}
    paper.sweeps["small"]["cases"] = [drawn, {"target_rank": None, **given}]
    for setting in ("target_rank", "target_norm"):
        del paper.sweeps["small"]["fixed"][setting]
    for value in ("", "2, 1"):
        paper.write_claims({**CLAIM, "runs": {"target_spectrum": value}})
        assert loading.load(paper.raw()).broken == {}


def test_values_of_another_scale_and_of_an_override_are_known(paper):
    """A claim is not wrong because a scale, or a user, leaves its runs out: it is not checkable there."""
    paper.sweeps["small"]["scales"] = {"paper": {"axes": {"depth": [4]}}}
    for depth in (3, 4, 5):
        paper.write_claims({**CLAIM, "runs": {"depth": depth}})
        for scale in ("laptop", "paper"):
            project = loading.load(paper.raw(scale=scale, sweeps={"small": {"axes": {"depth": [5]}}}))
            assert project.broken == {}


def test_settings_are_those_of_measured_sweeps(project):
    """Planning has no numpy, so it writes them by a rule of its own."""
    for sweep in project.sweeps.values():
        columns = extraction.settings_of(sweep.whole.runs)
        columns["loss"] = columns.pop("loss_kind")
        for name in columns.keys() & sweep.whole.runs[0].keys():
            column = columns[name]
            values = [run.get(name) for run in sweep.whole.runs]
            found = claim_runs.as_measured(name, values, any(map(claim_runs.is_text, values)))
            if column.dtype.kind == "U":
                assert [str(value).lower() if isinstance(value, bool) else value for value in found] == list(column)
            else:
                np.testing.assert_array_equal(found, column[np.isfinite(column)])


# -- published values -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: .nan", "a is nan; allowed: finite numbers"),
        ("a: 2026-11-27", "of the kind date"),
        ("a: {1: 2.0, b: 3.0}", "a: the key 1 is not text"),
        ("a: {yes: 1.0}", "a: the key True is not text"),
        ("a: {1: 010}", "a.1 is 010, which YAML reads as an octal number"),
    ],
)
def test_published_values_are_plain(paper, text, message):
    place = paper.folder / "small_figure/published.yaml"
    place.write_text(text, encoding="utf-8")
    (found,) = errors_of(paper.raw())
    assert found.startswith(str(place))
    assert message in found


def test_published_values_may_have_numbers_as_keys(paper):
    (paper.folder / "small_figure/published.yaml").write_text("a: {1: 2.0, 2.5: 3.0}", encoding="utf-8")
    assert loading.load(paper.raw()).figures["small_figure"].published == {"a": {1: 2.0, 2.5: 3.0}}
