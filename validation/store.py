"""The campaign store: a row per case as soon as it is done."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields

from dataflow.errors import InputError
from validation.store_files import StoreFile

#: Written into the file's header: what it is ("MTRN"), and the version of its tables.
APPLICATION_ID = 0x4D54524E
SCHEMA = 1

_TABLES = (
    """CREATE TABLE cases (
        number INTEGER PRIMARY KEY, layer_type TEXT, family TEXT, levels INTEGER, macs INTEGER, pes INTEGER,
        dataflow TEXT, machine TEXT, simulated_cycles INTEGER, refined_cycles INTEGER, published_cycles INTEGER,
        simulated TEXT, refined TEXT, published TEXT, assumptions TEXT, claims TEXT, error TEXT
    )""",
    "CREATE TABLE durations (number INTEGER, stage TEXT, seconds REAL, PRIMARY KEY (number, stage))",
)


@dataclass(frozen=True)
class CaseRecord:
    """A row of the table ``cases``, and how many seconds each stage took (a table of its own).

    ``dataflow`` is the text of a network with this one layer, ``machine``, ``simulated``, ``refined``, ``published``,
    ``assumptions`` (cycles by assumption made alone) and ``claims`` (outcome by name) are JSON. What an exception
    prevented is None, and ``error`` has a line for each.
    """

    number: int
    layer_type: str | None = None
    family: str | None = None
    levels: int | None = None
    macs: int | None = None
    pes: int | None = None
    dataflow: str | None = None
    machine: str | None = None
    simulated_cycles: int | None = None
    refined_cycles: int | None = None
    published_cycles: int | None = None
    simulated: str | None = None
    refined: str | None = None
    published: str | None = None
    assumptions: str | None = None
    claims: str | None = None
    error: str | None = None
    durations: Mapping[str, float] = field(default_factory=dict, compare=False)

    @property
    def holds(self) -> bool:
        """Whether nothing raised an exception and no claim failed."""
        outcomes = json.loads(self.claims or "{}").values()
        return self.error is None and all(outcome["holds"] is not False for outcome in outcomes)


COLUMNS = tuple(each.name for each in fields(CaseRecord) if each.name != "durations")
_INSERT = f"INSERT INTO cases ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"


class Store(StoreFile):
    """An open campaign store; a context manager that closes it.

    Every method raises `InputError` where the file is no campaign store of this version or cannot be used.
    """

    kind, adding = "campaign", "cases"
    application_id, schema, tables = APPLICATION_ID, SCHEMA, _TABLES

    def add(self, records: Iterable[CaseRecord]) -> None:
        """Add rows for cases that have none, all or none of them."""
        found = list(records)
        with self._transaction() as connection:
            connection.executemany(_INSERT, ([getattr(record, name) for name in COLUMNS] for record in found))
            durations = ((record.number, *item) for record in found for item in record.durations.items())
            connection.executemany("INSERT INTO durations VALUES (?, ?, ?)", durations)

    def numbers(self) -> set[int]:
        """Return the numbers of the cases that have a row."""
        return {number for (number,) in self.query("SELECT number FROM cases")}

    def record(self, number: int) -> CaseRecord:
        """Return a case's row, without durations; raises `InputError` where there is none."""
        rows = list(self.query(f"SELECT {', '.join(COLUMNS)} FROM cases WHERE number = ?", number))
        if not rows:
            raise InputError(f"holds no case {number}{self._range()}", self.path)
        return CaseRecord(*rows[0])

    def _range(self) -> str:
        ((low, high, count),) = self.query("SELECT min(number), max(number), count(*) FROM cases")
        return f"; its {count} cases are numbered {low} to {high}" if count else ": it is empty"
