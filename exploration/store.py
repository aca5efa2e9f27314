"""The store of an exploration: a row per sub-range as soon as it is swept, or per design that was tried."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from exploration.blocks import TALLY, Tally
from exploration.fronts import Point, front
from exploration.samples import Sample
from exploration.subranges import Finding
from validation.store_files import StoreFile

_TABLES = (
    f"CREATE TABLE ranges (number INTEGER PRIMARY KEY, {', '.join(f'{name} INTEGER' for name in TALLY)}, seconds REAL)",
    """CREATE TABLE points (
        range INTEGER, target INTEGER, number INTEGER, cycles INTEGER, energy INTEGER, area INTEGER, ties INTEGER
    )""",
    "CREATE INDEX points_by_target ON points (target, range)",
    "CREATE TABLE samples (range INTEGER, target INTEGER, size INTEGER, members TEXT)",
    """CREATE TABLE trials (
        target INTEGER, number INTEGER, digits TEXT, fault TEXT,
        design INTEGER, cycles INTEGER, energy INTEGER, area INTEGER, ties INTEGER, PRIMARY KEY (target, number)
    )""",
)


@dataclass(frozen=True)
class Trial:
    """Designs that differ in sizes only and were tried together: their digits up to the sizes, and the best one.

    ``fault`` is why none is valid, and then there is no point.
    """

    digits: tuple[int, ...]
    fault: str | None
    point: Point | None

    @property
    def numbers(self) -> tuple[int | None, ...]:
        """The point's numbers as they are stored."""
        found = self.point
        return (None,) * 5 if found is None else (found.number, found.cycles, found.energy, found.area, found.ties)


#: points of fronts that are put together at once
_TOGETHER = 1 << 14


class ExplorationStore(StoreFile):
    """An open store of an exploration; see `StoreFile`."""

    kind, adding = "exploration", "designs"
    application_id, schema, tables = 0x4D545258, 1, _TABLES

    def add(self, finding: Finding) -> None:
        """Add what was found in a sub-range that has no row, all of it or nothing."""
        number, tally = finding.number, finding.tally
        counts = [getattr(tally, name) for name in TALLY]
        with self._transaction() as connection:
            marks = ", ".join("?" * (len(counts) + 2))
            connection.execute(f"INSERT INTO ranges VALUES ({marks})", [number, *counts, finding.seconds])
            connection.executemany(
                "INSERT INTO points VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    (number, target, point.number, point.cycles, point.energy, point.area, point.ties)
                    for target, points in finding.fronts.items()
                    for point in points
                ),
            )
            connection.executemany(
                "INSERT INTO samples VALUES (?, ?, ?, ?)",
                ((number, target, each.size, json.dumps(each.members)) for target, each in finding.samples.items()),
            )

    def done(self) -> set[int]:
        """Return the numbers of the sub-ranges that have a row."""
        return {number for (number,) in self.query("SELECT number FROM ranges")}

    def with_valid_designs(self) -> set[int]:
        """Return the numbers of the sub-ranges that are done and have valid designs."""
        return {number for (number,) in self.query("SELECT number FROM ranges WHERE valid > 0")}

    def tally(self) -> Tally:
        """Return how many designs of all sub-ranges are valid, or why they are not."""
        sums = ", ".join(f"coalesce(sum({name}), 0)" for name in TALLY)
        ((*counts,),) = self.query(f"SELECT {sums} FROM ranges")
        return Tally(*counts)

    def front(self, target: int, objectives: tuple[str, ...]) -> list[Point]:
        """Return the front of all sub-ranges for a target."""
        found: list[Point] = []
        rows = self.query(
            "SELECT number, cycles, energy, area, ties FROM points WHERE target = ? ORDER BY range, rowid", target
        )
        for row in rows:
            found.append(Point(*row))
            if len(found) >= 2 * _TOGETHER:
                found = front(found, objectives)
        return front(found, objectives)

    def samples(self, target: int) -> list[Sample]:
        """Return the samples of all sub-ranges for a target, in order."""
        rows = self.query("SELECT size, members FROM samples WHERE target = ? ORDER BY range", target)
        return [Sample(size, tuple(map(tuple, json.loads(members)))) for size, members in rows]

    def add_trials(self, target: int, first: int, trials: Sequence[Trial]) -> None:
        """Add what was tried for a target, numbered from ``first``: all of it or nothing."""
        with self._transaction() as connection:
            connection.executemany(
                f"INSERT INTO trials VALUES ({', '.join('?' * 9)})",
                (
                    (target, number, json.dumps(trial.digits), trial.fault, *trial.numbers)
                    for number, trial in enumerate(trials, first)
                ),
            )

    def trials(self, target: int) -> list[Trial]:
        """Return what was tried for a target, in order."""
        rows = self.query(
            "SELECT digits, fault, design, cycles, energy, area, ties FROM trials WHERE target = ? ORDER BY number",
            target,
        )
        return [
            Trial(tuple(json.loads(digits)), fault, None if fault else Point(*point)) for digits, fault, *point in rows
        ]
