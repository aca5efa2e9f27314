"""``metronome validate``: what it prints and writes, how it ends, and that an interrupt keeps what is done."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import metronome.validate
import metronome.workers
import validation.examine
from dataflow.errors import InputError
from dataflow.hardware_files import read_machine
from dataflow.reader import read_network
from metronome.main import app
from validation.campaign import Plan, begin
from validation.claims import Claim, Outcome
from validation.store import CaseRecord, Store
from validation.summary import summarize

SMALL = ("--examples", "6", "--seed", "7", "--max-macs", "60", "--workers", "1")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for variable in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path


def validate(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["validate", *arguments])


def odd_only(claims: str = "odd number of PEs") -> tuple[Claim, ...]:
    """Return a claim that fails for every machine with an even number of PEs."""

    def check(case: object) -> Outcome:
        pes = case.machine.pes  # type: ignore[attr-defined]
        return Outcome(pes % 2 == 1, None, "" if pes % 2 else f"{pes} PEs")

    return (Claim(claims, "PEs are odd.", "all", "", check),)


@pytest.fixture
def odd(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("validation.examine", "validation.campaign", "validation.summary"):
        monkeypatch.setattr(f"{module}.CLAIMS", odd_only())


def test_a_campaign_that_holds(folder: Path) -> None:
    result = validate(*SMALL)
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0] == "6 cases, seed 7, layers of at most 60 MACs: every claim holds"
    assert lines[1].rstrip() == "Claims"
    assert "│ refined counts         │     6 │    6 │      0 │                    │" in lines
    assert "│ refined   │" in result.stdout
    assert list(folder.iterdir()) == []


def test_the_table_is_the_same_with_more_workers_and_again() -> None:
    tables = {validate(*SMALL[:-1], workers).stdout for workers in ("1", "2", "1")}
    assert len(tables) == 1


@pytest.mark.usefixtures("odd")
def test_a_claim_that_fails() -> None:
    result = validate(*SMALL, "--json", "out.json")
    assert result.exit_code == 1
    found = json.loads(Path("out.json").read_text(encoding="utf-8"))
    (claim,) = found["claims"]
    assert claim["failed"] > 0
    assert result.stdout.splitlines()[0] == "6 cases, seed 7, layers of at most 60 MACs: 1 of 1 claims fail"
    first, look = result.stderr.splitlines()
    number = claim["first_failing"]
    assert first.startswith(f"claim odd number of PEs fails in case {number}: ")
    assert first.endswith(" PEs")
    assert look == f"look at it with: metronome validate --seed 7 --max-macs 60 --case {number}"
    again = validate(*look.split()[6:])
    assert again.exit_code == 1
    assert again.stdout.splitlines()[-1] == first.replace(f" in case {number}", "")


def test_a_model_that_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: object) -> None:
        raise ZeroDivisionError("no")

    monkeypatch.setattr("validation.claims.observation.simulate_mapping", broken)
    result = validate(*SMALL, "--store", "my campaign.db")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[0].endswith(": exceptions in 6 cases, first in case 0")
    error, look = result.stderr.splitlines()
    assert error.startswith("case 0 raises: simulated: ZeroDivisionError: no (validation/claims/observation.py:")
    assert look == "look at it with: metronome validate --store 'my campaign.db' --case 0"


def test_results_as_json_on_standard_output() -> None:
    result = validate(*SMALL, "--store", "campaign.db", "--json", "-")
    with Store("campaign.db") as store:
        assert json.loads(result.stdout) == summarize(store).to_dict()


def test_quiet() -> None:
    result = validate(*SMALL, "--quiet")
    assert (result.exit_code, result.output) == (0, "")


def test_a_campaign_is_resumed_with_more_examples() -> None:
    """Six cases and four more are the ten that one campaign would have done."""
    assert validate(*SMALL, "--store", "campaign.db").exit_code == 0
    resumed = validate("--store", "campaign.db", "--resume", "--examples", "10", "--workers", "1")
    assert resumed.exit_code == 0
    assert resumed.stdout == validate("--examples", "10", *SMALL[2:]).stdout


def test_resuming_begins_a_store_that_was_killed_before_it_had_a_campaign() -> None:
    Path("campaign.db").touch()
    assert validate(*SMALL, "--store", "campaign.db", "--resume").stdout == validate(*SMALL).stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--examples", "0"), "--examples: 0 examples; at least 1 is needed"),
        (("--max-macs", "0"), "--max-macs: 0 MACs; at least 1 is needed"),
        (("--workers", "0"), "--workers: 0 workers; at least 1 is needed"),
        (("--resume",), "--resume: there is nothing to go on with; name the campaign's file with --store"),
        (("--resume", "--store", "no.db"), "no.db: there is no such campaign store"),
        (("--store", "there.db"), "there.db: is a campaign already; go on with --resume, or name a new store"),
        (("--store", "there.db", "--resume", "--seed", "8"), (
            "there.db: was begun with --seed 7; resume it so, or begin a new store")),
        (("--store", "text.txt"), "text.txt: is not a campaign store; name a file that is, or a new one"),
        (("--store", "x", "--json", "x"), "x: --json and --store write to the same place; name two"),
        (("--json", "."), ".: is a directory; a file name is needed"),
        (("--scheduler", "tcp://h:1", "--workers", "2"), (
            "--scheduler: the cluster's workers do the work; leave --workers out")),
        (("--case", "3", "--resume"), "--case: does not go with --resume; leave it out"),
        (("--case", "3", "--examples", "5", "--workers", "2"), (
            "--case: does not go with --examples and --workers; leave them out")),
        (("--case", "3", "--store", "there.db", "--seed", "7"), "--case: does not go with --seed; leave it out"),
        (("--case", "3", "--store", "there.db"), "there.db: holds no case 3: it is empty"),
        (("--case", "-1"), "--case: there is no case -1; cases are numbered from 0"),
    ],
)  # fmt: skip
def test_what_cannot_be_done(arguments: tuple[str, ...], message: str) -> None:
    with Store("there.db", create=True) as store:
        begin(store, Plan(7, 5))
    Path("text.txt").write_text("text\n" * 100, encoding="utf-8")
    result = validate(*arguments)
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", f"metronome: {message}\n")


def test_a_case_is_shown_ready_to_paste() -> None:
    result = validate("--seed", "7", "--max-macs", "60", "--case", "3")
    assert result.exit_code == 0
    name, rest = result.stdout.split("\n\n", 1)
    text, rest = rest.split("case_3.yaml:\n\n")
    machine, found = rest.split("\n\n")
    assert name == "case_3.m:"
    Path("case_3.m").write_text(text, encoding="utf-8")
    Path("case_3.yaml").write_text(machine, encoding="utf-8")
    (mapped,) = read_network("case_3.m").layers
    assert mapped.layer.macs <= 60
    assert read_machine("case_3.yaml").name == "machine"
    ran = CliRunner().invoke(app, ["run", "case_3.m", "--hardware", "case_3.yaml", "--json", "-"])
    (layer,) = json.loads(ran.stdout)["layers"]
    cycles = layer["simulator"]["cycles"]
    simulated, refined, published, claims = found.splitlines()
    assert (simulated, refined) == (f"simulated: {cycles:,} cycles", f"refined: {cycles:,} cycles (+0.0 %)")
    assert published.startswith(f"published: {layer['analytical']['published']['cycles']:,} cycles (")
    assert claims.startswith("claims: ")
    assert " 0 fail, " in claims


def test_a_case_of_a_store_is_examined_again_as_the_sources_are_now(monkeypatch: pytest.MonkeyPatch) -> None:
    validate(*SMALL, "--store", "campaign.db")
    shown = validate("--store", "campaign.db", "--case", "3")
    assert shown.stdout == validate("--seed", "7", "--max-macs", "60", "--case", "3").stdout
    monkeypatch.setattr(validation.examine, "CLAIMS", ())
    assert "claims:" not in validate("--store", "campaign.db", "--case", "3").stdout


def test_a_case_as_json() -> None:
    found = json.loads(validate("--seed", "7", "--max-macs", "60", "--case", "3", "--json", "-").stdout)
    assert (found["schema"], found["number"], found["holds"], found["error"]) == (1, 3, True, None)
    assert found["simulated"]["cycles"] == found["simulated_cycles"]
    assert found["claims"]["stays"] == {"holds": True, "measure": 0.0, "detail": ""}


def test_a_case_that_could_not_be_generated() -> None:
    with Store("campaign.db", create=True) as store:
        begin(store, Plan(7, 5))
        store.add([CaseRecord(3, error="generation: ValueError: no")])
    result = validate("--store", "campaign.db", "--case", "3")
    assert (result.exit_code, result.stdout) == (1, "generation: ValueError: no\n")


@pytest.mark.parametrize(("store", "rest"), [
    (("--store", "my campaign.db"), "; go on with: metronome validate --store 'my campaign.db' --resume"),
    ((), ""),
])  # fmt: skip
def test_an_interrupt_prints_what_is_done(store: tuple[str, ...], rest: str, monkeypatch: pytest.MonkeyPatch) -> None:
    examined = validation.examine.examine

    def until_interrupted(number: int, case: object) -> CaseRecord:
        if number == 4:
            raise KeyboardInterrupt
        return examined(number, case)  # type: ignore[arg-type]

    monkeypatch.setattr("validation.campaign.examine", until_interrupted)
    result = validate(*SMALL, *store)
    assert result.exit_code == 130
    assert result.stdout.splitlines()[0].startswith("4 of 6 cases, seed 7, ")
    assert result.stderr == f"metronome: interrupted; 4 of 6 cases are done{rest}\n"


COMMAND = (Path(sys.executable).parent / "metronome", "validate", "--seed", "7", "--max-macs", "60")

#: the program, heeding interrupts also in a shell's background job, which begins with them ignored
HEEDING = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from metronome.main import app; app()"
)


def stored(path: Path) -> int:
    """Return how many cases a store has, 0 if it is still being made."""
    if not path.exists() or not path.stat().st_size:
        return 0
    try:
        with Store(path) as store:
            return len(store.numbers())
    except InputError:  # its first page is there, and not yet what says that it is a store
        return 0


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_control_c_ends_cleanly_and_the_rest_can_be_done_later(folder: Path, workers: str) -> None:
    """The terminal sends the interrupt to all processes of the group."""
    path = folder / "campaign.db"
    options = ["--examples", "500", "--workers", workers, "--store", path]
    command = [sys.executable, "-c", HEEDING, *COMMAND[1:], *options]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        while stored(path) < 3:
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    done = stored(path)
    assert process.returncode == 130
    assert output.startswith(f"{done} of 500 cases, seed 7, ")
    assert errors == (
        f"metronome: interrupted; {done} of 500 cases are done; "
        f"go on with: metronome validate --store {path} --resume\n"
    )


@pytest.mark.slow
def test_a_terminal_sees_the_rate_and_the_remaining_time() -> None:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 100, 0, 0))
    command = [*COMMAND, "--examples", "30", "--workers", "1"]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=os.environ | {"TERM": "xterm"})
    os.close(theirs)
    received = b""
    with process, os.fdopen(ours, "rb", buffering=0) as terminal:
        while True:
            try:
                received += terminal.read(65536)
            except OSError:  # how Linux reports that the other side is closed
                break
    assert process.returncode == 0
    progress, _, rest = received.decode().rpartition("\033[2K")
    assert "30/30" in progress
    assert " cases/s" in progress
    assert "0:00:0" in progress
    assert "30/30" not in rest
    assert "every claim holds" in rest


def test_workers_are_as_many_as_cores_if_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr("validation.schedulers.processes", asked.append)
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    metronome.workers.scheduler_of(None, None)
    assert asked == [5]
