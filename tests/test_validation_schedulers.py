"""Every scheduler does all work once; a Dask cluster also when it loses a worker, and says what it lacks."""

from __future__ import annotations

import gc
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from itertools import islice
from pathlib import Path

import pytest

import validation.cluster
from dataflow.errors import InputError
from validation.campaign import Plan, begin, examine_numbered, fingerprint, missing, run
from validation.schedulers import Scheduler, cluster, in_process, processes
from validation.store import CaseRecord, Store
from validation.store_files import TEMPORARY

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("dataflow", "analytical", "simulator", "validation", "configs", "metronome")

#: From Python 3.12 on, a fork warns where another thread runs: the test runner has some.
forks = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


@pytest.fixture(autouse=True)
def no_client_left() -> Iterator[None]:
    """Collect clients that found no scheduler: they close then, which must not be while the next one starts."""
    yield
    gc.collect()


@forks
@pytest.mark.parametrize("scheduler", [in_process, processes(1), processes(3)], ids=["in process", "one", "three"])
def test_all_work_is_done_once(scheduler: Scheduler) -> None:
    assert sorted(scheduler(abs, range(-20, 0))) == list(range(1, 21))


def test_one_worker_is_this_process() -> None:
    assert processes(1) is in_process


@pytest.mark.parametrize("workers", [0, -2])
def test_less_than_one_worker_is_refused(workers: int) -> None:
    with pytest.raises(InputError) as error:
        processes(workers)
    assert str(error.value) == f"--workers: {workers} workers; at least 1 is needed"


def begun(folder: Path, number: int) -> int:
    (folder / str(number)).touch()
    return number


@forks
def test_no_more_is_begun_than_there_are_workers_before_a_result_is_safe(tmp_path: Path) -> None:
    """The result at hand, and one more at the second worker: that is what a kill here could cost."""
    results = processes(2)(partial(begun, tmp_path), iter(range(100)))
    assert isinstance(results, Iterator)
    for taken in range(1, 6):
        next(results)
        time.sleep(0.1)
        assert len(list(tmp_path.iterdir())) <= taken + 1
    results.close()  # type: ignore[attr-defined]


KILLED = """\
import os
from dataflow.errors import InputError
from validation.schedulers import processes
try:
    list(processes(2)(os._exit, [1, 1]))
except InputError as error:
    print(error)
"""


def test_a_killed_worker_process_is_told() -> None:
    """In a process of its own: this one has threads, and a fork that ends in the middle of things may take it along."""
    result = subprocess.run([sys.executable, "-c", KILLED], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr, result.stdout) == (
        0,
        "",
        "--workers: a worker process was ended from outside, perhaps for want of memory; use fewer\n",
    )


def test_a_cluster_needs_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.delitem(sys.modules, "validation.cluster")
    with pytest.raises(InputError) as error:
        cluster("tcp://127.0.0.1:8786")
    assert str(error.value) == "--scheduler: needs the package distributed: pip install 'metronome[cluster]'"


def test_a_scheduler_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation.cluster, "PATIENCE", 1)
    with pytest.raises(InputError) as error:
        list(cluster("tcp://127.0.0.1:1")(abs, [1]))
    assert str(error.value) == (
        "--scheduler tcp://127.0.0.1:1: no Dask scheduler answers: "
        "Timed out trying to connect to tcp://127.0.0.1:1 after 1 s"
    )


@pytest.mark.parametrize("address", ["nonsense://somewhere", "tcp://127.0.0.1:port"])
def test_an_address_that_is_none(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation.cluster, "PATIENCE", 1)
    with pytest.raises(InputError, match=rf"^--scheduler {address}: no Dask scheduler answers: "):
        list(cluster(address)(abs, [1]))


Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start `dask` with arguments in a process of its own, which ends with the test."""
    with ExitStack() as ending:

        def dask(*arguments: str, path: Path | None = None) -> subprocess.Popen[bytes]:
            process = subprocess.Popen(
                [Path(sys.executable).parent / "dask", *arguments],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=tmp_path,
                env=os.environ | ({} if path is None else {"PYTHONPATH": str(path)}),
            )
            ending.enter_context(process)
            ending.callback(process.kill)
            return process

        yield dask


@pytest.fixture
def address(start: Start, tmp_path: Path) -> str:
    """Start a Dask scheduler and return its address."""
    start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", "scheduler.json")
    contact = tmp_path / "scheduler.json"
    while not (contact.exists() and contact.read_text(encoding="utf-8").endswith("}")):
        time.sleep(0.05)
    found: str = json.loads(contact.read_text(encoding="utf-8"))["address"]
    return found


def worker(start: Start, address: str, threads: int = 1, path: Path | None = None) -> subprocess.Popen[bytes]:
    return start("worker", address, "--nthreads", str(threads), "--no-nanny", "--no-dashboard", path=path)


def rows(scheduler: Scheduler, plan: Plan, progress: Callable[[CaseRecord], None] | None = None) -> list[CaseRecord]:
    with Store(TEMPORARY, create=True) as store:
        begin(store, plan)
        run(store, plan, scheduler, progress)
        assert missing(store, plan) == []
        return [store.record(number) for number in range(plan.examples)]


@pytest.mark.slow
def test_a_cluster_that_loses_a_worker_half_way_does_everything_once(start: Start, address: str) -> None:
    """The store refuses a second row for a case, so what is in it has come once."""
    plan = Plan(7, 30, max_macs=60)
    workers = [worker(start, address), worker(start, address, threads=2)]
    done: list[int] = []

    def kill_one(record: CaseRecord) -> None:
        done.append(record.number)
        if len(done) == plan.examples // 2:
            workers[0].kill()

    assert rows(cluster(address), plan, kill_one) == rows(in_process, plan)
    assert sorted(done) == list(range(plan.examples))
    assert workers[0].poll() is not None
    assert workers[1].poll() is None


@pytest.mark.slow
def test_a_cluster_without_workers(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation.cluster, "PATIENCE", 1)
    with pytest.raises(InputError) as error:
        list(cluster(address)(abs, [1]))
    assert str(error.value) == (
        f"--scheduler {address}: the cluster has had no worker for 1 s; start one with `dask worker {address}`"
    )


@pytest.mark.slow
def test_a_worker_with_other_sources_is_refused(start: Start, address: str, tmp_path: Path) -> None:
    other = tmp_path / "other"
    for package in PACKAGES:
        shutil.copytree(ROOT / package, other / package, ignore=shutil.ignore_patterns("__pycache__"))
    with (other / "analytical" / "work.py").open("a", encoding="utf-8") as source:
        source.write("# changed\n")
    worker(start, address, path=other)
    with pytest.raises(InputError, match=r"^a worker: has other sources \([0-9a-f]{16}\) than the campaign ") as error:
        rows(cluster(address), Plan(7, 3))
    assert str(error.value).endswith(f"({fingerprint()})")
    assert str(error.value).count(fingerprint()) == 1


@pytest.mark.slow
def test_a_worker_without_metronome_is_told(start: Start, address: str, tmp_path: Path) -> None:
    (tmp_path / "other" / "validation").mkdir(parents=True)
    (tmp_path / "other" / "validation" / "__init__.py").touch()
    worker(start, address, path=tmp_path / "other")
    with pytest.raises(InputError) as error:
        rows(cluster(address), Plan(7, 3))
    assert str(error.value) == (
        f"--scheduler {address}: a worker has no usable installation of Metronome: "
        "No module named 'validation.campaign'"
    )


@pytest.mark.slow
def test_a_scheduler_that_is_lost(start: Start, tmp_path: Path) -> None:
    arguments = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", "lost.json")
    process = start("scheduler", *arguments)
    contact = tmp_path / "lost.json"
    while not (contact.exists() and contact.read_text(encoding="utf-8").endswith("}")):
        time.sleep(0.05)
    place = json.loads(contact.read_text(encoding="utf-8"))["address"]
    worker(start, place)
    results = iter(cluster(place)(partial(examine_numbered, Plan(7, 50)), range(50)))
    assert [record.number for record in islice(results, 1)] == [0]
    process.kill()
    with pytest.raises(InputError) as error:
        list(results)
    assert str(error.value) == f"--scheduler {place}: the connection to the Dask scheduler was lost"
