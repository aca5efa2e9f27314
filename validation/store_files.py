"""Stores: SQLite files that hold what is done as soon as it is done.

Whatever happens to the process, what was added stays; what was being added is there as a whole or not at all.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

from dataflow.errors import InputError

#: The path of a store that is gone when it is closed: SQLite keeps it in memory, and what is too much on disk.
TEMPORARY = ""


class StoreFile:
    """An open store of some kind; a context manager that closes it.

    A kind says what it is called, what it adds, the application id and the schema in the file's header, and its
    tables; every store has facts about its work as a whole. Every method raises `InputError` where the file is no
    store of this kind and schema or cannot be used.
    """

    kind: ClassVar[str]
    adding: ClassVar[str]
    application_id: ClassVar[int]
    schema: ClassVar[int]
    tables: ClassVar[tuple[str, ...]]

    def __init__(self, path: str | Path, *, create: bool = False) -> None:
        """Open the store at ``path``; with ``create`` an absent or empty file becomes a new one."""
        self.path = str(path)
        if not create and not Path(path).exists():
            raise InputError(f"there is no such {self.kind} store", self.path)
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
        """Return what is known about the work as a whole; nothing for one that has not begun."""
        return dict(self.query("SELECT key, value FROM campaign ORDER BY key"))

    def set_facts(self, facts: Mapping[str, str]) -> None:
        """Write facts, in place of those of the same keys."""
        with self._transaction() as connection:
            connection.executemany("INSERT OR REPLACE INTO campaign VALUES (?, ?)", facts.items())

    def query(self, statement: str, *values: object) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of an SQL query."""
        with self._explained():
            yield from self._connection.execute(statement, values)

    def _open(self, *, create: bool) -> None:
        (application,) = self._connection.execute("PRAGMA application_id").fetchone()
        (schema,) = self._connection.execute("PRAGMA user_version").fetchone()
        (tables,) = self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if (application, schema, tables) == (0, 0, 0) and create:
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._create()
        elif application != self.application_id:
            raise InputError(f"is not {self._article} store; name a file that is, or a new one", self.path)
        elif schema != self.schema:
            message = (
                f"is {self._article} store of schema {schema}, this Metronome reads and writes schema {self.schema}"
            )
            raise InputError(f"{message}; begin a new store", self.path)
        self._connection.execute("PRAGMA synchronous = NORMAL")

    @property
    def _article(self) -> str:
        return f"{'an' if self.kind[0] in 'aeiou' else 'a'} {self.kind}"

    def _create(self) -> None:
        with self._transaction() as connection:
            connection.execute("CREATE TABLE campaign (key TEXT PRIMARY KEY, value TEXT)")
            for table in self.tables:
                connection.execute(table)
            connection.execute(f"PRAGMA application_id = {self.application_id}")
            connection.execute(f"PRAGMA user_version = {self.schema}")

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
            message = f"another {self.kind} is adding {self.adding} to it; let one of them end"
            raise InputError(message, self.path) from None
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
                message = f"is not {self._article} store; name a file that is, or a new one"
                raise InputError(message, self.path) from None
            raise InputError(f"cannot be used as {self._article} store: {error}", self.path) from None
