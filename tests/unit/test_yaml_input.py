"""What YAML files may hold."""

import datetime

import pytest

from greedyrank.config import yaml_input


@pytest.fixture
def errors_of(tmp_path):
    def read(text):
        path = tmp_path / "some.yaml"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(yaml_input.ConfigError) as error:
            yaml_input.read_yaml(path)
        return [message.removeprefix(str(path)) for message in error.value.messages]

    return read


def test_keys_that_stand_twice_are_named(errors_of):
    text = "a: {b: [{c: 1}, {c: 1, d: 2,\n c: 3}]}\ne: 1\n'e': 2\na: {}\n"
    assert errors_of(text) == [
        ": a.b.1.c appears twice, in lines 1 and 2; keep one",
        ": e appears twice, in lines 3 and 4; keep one",
        ": a appears twice, in lines 1 and 5; keep one",
    ]


@pytest.mark.parametrize("text", ["a: [1", "a: b: c", "\ta: 1", "a: !!python/object/apply:os.getcwd []", "{[1]: 2}"])
def test_what_is_no_plain_yaml_is_one_line(errors_of, text):
    (message,) = errors_of(text)
    assert message.startswith(" is not YAML: ")


def test_deep_nesting_is_named(errors_of):
    assert errors_of("[" * 5000 + "]" * 5000) == [" is nested too deeply"]


def test_what_jobs_cannot_be_given_is_named():
    wrong = {
        "a": [1.0, float("nan")],
        "b": {"c": datetime.date(2020, 1, 2), 3: None},
        "d": 2**63,
        "e": -float("inf"),
        "f": [True, None, "text", 2**63 - 1, -1.5],
    }
    assert yaml_input.check_plain(wrong, "") == [
        "a.1 is nan; allowed: finite numbers",
        "b: the key 3 is not text",
        "b.c is datetime.date(2020, 1, 2), of the kind date; allowed: text, numbers, true and false",
        "d has 64 bits; allowed: whole numbers of up to 63",
        "e is -inf; allowed: finite numbers",
    ]


def test_messages_can_be_read():
    error = yaml_input.ConfigError(["a\x1b[31m\nb is ü", "x" * 5000])
    assert error.messages[0] == r"a\x1b[31m\nb is ü"
    assert error.messages[1] == f"{'x' * 800} ... {'x' * 300}"
