"""Progress is for terminals, and gone when the results come; a pipe or a file gets results only."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Sequence
from pathlib import Path

import pytest

NET = """\
Network net {
  Layer first {
    Type: GEMM
    Dimensions { M: 4, N: 2, K: 3 }
    Dataflow { SpatialMap(1,1) M; }
  }
  Layer second {
    Type: GEMM
    Dimensions { M: 4, N: 2, K: 3 }
    Dataflow { SpatialMap(1,1) M; TemporalMap(1,2) N; }
  }
}
"""
FINDING = (
    "net.m:10:35: layer second misses work: point (M 0, N 1, K 0) is never computed because of "
    "TemporalMap(1,2) N; TemporalMap(1,1) N would compute every point of N once"
)
RUN = (Path(sys.executable).parent / "metronome", "run", "net.m", "--set", "pes=4")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with a network."""
    (tmp_path / "net.m").write_text(NET, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for variable in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path


def test_nothing_but_results_goes_into_pipes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    finished = subprocess.run(RUN, capture_output=True, text=True, check=False)
    assert (finished.returncode, finished.stderr) == (1, f"{FINDING}\n")
    assert finished.stdout.splitlines()[0].rstrip() == "net on reference-256 (4 PEs)"
    assert "Utilization" in finished.stdout
    assert not any(mark in finished.stdout for mark in ("\033", "\r", "…", "2/2"))


def test_a_full_disk_behind_standard_output_is_told() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        finished = subprocess.run([*RUN, "--json", "-"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (finished.returncode, finished.stderr) == (2, "metronome: No space left on device\n")


def _on_a_terminal(columns: int, command: Sequence[str | Path]) -> tuple[int, str]:
    """Return the exit status, and what a terminal of that many columns receives."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=os.environ | {"TERM": "xterm"})
    os.close(theirs)
    received = b""
    with process, os.fdopen(ours, "rb", buffering=0) as terminal:
        while True:
            try:
                received += terminal.read(65536)
            except OSError:  # how Linux reports that the other side is closed
                return process.wait(), received.decode()


def test_a_terminal_sees_progress_until_the_table_that_fits_takes_its_place() -> None:
    status, received = _on_a_terminal(100, RUN)
    assert status == 1
    progress, erased, rest = received.rpartition("\033[2K")
    assert erased
    assert "2/2" in progress
    assert "Cycles" not in progress
    lines = [re.sub(r"\033\[[0-9;]*[A-Za-z]", "", line).rstrip() for line in rest.splitlines()]
    table, messages = lines[: lines.index(FINDING)], lines[lines.index(FINDING) :]
    assert table[0] == "net on reference-256 (4 PEs)"
    assert max(map(len, table)) <= 100
    assert "2/2" not in rest
    assert " ".join(table[-2:]).endswith("--csv has everything")
    assert messages == [FINDING]
