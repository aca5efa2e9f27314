"""The folder of all valid designs: a Parquet file per sub-range that has some."""

from __future__ import annotations

from pathlib import Path

from dataflow.errors import InputError
from metronome.explore.designs import make_folder


def part(folder: str, number: int) -> Path:
    """Return where the valid designs of a sub-range are."""
    return Path(folder) / f"part-{number:06}.parquet"


def ensure_parts(folder: str, done: set[int]) -> None:
    """Make the folder if there is none; raises `InputError` unless it has the parts of the sub-ranges in ``done``.

    What is written while a sub-range is not yet stored is written again. Parts beyond are of another exploration, or of
    this one without its store.
    """
    make_folder(folder, "--points")
    missing = sorted(number for number in done if not part(folder, number).exists())
    if missing:
        message = f"{part(folder, missing[0])} is not there; name the folder with which the store was begun"
        raise InputError(message, "--points")
    if not done and any(Path(folder).glob("part-*.parquet")):
        raise InputError(f"{folder} holds designs of another exploration; name a new folder", "--points")
