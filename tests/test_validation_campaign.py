"""Campaigns: the same rows whoever does the cases and however often they are stopped, and no other campaign's."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from random import Random

import pytest

import validation.campaign
from dataflow.errors import InputError
from validation.campaign import Plan, begin, examine_numbered, fingerprint, missing, resume, run, stored_plan
from validation.claims import CLAIMS
from validation.schedulers import in_process, processes
from validation.store import CaseRecord, Store
from validation.store_files import TEMPORARY
from validation.summary import summarize

#: From Python 3.12 on, a fork warns where another thread runs: the test runner has some.
forks = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")

PLAN = Plan(7, 12, max_macs=60)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Return a new store in which `PLAN` has begun."""
    store = Store(tmp_path / "campaign.db", create=True)
    begin(store, PLAN)
    return store


def rows(store: Store) -> list[CaseRecord]:
    return [store.record(number) for number in sorted(store.numbers())]


@forks
def test_the_rows_are_the_same_whatever_the_number_of_workers() -> None:
    found = []
    for scheduler in (in_process, processes(3)):
        with Store(TEMPORARY, create=True) as store:
            begin(store, PLAN)
            run(store, PLAN, scheduler)
            found.append((rows(store), summarize(store)))
    assert found[0] == found[1]
    assert [record.number for record in found[0][0]] == list(range(12))
    assert found[0][1].holds


def test_a_row_has_the_time_that_every_stage_took(store: Store) -> None:
    run(store, replace(PLAN, examples=1), in_process)
    stages = dict(store.query("SELECT stage, seconds FROM durations"))
    assert stages.keys() == {
        "generation", "simulated", "refined", "published", "assumptions", "reference", "claims",
    }  # fmt: skip
    assert min(stages.values()) > 0


def test_every_case_is_stored_before_the_next_is_begun(store: Store) -> None:
    def looking(work: Callable[[int], CaseRecord], items: list[int]) -> object:
        for number in items:
            assert store.numbers() == set(range(number))
            yield work(number)

    seen: list[int] = []
    run(store, replace(PLAN, examples=4), looking, lambda record: seen.append(record.number))  # type: ignore[arg-type]
    assert seen == [0, 1, 2, 3]


def test_an_interrupted_campaign_goes_on_where_it_stopped(store: Store) -> None:
    def stop(record: CaseRecord) -> None:
        if record.number == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(store, PLAN, in_process, stop)
    assert missing(store, PLAN) == list(range(5, 12))
    run(store, resume(store), in_process)
    assert rows(store) == [examine_numbered(PLAN, number) for number in range(12)]


KILLED = """\
import sys
from validation.campaign import Plan, begin, resume, run
from validation.schedulers import processes
from validation.store import Store
if __name__ == "__main__":
    store = Store(sys.argv[1], create=True)
    if not store.facts():
        begin(store, Plan(7, 24, max_macs=60))
    run(store, resume(store), processes(int(sys.argv[2])))
"""


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_a_campaign_that_is_killed_again_and_again_comes_to_the_same(tmp_path: Path, workers: int) -> None:
    """Five kills at random moments; between them everything that was stored stays."""
    moments, path = Random(f"moments {workers}"), tmp_path / "killed.db"
    before: set[int] = set()
    kills = 0
    while kills < 5:
        process = subprocess.Popen([sys.executable, "-c", KILLED, path, str(workers)])
        with process:
            time.sleep(moments.uniform(0.5, 4))
            if process.poll() is None:
                process.kill()
        kills += 1
        if path.exists():
            with Store(path, create=True) as store:
                assert store.numbers() >= before
                before = store.numbers()
    subprocess.run([sys.executable, "-c", KILLED, path, str(workers)], check=True)
    plan = Plan(7, 24, max_macs=60)
    with Store(path) as store, Store(TEMPORARY, create=True) as undisturbed:
        begin(undisturbed, plan)
        run(undisturbed, plan, in_process)
        assert rows(store) == rows(undisturbed)
        assert summarize(store) == summarize(undisturbed)


def test_the_facts_of_a_campaign(store: Store) -> None:
    assert store.facts() == {
        "seed": "7",
        "examples": "12",
        "profile": f'{{"max_macs": 60, "hypothesis": "{version("hypothesis")}"}}',
        "version": f'{{"metronome": "{version("metronome")}", "sources": "{fingerprint()}"}}',
        "claims": "[" + ", ".join(f'"{claim.name}"' for claim in CLAIMS) + "]",
    }
    assert stored_plan(store) == PLAN


def test_a_store_has_one_campaign(store: Store) -> None:
    with pytest.raises(InputError) as error:
        begin(store, PLAN)
    assert str(error.value) == f"{store.path}: is a campaign already; go on with --resume, or name a new store"


def test_an_empty_store_cannot_be_resumed(tmp_path: Path) -> None:
    with Store(tmp_path / "empty.db", create=True) as store, pytest.raises(InputError) as error:
        resume(store)
    assert str(error.value) == f"{tmp_path / 'empty.db'}: holds no campaign yet"


def test_a_campaign_is_resumed_with_more_examples(store: Store) -> None:
    assert resume(store, examples=15) == replace(PLAN, examples=15)
    assert resume(store, seed=7, max_macs=60) == replace(PLAN, examples=15)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"seed": 8}, "was begun with --seed 7; resume it so, or begin a new store"),
        ({"max_macs": 61}, "was begun with --max-macs 60; resume it so, or begin a new store"),
        ({"examples": 11}, "was begun with 12 examples; resume it with no fewer"),
        ({"examples": 0}, "was begun with 12 examples; resume it with no fewer"),
    ],
)
def test_another_campaign_is_not_resumed(store: Store, changed: dict[str, int], message: str) -> None:
    with pytest.raises(InputError) as error:
        resume(store, **changed)
    assert str(error.value) == f"{store.path}: {message}"


def test_a_campaign_of_other_sources_is_not_resumed(tmp_path: Path) -> None:
    path, here, now = tmp_path / "old.db", fingerprint(), version("metronome")
    with Store(path, create=True) as store:
        begin(store, replace(PLAN, sources="f" * 16))
        with pytest.raises(InputError) as error:
            resume(store)
    assert str(error.value) == (
        f"{path}: was begun with other sources of Metronome "
        f'({{"metronome": "{now}", "sources": "{"f" * 16}"}}, now {{"metronome": "{now}", "sources": "{here}"}}): '
        "begin a new store"
    )


def test_a_campaign_of_another_hypothesis_is_not_resumed(tmp_path: Path) -> None:
    path, here = tmp_path / "old.db", version("hypothesis")
    with Store(path, create=True) as store:
        begin(store, replace(PLAN, hypothesis="1.0"))
        with pytest.raises(InputError) as error:
            resume(store)
    assert str(error.value) == (
        f'{path}: was begun with another version of Hypothesis ({{"max_macs": 60, "hypothesis": "1.0"}}, '
        f'now {{"max_macs": 60, "hypothesis": "{here}"}}): begin a new store'
    )


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"examples": 0}, "--examples: 0 examples; at least 1 is needed"),
        ({"examples": -3}, "--examples: -3 examples; at least 1 is needed"),
        ({"max_macs": 0}, "--max-macs: 0 MACs; at least 1 is needed"),
    ],
)
def test_numbers_that_make_no_campaign(numbers: dict[str, int], message: str) -> None:
    with pytest.raises(InputError) as error:
        replace(PLAN, **numbers)  # type: ignore[arg-type]
    assert str(error.value) == message


def test_a_worker_with_other_sources_or_hypothesis_does_nothing() -> None:
    here = fingerprint()
    with pytest.raises(InputError) as error:
        examine_numbered(replace(PLAN, sources="f" * 16), 0)
    assert str(error.value) == f"a worker: has other sources ({here}) than the campaign ({'f' * 16})"
    with pytest.raises(InputError) as error:
        examine_numbered(replace(PLAN, hypothesis="1.0"), 0)
    assert str(error.value) == (
        f"a worker: has another version of Hypothesis ({version('hypothesis')}) than the campaign (1.0)"
    )


def test_a_case_that_cannot_be_generated_is_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation.campaign, "generate", lambda *_: [(3, ValueError("no\nsuch  case"))])
    record = examine_numbered(PLAN, 3)
    assert record == CaseRecord(3, error="generation: ValueError: no such case")
    assert record.durations.keys() == {"generation"}


def test_the_fingerprint_is_that_of_the_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any change of a source changes it; what editors and Python leave beside the sources does not."""
    for package in validation.campaign.PACKAGES:
        shutil.copytree(
            validation.campaign._ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    monkeypatch.setattr(validation.campaign, "_ROOT", tmp_path)
    digest = fingerprint.__wrapped__
    assert digest() == fingerprint()
    (tmp_path / "simulator" / "nest.py~").touch()
    (tmp_path / "simulator" / "nest.pyc").touch()
    assert digest() == fingerprint()
    for name in ("simulator/nest.py", "dataflow/grammar.lark", "validation/claims/new.py"):
        before = digest()
        with (tmp_path / name).open("a", encoding="utf-8") as source:
            source.write("\n")
        assert digest() != before


def test_stopping_to_listen_stops_the_work(store: Store) -> None:
    done: list[int] = []

    def work(number: int) -> int:
        done.append(number)
        return number

    assert list(islice(in_process(work, range(100)), 3)) == done == [0, 1, 2]
