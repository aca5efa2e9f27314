"""Reads hardware files, ours and MAESTRO's, into machines."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from dataflow.errors import InputError
from dataflow.hardware import Machine
from dataflow.maestro_hardware import is_maestro, maestro_tree
from dataflow.text_files import closest, read_text
from dataflow.yaml_files import parse_yaml

Keys = tuple[str | int, ...]

_BYTES = MappingProxyType({"": 1, "B": 1, "KiB": 2**10, "MiB": 2**20})
_QUANTITY = re.compile(r"\s*([0-9]{1,18}(?:\.[0-9]{1,18})?)\s*([A-Za-z/]*)\s*")


def read_machine(path: str | Path, overrides: Sequence[str] = ()) -> Machine:
    """Read the hardware file at ``path``; see `parse_machine`. Raises `InputError` if it cannot be read."""
    return parse_machine(read_text(path), str(path), overrides)


def parse_machine(text: str, file: str = "<string>", overrides: Sequence[str] = ()) -> Machine:
    """Return the machine that a hardware file describes, after overrides such as ``levels.0.distribution.latency=2``.

    Reads our YAML, and MAESTRO's files (by the ending ``.m``, or a line that states num_pes). Sizes may carry B, KiB
    or MiB, bandwidths elements/cycle or GB/s (10^9 bytes per second at the machine's clock and element size).
    Overrides have the keys of our files, ``levels[0].x`` or ``levels.0.x``, and a value in YAML. A machine
    without a name is called after the file. Raises `InputError`, with the path of the key, for anything else.
    """
    tree = maestro_tree(text, file) if is_maestro(text, file) else parse_yaml(text, file)
    if not isinstance(tree, dict):
        found = "the file is empty" if tree is None else f"found {_shown(tree)}"
        raise InputError(f"{found}; a hardware file has keys and values, pes and levels at least", file)
    places = _Places(file, tuple(_override(tree, override) for override in overrides))
    if not file.startswith("<"):
        tree.setdefault("name", Path(file).stem)
    _resolve_units(tree, places)
    try:
        return Machine.model_validate(tree)
    except ValidationError as error:
        problems = error.errors(include_url=False)
    # A misspelt key is the cause of the one that is then missing.
    worst = min(problems, key=lambda problem: problem["type"] != "extra_forbidden")
    raise InputError(_explained(worst), places.of(worst["loc"]))


@dataclass(frozen=True)
class _Places:
    """Names the place of a key: its path in the file, or the override that set it."""

    file: str
    overridden: tuple[tuple[str, Keys], ...]

    def of(self, keys: Keys) -> str:
        path = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys).lstrip(".")
        for override, start in reversed(self.overridden):
            if keys == start:
                return f"override {override}"
            if keys[: len(start)] == start:
                return f"override {override}: {path}"
        return f"{self.file}: {path}" if keys else self.file


def _override(tree: dict[str, Any], override: str) -> tuple[str, Keys]:
    """Set one ``key=value`` in ``tree``; return the override and its key as a path."""
    where = f"override {override}"
    key, equals, value = override.partition("=")
    if not equals or not key.strip():
        raise InputError("an override has the form key=value, for example pes=64", where)
    steps = re.sub(r"\[([0-9]+)\]", r".\1", key.strip()).split(".")
    return override, _set(tree, Machine, steps, parse_yaml(value, where), where)


def _set(holder: dict[str, Any], part: type[BaseModel], steps: Sequence[str], value: object, where: str) -> Keys:
    """Set the value at ``steps`` below ``holder``, which describes a ``part``; return the keys on the way."""
    key, rest = steps[0], steps[1:]
    if key not in part.model_fields:
        raise InputError(_unknown_key(key, part), where)
    if not rest:
        holder[key] = value
        return (key,)
    inner, many = _contents(part, key)
    if inner is None:
        raise InputError(f"{key} is a single value and has no {rest[0]}", where)
    if not many:
        return (key, *_set(_section(holder, key, where), inner, rest, value, where))
    entries = _entries(holder.get(key), key, rest[0], where)
    if len(rest) == 1:
        entries[rest[0]] = value
    below = _set(_section(entries, rest[0], where), inner, rest[1:], value, where) if rest[1:] else ()
    holder[key] = list(entries.values())
    return (key, int(rest[0]), *below)


def _entries(value: object, key: str, index: str, where: str) -> dict[str, Any]:
    """Return a list as a dictionary by the indices as they are written in overrides."""
    entries = {str(number): entry for number, entry in enumerate(value)} if isinstance(value, list) else {}
    if index not in entries:
        raise InputError(f"{key} has no entry {index}; its entries are {', '.join(entries) or 'none'}", where)
    return entries


def _section(holder: dict[str, Any], key: str, where: str) -> dict[str, Any]:
    if holder.get(key) is None:
        holder[key] = {}
    section = holder[key]
    if not isinstance(section, dict):
        raise InputError(f"{key} is {_shown(section)} in the file, not keys and values", where)
    return section


def _contents(part: type[BaseModel], key: str) -> tuple[type[BaseModel] | None, bool]:
    """Return the part that a key holds, None for a single value, and whether it holds a list of them."""
    annotation = part.model_fields[key].annotation
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate, get_origin(annotation) is tuple
    return None, False


def _part_at(keys: Keys) -> type[BaseModel]:
    """Return the part of a machine in which the last of ``keys`` stands."""
    part: type[BaseModel] = Machine
    for key in keys[:-1]:
        if isinstance(key, str):
            part = _contents(part, key)[0] or part
    return part


def _unknown_key(key: str, part: type[BaseModel]) -> str:
    return f"unknown key {key}; the keys here are {', '.join(part.model_fields)}{closest(key, part.model_fields)}"


def _resolve_units(tree: dict[str, Any], places: _Places) -> None:
    """Replace sizes and bandwidths with units by integers; what is no such text stays for the validation."""
    for name in ("l1", "l2"):
        _replace(tree.get(name), (name, "bytes"), parse_bytes, places)
    rate = _elements_per_gigabyte(tree)
    for section, keys in _bandwidths(tree):
        _replace(section, keys, lambda text: _bandwidth(text, rate), places)


def _bandwidths(tree: Mapping[str, Any]) -> Iterator[tuple[object, Keys]]:
    """Yield the sections that may state a bandwidth, each with the path of its key."""
    yield tree.get("dram"), ("dram", "bandwidth")
    yield tree.get("l2"), ("l2", "port_bandwidth")
    levels = tree.get("levels")
    for number, level in enumerate(levels if isinstance(levels, list) else []):
        for name, key in (
            ("distribution", "bandwidth"),
            ("distribution", "filter_bandwidth"),
            ("collection", "bandwidth"),
        ):
            yield level.get(name) if isinstance(level, dict) else None, ("levels", number, name, key)


def _replace(section: object, keys: Keys, convert: Callable[[str], int], places: _Places) -> None:
    if isinstance(section, dict) and isinstance(section.get(keys[-1]), str):
        try:
            section[keys[-1]] = convert(section[keys[-1]])
        except InputError as error:
            raise InputError(error.message, places.of(keys)) from None


def parse_bytes(text: str) -> int:
    """Return the bytes of a size such as 512, 64B, 108KiB or 1 MiB."""
    match = _QUANTITY.fullmatch(text)
    if match is None or match[2] not in _BYTES:
        raise InputError(f"{_shown(text)} is not a size; write bytes such as 512, 64B, 108KiB or 1MiB")
    size = Fraction(match[1]) * _BYTES[match[2]]
    if size.denominator != 1:
        raise InputError(f"{_shown(text)} is {size} bytes; it has to be a whole number of at least 1")
    return int(size)


def _bandwidth(text: str, rate: Fraction) -> int:
    """Return the elements/cycle of a bandwidth such as 16, 16 elements/cycle or 32 GB/s."""
    match = _QUANTITY.fullmatch(text)
    rates = {"": Fraction(1), "elements/cycle": Fraction(1), "GB/s": rate}
    if match is None or match[2] not in rates:
        raise InputError(f"{_shown(text)} is not a bandwidth; write 16, 16 elements/cycle or 32 GB/s")
    bandwidth = Fraction(match[1]) * rates[match[2]]
    if bandwidth.denominator != 1 or bandwidth < 1:
        raise InputError(f"{_shown(text)} is {bandwidth} elements/cycle; it has to be a whole number of at least 1")
    return int(bandwidth)


def _elements_per_gigabyte(tree: Mapping[str, Any]) -> Fraction:
    """Return the elements/cycle of 1 GB/s; any rate will do where clock or element size are about to be refused."""
    clock, element_bytes = tree.get("clock_ghz", 1), tree.get("element_bytes", 1)
    for value in (clock, element_bytes):
        if not isinstance(value, int | float) or not 0 < value < math.inf:
            return Fraction(1)
    return 1 / (Fraction(str(clock)) * Fraction(str(element_bytes)))


_EXPLANATIONS: Mapping[str, Callable[[str, Mapping[str, Any]], str]] = MappingProxyType(
    {
        "missing": lambda shown, limits: "this key is missing",
        "int_type": lambda shown, limits: f"{shown} is not a whole number",
        "float_type": lambda shown, limits: f"{shown} is not a number",
        "finite_number": lambda shown, limits: f"{shown} is not a finite number",
        "bool_type": lambda shown, limits: f"{shown} is neither true nor false",
        "string_type": lambda shown, limits: f"{shown} is not text; write it in quotes",
        "string_too_short": lambda shown, limits: "the text is empty",
        "greater_than_equal": lambda shown, limits: f"{shown} is less than {limits['ge']}",
        "less_than_equal": lambda shown, limits: f"{shown} is more than {limits['le']}",
        "greater_than": lambda shown, limits: f"{shown} is not more than {limits['gt']:g}",
        "literal_error": lambda shown, limits: f"{shown} is not supported; this version supports {limits['expected']}",
        "none_required": lambda shown, limits: f"{shown} is not supported; this version supports only null",
        "tuple_type": lambda shown, limits: f"{shown} is not a list",
        "too_short": lambda shown, limits: "the list is empty; it needs one entry at least",
    }
)


def _explained(problem: ErrorDetails) -> str:
    """Say what is wrong with a value, and what would be right."""
    keys, shown = problem["loc"], _shown(problem["input"])
    if problem["type"] == "extra_forbidden":
        return _unknown_key(str(keys[-1]), _part_at(keys))
    if problem["type"] == "model_type":
        part = _part_at((*keys, ""))
        return f"{shown} is not a section of keys and values; the keys here are {', '.join(part.model_fields)}"
    explain = _EXPLANATIONS.get(problem["type"])
    return explain(shown, problem.get("ctx", {})) if explain else problem["msg"].removeprefix("Value error, ")


def _shown(value: object) -> str:
    """Write a value as it stands in a file, shortened."""
    if isinstance(value, dict | list):
        return "a list" if isinstance(value, list) else "a section"
    text = "null" if value is None else str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
