"""YAML as our files use it: plain trees, and a place for everything that is refused."""

from __future__ import annotations

import pytest

from dataflow.errors import InputError
from dataflow.yaml_files import parse_yaml


def wrong(text: str) -> str:
    with pytest.raises(InputError) as caught:
        parse_yaml(text, "f.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("", None),
        ("null", None),
        ("True", True),
        ("yes", "yes"),
        ("'1'", "1"),
        ("-12", -12),
        ("010", 10),
        ("1:30", "1:30"),
        ("2020-13-45", "2020-13-45"),
        ("1.50", 1.5),
        ("-.5", -0.5),
        ("1e-2", 0.01),
        (".inf", ".inf"),
        ("9" * 401, "9" * 401),
        ("[1, {a: x y}]", [1, {"a": "x y"}]),
    ],
)
def test_values(written: str, value: object) -> None:
    found = parse_yaml(written, "f.yaml")
    assert found == value
    assert type(found) is type(value)


def test_aliases_are_copies() -> None:
    found = parse_yaml("a: &x {b: 1}\nc: *x", "f.yaml")
    assert found == {"a": {"b": 1}, "c": {"b": 1}}
    assert isinstance(found, dict)
    assert found["a"] is not found["c"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pes: 4\npes: 4", ":2:1: the key pes is stated a second time"),
        ("5: 4", ":1:1: a key is text; this one is not"),
        ("? [a]\n: 4", ":1:3: a key is text; this one is not"),
        ("name: !!python/name:os.system x", ":1:7: the tag !!python/name:os.system is not supported"),
        ("name: *a", ":1:7: not valid YAML: found undefined alias 'a'"),
        ("name: &a [*a]", ":1:7: the values are nested too deeply"),
        ("a: 5\n[: 5", ":2:1: not valid YAML: while parsing a block mapping expected <block end>, but found '['"),
        ("a: \x00", ":1:4: the character U+0000 cannot stand in YAML"),
        ("[" * 500, ": the values are nested too deeply"),
        ("--- 1\n--- 2", ":2:1: not valid YAML: expected a single document in the stream but found another document"),
    ],
)
def test_files_that_are_refused(text: str, message: str) -> None:
    assert wrong(text) == f"f.yaml{message}"


def test_aliases_do_not_multiply_without_end() -> None:
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 9)]
    assert wrong("\n".join(lines)).endswith(": the file has more than 200000 values")
