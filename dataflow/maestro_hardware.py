"""Reads MAESTRO's hardware files: ``key: value`` lines, translated into the shape of our own hardware files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import MappingProxyType
from typing import Any

from dataflow.errors import InputError, Position
from dataflow.text_files import closest

#: Each key with the least value that makes sense.
_LEAST = MappingProxyType(
    {"num_pes": 1, "l1_size_cstr": 1, "l2_size_cstr": 1, "noc_bw_cstr": 1, "offchip_bw_cstr": 1, "NoC_NumHops": 0}
)
_REQUIRED = ("num_pes", "noc_bw_cstr")
_COMMENT = re.compile(r"(//|#).*")
_LINE = re.compile(r"\s*(?P<key>\w+)\s*:\s*(?P<value>\S.*?)\s*[,;]?\s*")


def is_maestro(text: str, file: str) -> bool:
    """Tell whether a hardware file is one of MAESTRO's: by its ending ``.m``, or a line that states num_pes."""
    return file.endswith(".m") or re.search(r"^\s*num_pes\s*:", text, re.MULTILINE) is not None


def maestro_tree(text: str, file: str) -> dict[str, Any]:
    """Return the contents in the shape of our hardware file, before validation.

    l1_size_cstr and l2_size_cstr are bytes, unbounded where absent. noc_bw_cstr is the bandwidth of both ports of
    every level in elements/cycle, and NoC_NumHops their latency: a hop takes a cycle, and one hop is assumed.
    offchip_bw_cstr is checked and left out: the L2 holds everything from the start. Raises `InputError`, at the
    line, for anything else.
    """
    stated = _stated(text, file)
    for key in _REQUIRED:
        if key not in stated:
            raise InputError(f"{key} is missing; a MAESTRO hardware file states {' and '.join(_REQUIRED)}", file)
    port = {"bandwidth": stated["noc_bw_cstr"], "latency": stated.get("NoC_NumHops", 1)}
    return {
        "pes": stated["num_pes"],
        "l1": {"bytes": stated.get("l1_size_cstr")},
        "l2": {"bytes": stated.get("l2_size_cstr")},
        "levels": [{"distribution": dict(port), "collection": dict(port)}],
    }


def _stated(text: str, file: str) -> dict[str, int]:
    stated: dict[str, int] = {}
    for key, value, position in _lines(text, file):
        if key not in _LEAST:
            raise InputError(
                f"unknown key {key}; the keys of a MAESTRO hardware file are {', '.join(_LEAST)}{closest(key, _LEAST)}",
                position,
            )
        if key in stated:
            raise InputError(f"{key} is stated a second time", position)
        if not re.fullmatch("[0-9]{1,18}", value):
            raise InputError(f"{key}: {value} is not a whole number of at most 18 digits", position)
        if int(value) < _LEAST[key]:
            raise InputError(f"{key}: {value} is less than {_LEAST[key]}", position)
        stated[key] = int(value)
    return stated


def _lines(text: str, file: str) -> Iterator[tuple[str, str, Position]]:
    for number, line in enumerate(text.splitlines(), start=1):
        content = _COMMENT.sub("", line)
        if not content.strip():
            continue
        position = Position(file, number, len(content) - len(content.lstrip()) + 1)
        match = _LINE.fullmatch(content)
        if match is None:
            found = content.strip()[:40]
            raise InputError(f"found '{found}' where a line such as 'num_pes: 256' should stand", position)
        yield match["key"], match["value"], position
