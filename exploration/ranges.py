"""The values of an axis as a space file writes them."""

from __future__ import annotations

from dataflow.errors import InputError
from dataflow.hardware import LARGEST
from dataflow.hardware_files import parse_bytes

#: more values of one axis are a slip
MOST_VALUES = 100_000

_FORMS = "a value, a list of values, {from, to, step} or {from, to, times}"


def values_of(
    stated: object, where: str, *, least: int, sizes: bool = False, null: bool = False
) -> tuple[int | None, ...]:
    """Return the values of an axis, in the order in which they are stated.

    A range ``{from: a, to: b, step: s}`` is a, a + s, … up to b, and ``{from: a, to: b, times: f}`` is a, a·f, … up
    to b; without both the step is 1. ``sizes`` may carry B, KiB or MiB, and with ``null`` there may be none at all.
    Raises `InputError` for what is no whole number of at least ``least``, and for a value that is there twice.
    """
    if isinstance(stated, dict):
        return _progression(stated, where, least, sizes=sizes)
    listed = stated if isinstance(stated, list) else [stated]
    if not listed:
        raise InputError(f"the list is empty; it needs one value at least: {_FORMS}", where)
    if len(listed) > MOST_VALUES:
        raise InputError(f"{len(listed)} values are more than {MOST_VALUES}", where)
    found = tuple(None if null and each is None else _whole(each, where, least, sizes=sizes) for each in listed)
    if len(set(found)) < len(found):
        twice = next(each for place, each in enumerate(found) if each in found[:place])
        raise InputError(f"{twice} is there twice", where)
    return found


def _progression(stated: dict[str, object], where: str, least: int, *, sizes: bool) -> tuple[int, ...]:
    unknown = [key for key in stated if key not in ("from", "to", "step", "times")]
    if unknown or "from" not in stated or "to" not in stated or ("step" in stated and "times" in stated):
        raise InputError(f"should be {_FORMS}", where)
    first = _whole(stated["from"], f"{where}.from", least, sizes=sizes)
    last = _whole(stated["to"], f"{where}.to", first, sizes=sizes)
    if "times" in stated:
        factor, found = _whole(stated["times"], f"{where}.times", 2), [_whole(first, f"{where}.from", 1)]
        while found[-1] * factor <= last:
            found.append(found[-1] * factor)
        return tuple(found)
    step = _whole(stated.get("step", 1), f"{where}.step", 1, sizes=sizes)
    number = (last - first) // step + 1
    if number > MOST_VALUES:
        raise InputError(f"{number} values are more than {MOST_VALUES}", where)
    return tuple(range(first, last + 1, step))


def _whole(value: object, where: str, least: int, *, sizes: bool = False) -> int:
    if sizes and isinstance(value, str):
        try:
            value = parse_bytes(value)
        except InputError as error:
            raise InputError(error.message, where) from None
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= LARGEST:
        raise InputError(f"{value!r} should be a whole number of at least {least}; an axis is {_FORMS}", where)
    return value
