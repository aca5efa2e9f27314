"""Reads layer tables: YAML files that state the layers of a network, one row each, without dataflows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dataflow.directives import MappedLayer, Network
from dataflow.errors import InputError
from dataflow.layers import OPERATIONS, Layer
from dataflow.text_files import closest, read_text
from dataflow.yaml_files import parse_yaml

#: Bounds far beyond any network; they keep hostile files from exhausting memory.
SIZE_LIMIT = 10**18
COUNT_LIMIT = 10_000

_NAME = re.compile(r"\w[\w.-]*")
_ROW_KEYS = ("name", "type", "stride", "dilation", "count")
_DIMENSIONS = ("N", "G", "M", "K", "C", "R", "S", "Y", "X", "Y'", "X'")


def read_network_table(path: str | Path) -> Network:
    """Read the layer table at ``path``; every layer's dataflow is None.

    A row with ``count: n`` stands for n layers of the same sizes, NAME.1 to NAME.n. Raises `InputError` with
    the file and the key path (``layers[3].K``) of whatever is wrong.
    """
    file = str(path)
    table = parse_yaml(read_text(path), file)
    if not isinstance(table, dict):
        raise InputError("a layer table has the keys name and layers", file)
    _check_keys(table, ("name", "layers"), f"{file}: ")
    name = _name(table.get("name", Path(path).stem), f"{file}: name")
    rows = table.get("layers")
    if not isinstance(rows, list) or not rows:
        raise InputError("a list of at least one layer should stand here", f"{file}: layers")
    layers: list[MappedLayer] = []
    rows_of: dict[str, str] = {}
    for index, row in enumerate(rows):
        key_path = f"layers[{index}]"
        for layer in _row_layers(row, f"{file}: {key_path}"):
            if layer.name in rows_of:
                message = f"a second layer {layer.name}; the first is {rows_of[layer.name]}"
                raise InputError(message, f"{file}: {key_path}.name")
            rows_of[layer.name] = key_path
            layers.append(MappedLayer(layer, None))
    return Network(name, tuple(layers))


def _row_layers(row: object, where: str) -> Iterator[Layer]:
    """Yield the layers that the row at ``where`` stands for."""
    if not isinstance(row, dict):
        raise InputError("a row {name: …, type: …, sizes} should stand here", where)
    _check_keys(row, (*_ROW_KEYS, *_DIMENSIONS), f"{where}.")
    for key in ("name", "type"):
        if key not in row:
            raise InputError("is missing", f"{where}.{key}")
    name, type_ = _name(row["name"], f"{where}.name"), _type(row["type"], f"{where}.type")
    sizes = {key: _whole(row[key], f"{where}.{key}") for key in row if key in _DIMENSIONS}
    stride, dilation = (_pair(row.get(key, 1), f"{where}.{key}") for key in ("stride", "dilation"))
    count = _whole(row.get("count", 1), f"{where}.count", COUNT_LIMIT)
    try:
        for copy in [f"{name}.{i}" for i in range(1, count + 1)] if "count" in row else [name]:
            yield Layer.of(copy, type_, sizes, stride=stride, dilation=dilation)
    except InputError as error:
        raise InputError(error.message, where) from None


def _check_keys(mapping: Mapping[str, Any], known: tuple[str, ...], prefix: str) -> None:
    for key in mapping:
        if key not in known:
            raise InputError(f"unknown key; the keys are {' '.join(known)}{closest(key, known)}", f"{prefix}{key}")


def _name(value: object, where: str) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise InputError(f"{value!r} is no name; a name is a text of letters, digits and _ . -", where)
    return value


def _type(value: object, where: str) -> str:
    if not isinstance(value, str) or value not in OPERATIONS:
        hint = closest(str(value), OPERATIONS)
        raise InputError(f"unknown layer type {value}; the types are {', '.join(OPERATIONS)}{hint}", where)
    return value


def _whole(value: object, where: str, limit: int = SIZE_LIMIT) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise InputError(f"{value!r} should be a whole number", where)
    if not 1 <= value < limit:
        raise InputError(f"{value} should be at least 1 and less than {limit}", where)
    return value


def _pair(value: object, where: str) -> tuple[int, int]:
    """Return the (vertical, horizontal) values of a stride or a dilation: one number for both, or a list of two."""
    if not isinstance(value, list):
        both = _whole(value, where)
        return both, both
    if len(value) != 2:
        raise InputError("should be one number, or two: [vertical, horizontal]", where)
    return _whole(value[0], f"{where}[0]"), _whole(value[1], f"{where}[1]")
