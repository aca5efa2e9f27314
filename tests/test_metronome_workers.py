"""Workers share tasks, are no more than there is work for, and end with the process they work for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from dataflow.errors import InputError
from metronome.workers import mapper

#: From Python 3.12 on, a fork warns where another thread runs: the test runner has some.
forks = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


@forks
def test_results_come_in_the_order_of_the_tasks() -> None:
    with mapper(2, 3) as mapped:
        assert list(mapped(abs, [-3, 2, -1])) == [3, 2, 1]


@pytest.mark.parametrize(("workers", "tasks"), [(1, 3), (3, 1), (2, 0)])
def test_a_single_worker_is_this_process(workers: int, tasks: int) -> None:
    with mapper(workers, tasks) as mapped:
        assert {*mapped(lambda _: os.getpid(), range(tasks))} <= {os.getpid()}


@pytest.mark.parametrize("workers", [0, -1])
def test_less_than_one_worker_is_refused(workers: int) -> None:
    with pytest.raises(InputError) as error, mapper(workers, 2):
        pytest.fail("there is no worker")
    assert str(error.value) == f"--workers: {workers} workers; at least 1 is needed"


def test_there_are_no_more_workers_than_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    class Pool:
        def __init__(self, workers: int, initializer: Callable[..., None], initargs: tuple[object, ...]) -> None:
            asked.append(workers)

        map = map

        def shutdown(self, *, cancel_futures: bool) -> None:
            assert cancel_futures

    monkeypatch.setattr("validation.processes.ProcessPoolExecutor", Pool)
    with mapper(1_000_000, 4), mapper(2, 4):
        assert asked == [4, 2]


KILLED = """\
import os
from dataflow.errors import InputError
from metronome.workers import mapper
try:
    with mapper(2, 2) as mapped:
        list(mapped(os._exit, [1, 1]))
except InputError as error:
    print(error)
"""


def test_a_worker_that_is_killed_ends_the_run_with_a_message() -> None:
    """In a process of its own: this one has threads, and a fork that ends in the middle of things may take it along."""
    result = subprocess.run([sys.executable, "-c", KILLED], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr, result.stdout) == (
        0,
        "",
        "--workers: a worker process was ended from outside, perhaps for want of memory; use fewer\n",
    )


WAITING = """\
import os, signal, time
from metronome.workers import mapper
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job begins with it ignored
def wait(_):
    os.write(1, b"ready\\n")
    time.sleep(60)
try:
    with mapper(3, 3) as mapped:
        list(mapped(wait, range(3)))
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@pytest.mark.parametrize(
    ("end", "last"),
    [
        (lambda process: os.killpg(process.pid, signal.SIGINT), "interrupted\n"),
        (lambda process: process.kill(), ""),
    ],
    ids=["interrupted", "killed"],
)
def test_workers_end_with_their_parent_and_without_a_word(end: Callable[[Any], None], last: str) -> None:
    """An interrupt from the terminal reaches all processes, a kill the parent only; workers would sleep a minute.

    Output ends when the last process that could print has ended.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", WAITING],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        assert process.stdout is not None
        try:
            assert [process.stdout.readline() for _ in range(3)] == ["ready\n"] * 3
            end(process)
            assert process.communicate(timeout=90) == (last, "")
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
