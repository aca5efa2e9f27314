"""The campaign store: what was added stays and is found again, what is no store is told so."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from dataflow.errors import InputError
from validation.store import APPLICATION_ID, SCHEMA, CaseRecord, Store
from validation.store_files import TEMPORARY


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "campaign.db"


def row(number: int, **more: object) -> CaseRecord:
    return CaseRecord(number, **{"layer_type": "GEMM", "macs": 6, **more})  # type: ignore[arg-type]


def refused(path: Path | str, *, create: bool = False) -> str:
    with pytest.raises(InputError) as error, Store(path, create=create):
        pytest.fail("it was opened")
    return str(error.value)


def test_what_was_added_is_found_again(path: Path) -> None:
    one = row(4, claims='{"stays":{"holds":true}}', durations={"simulated": 0.25, "claims": 0.5})
    with Store(path, create=True) as store:
        store.add([one, row(2)])
        store.set_facts({"seed": "7", "examples": "5"})
    with Store(path) as store:
        assert store.numbers() == {2, 4}
        assert store.record(4) == one
        assert list(store.query("SELECT * FROM durations ORDER BY stage")) == [
            (4, "claims", 0.5),
            (4, "simulated", 0.25),
        ]
        assert store.facts() == {"seed": "7", "examples": "5"}


def test_facts_are_replaced_by_those_of_the_same_key(path: Path) -> None:
    with Store(path, create=True) as store:
        assert store.facts() == {}
        store.set_facts({"seed": "7", "examples": "5"})
        store.set_facts({"examples": "9"})
        assert store.facts() == {"seed": "7", "examples": "9"}


def test_the_file_says_what_it_is(path: Path) -> None:
    with Store(path, create=True) as store:
        found = {name: next(store.query(f"PRAGMA {name}"))[0] for name in ("application_id", "user_version")}
        (journal,) = next(store.query("PRAGMA journal_mode"))
    assert found == {"application_id": APPLICATION_ID, "user_version": SCHEMA}
    assert journal == "wal"


def test_rows_are_added_all_or_none(path: Path) -> None:
    """Case 1 has a row already, so the new case 0 does not get one, nor a duration."""
    with Store(path, create=True) as store:
        store.add([row(1)])
        with pytest.raises(InputError) as error:
            store.add([row(0, durations={"simulated": 1.0}), row(1)])
        assert str(error.value) == f"{path}: another campaign is adding cases to it; let one of them end"
        assert store.numbers() == {1}
        assert list(store.query("SELECT * FROM durations")) == []


ADDING = """\
import os, sys
from validation.store import CaseRecord, Store
store = Store(sys.argv[1], create=True)
for number in range(5):
    store.add([CaseRecord(number)])
store._connection.execute("BEGIN IMMEDIATE")
store._connection.execute("INSERT INTO cases (number) VALUES (5)")
os.write(1, b"half way")
sys.stdin.read()
"""


def test_a_kill_loses_nothing_but_what_is_being_added(path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ADDING, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.read(8) == b"half way"
        process.kill()
        assert process.wait() == -signal.SIGKILL
    with Store(path) as store:
        assert store.numbers() == set(range(5))
        store.add([row(5)])


def test_reading_goes_on_while_another_process_writes(path: Path) -> None:
    with Store(path, create=True) as writing, Store(path) as reading:
        writing.add([row(0)])
        numbers = reading.query("SELECT number FROM cases")
        assert next(numbers) == (0,)
        writing.add([row(1)])
        assert list(numbers) == []
        assert reading.numbers() == {0, 1}


def test_a_temporary_store_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Store(TEMPORARY, create=True) as store:
        store.add([row(0)])
        assert store.numbers() == {0}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("numbers", "rest"), [([], ": it is empty"), ([2, 7], "; its 2 cases are numbered 2 to 7")])
def test_a_case_that_is_not_there(path: Path, numbers: list[int], rest: str) -> None:
    with Store(path, create=True) as store:
        store.add(map(row, numbers))
        with pytest.raises(InputError) as error:
            store.record(3)
    assert str(error.value) == f"{path}: holds no case 3{rest}"


def test_no_such_store(path: Path) -> None:
    assert refused(path) == f"{path}: there is no such campaign store"
    assert not path.exists()


@pytest.mark.parametrize("create", [False, True])
def test_another_kind_of_file(path: Path, create: bool) -> None:
    message = f"{path}: is not a campaign store; name a file that is, or a new one"
    path.write_text("Network net {}\n" * 100, encoding="utf-8")
    assert refused(path, create=create) == message
    path.unlink()
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE other (number)")
    other.close()
    assert refused(path, create=create) == message


def test_an_empty_file_becomes_a_store_only_where_one_is_to_be_made(path: Path) -> None:
    path.touch()
    assert refused(path) == f"{path}: is not a campaign store; name a file that is, or a new one"
    with Store(path, create=True) as store:
        assert store.numbers() == set()


def test_another_schema(path: Path) -> None:
    with Store(path, create=True) as store:
        list(store.query("PRAGMA user_version = 9"))
    assert refused(path) == (
        f"{path}: is a campaign store of schema 9, this Metronome reads and writes schema {SCHEMA}; begin a new store"
    )


def test_a_folder(tmp_path: Path) -> None:
    assert refused(tmp_path, create=True) == (
        f"{tmp_path}: cannot be used as a campaign store: unable to open database file"
    )


@pytest.mark.parametrize(
    ("claims", "error", "holds"),
    [
        ({"a": True, "b": None}, None, True),
        ({"a": True, "b": False}, None, False),
        ({"a": True}, "refined: ValueError: no", False),
        (None, "generation: ValueError: no", False),
    ],
)
def test_a_case_holds_where_nothing_failed_or_raised(
    claims: dict[str, bool | None] | None, error: str | None, holds: bool
) -> None:
    text = None if claims is None else json.dumps({name: {"holds": value} for name, value in claims.items()})
    assert CaseRecord(0, claims=text, error=error).holds is holds
