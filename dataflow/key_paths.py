"""Nests of dictionaries and lists, such as a result file holds, laid flat."""

from __future__ import annotations

from collections.abc import Iterator


def flat(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Yield what a nest holds, each value with its key path below ``path``: ``boundaries[0].upstream.input_read``."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from flat(each, f"{path}.{key}" if path else key)
    elif isinstance(value, list | tuple):
        for index, each in enumerate(value):
            yield from flat(each, f"{path}[{index}]")
    else:
        yield path, value
