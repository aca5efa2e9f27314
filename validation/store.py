"""The campaign store: an SQLite file that holds a row per case as soon as it is done.

Whatever happens to the process, what was added stays; what was being added is there as a whole or not at all.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dataflow.errors import InputError

#: Written into the file's header: what it is ("MTRN"), and the version of its tables.
APPLICATION_ID = 0x4D54524E
SCHEMA = 1

#: The path of a store that is gone when it is closed: SQLite keeps it in memory, and what is too much on disk.
TEMPORARY = ""

_TABLES = (
    "CREATE TABLE campaign (key TEXT PRIMARY KEY, value TEXT)",
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


class Store:
    """An open campaign store; a context manager that closes it.

    Every method raises `InputError` where the file is no campaign store of this version or cannot be used.
    """

    def __init__(self, path: str | Path, *, create: bool = False) -> None:
        """Open the store at ``path``; with ``create`` an absent or empty file becomes a new one."""
        self.path = str(path)
        if not create and not Path(path).exists():
            raise InputError("there is no such campaign store", self.path)
        with self._explained():
            self._connection = sqlite3.connect(self.path, isolation_level=None)
        try:
            with self._explained():
                self._open(create=create)
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def facts(self) -> dict[str, str]:
        """Return what is known about the campaign as a whole; nothing for one that has not begun."""
        return dict(self.query("SELECT key, value FROM campaign ORDER BY key"))

    def set_facts(self, facts: Mapping[str, str]) -> None:
        """Write facts, in place of those of the same keys."""
        with self._transaction() as connection:
            connection.executemany("INSERT OR REPLACE INTO campaign VALUES (?, ?)", facts.items())

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

    def query(self, statement: str, *values: object) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of an SQL query."""
        with self._explained():
            yield from self._connection.execute(statement, values)

    def _range(self) -> str:
        ((low, high, count),) = self.query("SELECT min(number), max(number), count(*) FROM cases")
        return f"; its {count} cases are numbered {low} to {high}" if count else ": it is empty"

    def _open(self, *, create: bool) -> None:
        (application,) = self._connection.execute("PRAGMA application_id").fetchone()
        (schema,) = self._connection.execute("PRAGMA user_version").fetchone()
        (tables,) = self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if (application, schema, tables) == (0, 0, 0) and create:
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._create()
        elif application != APPLICATION_ID:
            raise InputError("is not a campaign store; name a file that is, or a new one", self.path)
        elif schema != SCHEMA:
            message = f"is a campaign store of schema {schema}, this Metronome reads and writes schema {SCHEMA}"
            raise InputError(f"{message}; begin a new store", self.path)
        self._connection.execute("PRAGMA synchronous = NORMAL")

    def _create(self) -> None:
        with self._transaction() as connection:
            for table in _TABLES:
                connection.execute(table)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {SCHEMA}")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._explained():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what SQLite complains about into `InputError`."""
        try:
            yield
        except sqlite3.IntegrityError:
            raise InputError("another campaign is adding cases to it; let one of them end", self.path) from None
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
                raise InputError("is not a campaign store; name a file that is, or a new one", self.path) from None
            raise InputError(f"cannot be used as a campaign store: {error}", self.path) from None
