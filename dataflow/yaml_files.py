"""Reads YAML data into plain trees, stricter than YAML: what a small configuration file needs and no more."""

from __future__ import annotations

import re
from typing import Any

import yaml

from dataflow.errors import InputError, Position
from dataflow.text_files import position_at

#: Bounds far beyond any file of ours; aliases count as often as they are used.
DEPTH_LIMIT = 20
VALUE_LIMIT = 200_000

_TAG = "tag:yaml.org,2002:"
_INTEGER = re.compile("[-+]?[0-9]{1,400}")
_DECIMAL = re.compile(r"[-+]?([0-9]{1,18}(\.[0-9]{0,18}|(?=[eE]))|\.[0-9]{1,18})([eE][-+]?[0-9]{1,4})?")
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}


class _Loader(yaml.SafeLoader):
    """Composes nodes without resolving plain scalars: an explicit tag is then the only one that is not basic."""


_Loader.yaml_implicit_resolvers = {}


def parse_yaml(text: str, file: str) -> object:
    """Return the dictionaries with text keys, lists and scalars of one YAML document; None for an empty one.

    Plain scalars are integers, decimals, true, false, null, or else text. Raises `InputError`
    at the place for a syntax error, a repeated key, a key that is not text, a tag, and whatever is too deep or large.
    """
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.reader.ReaderError as error:
        raise InputError(
            f"the character U+{ord(text[error.position]):04X} cannot stand in YAML",
            position_at(text, error.position, file),
        ) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = " ".join(filter(None, (error.context, error.problem)))
        raise InputError(f"not valid YAML: {reason}", _position(mark, file) if mark else file) from None
    except RecursionError:
        raise InputError("the values are nested too deeply", file) from None
    return None if node is None else _Tree(file).value(node, 0)


def parse_scalar(text: str) -> object:
    """Return the value of a plain scalar: an integer, a decimal, true, false, null, or else the text itself."""
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text


class _Tree:
    """Turns nodes into values, and counts them."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._values = 0

    def value(self, node: yaml.Node, depth: int) -> object:
        position = _position(node.start_mark, self._file)
        self._values += 1
        if depth > DEPTH_LIMIT:
            raise InputError("the values are nested too deeply", position)
        if self._values > VALUE_LIMIT:
            raise InputError(f"the file has more than {VALUE_LIMIT} values", position)
        if node.tag.removeprefix(_TAG) not in ("str", "seq", "map"):
            raise InputError(f"the tag {node.tag.replace(_TAG, '!!')} is not supported", position)
        if isinstance(node, yaml.MappingNode):
            return self._dictionary(node, depth)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, depth + 1) for item in node.value]
        plain = isinstance(node, yaml.ScalarNode) and node.style is None
        return parse_scalar(node.value) if plain else node.value

    def _dictionary(self, node: yaml.MappingNode, depth: int) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key, position = self.value(key_node, depth + 1), _position(key_node.start_mark, self._file)
            if not isinstance(key, str):
                raise InputError("a key is text; this one is not", position)
            if key in values:
                raise InputError(f"the key {key} is stated a second time", position)
            values[key] = self.value(value_node, depth + 1)
        return values


def _position(mark: yaml.Mark, file: str) -> Position:
    return Position(file, mark.line + 1, mark.column + 1)
