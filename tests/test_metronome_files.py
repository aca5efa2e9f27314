"""Result files appear whole, replace what was there in one step, and leave nothing behind when that fails."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from stat import S_IMODE
from threading import Thread

import pytest

from dataflow.errors import InputError
from metronome.files import ensure_writable, write


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _refusal(path: str) -> str:
    """Return the message with which ``path`` is refused: the same before the work as after it."""
    with pytest.raises(InputError) as late:
        write("new", path)
    with pytest.raises(InputError) as early:
        ensure_writable(path)
    assert str(early.value) == str(late.value)
    return str(early.value)


def test_a_new_file_holds_the_text_with_the_usual_permissions(tmp_path: Path) -> None:
    (tmp_path / "usual").touch()
    write("Σ\n", str(tmp_path / "new"))
    assert (tmp_path / "new").read_bytes() == "Σ\n".encode()
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "usual").stat().st_mode
    assert _names(tmp_path) == ["new", "usual"]


def test_an_existing_file_is_replaced_in_one_step_and_keeps_its_permissions(tmp_path: Path) -> None:
    """Whoever has the old file open reads the old text to its end."""
    path = tmp_path / "result"
    path.write_text("old", encoding="utf-8")
    path.chmod(0o600)
    with path.open(encoding="utf-8") as reader:
        write("new", str(path))
        assert reader.read() == "old"
    assert path.read_text(encoding="utf-8") == "new"
    assert S_IMODE(path.stat().st_mode) == 0o600
    assert _names(tmp_path) == ["result"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    link, file = tmp_path / "link", tmp_path / "elsewhere" / "file"
    link.symlink_to(file)
    for text in ("first", "second"):
        write(text, str(link))
        assert link.is_symlink()
        assert file.read_text(encoding="utf-8") == text


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = Thread(target=lambda: read.append(pipe.read_text(encoding="utf-8")))
    reader.start()
    ensure_writable(str(pipe))
    write("text", str(pipe))
    reader.join()
    assert read == ["text"]
    assert pipe.is_fifo()


def test_a_dash_is_standard_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ensure_writable("-")
    write("text\n", "-")
    assert capsys.readouterr() == ("text\n", "")


def test_what_is_no_place_for_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    folder, missing, below = str(tmp_path), str(tmp_path / "no" / "file"), str(tmp_path / "file" / "below")
    assert _refusal(folder) == f"{folder}: is a directory; a file name is needed"
    assert _refusal(missing) == f"{missing}: cannot be written: no such file or directory"
    assert _refusal(below) == f"{below}: cannot be written: not a directory"
    assert _names(tmp_path) == ["file"]


def test_a_file_that_must_not_be_written_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.touch()
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)
    with pytest.raises(InputError) as error:
        ensure_writable(str(path))
    assert str(error.value) == f"{path}: cannot be written: permission denied"


def test_ensuring_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old", encoding="utf-8")
    before = path.stat()
    ensure_writable(str(path))
    ensure_writable(str(tmp_path / "new"))
    assert path.stat() == before
    assert _names(tmp_path) == ["file"]


@pytest.mark.parametrize(
    ("fault", "seen", "message"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), InputError, "cannot be written: no space left on device"),
        (KeyboardInterrupt(), KeyboardInterrupt, None),
    ],
)
def test_a_fault_midway_leaves_the_old_file_and_nothing_else(
    fault: BaseException,
    seen: type[BaseException],
    message: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "file"
    path.write_text("old", encoding="utf-8")

    def fail(_self: Path, _target: Path) -> Path:
        raise fault

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(seen) as error:
        write("new", str(path))
    if message is not None:
        assert str(error.value) == f"{path}: {message}"
    assert path.read_text(encoding="utf-8") == "old"
    assert _names(tmp_path) == ["file"]
