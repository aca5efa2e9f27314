"""Write result files whole or not at all."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from stat import S_IMODE
from uuid import uuid4

from dataflow.errors import InputError

STANDARD_OUTPUT = "-"


def write(text: str, path: str) -> None:
    """Write ``text`` to ``path``, ``-`` for standard output; an existing file is replaced in one step.

    A link stays a link, a device or a pipe is written to. Raises `InputError` where that is not possible.
    """
    if path == STANDARD_OUTPUT:
        sys.stdout.write(text)
        return
    write_bytes(text.encode(), path)


def write_bytes(content: bytes, path: str) -> None:
    """Like `write`, for what is no text; standard output is not meant."""
    with _target(path) as target:
        if target.exists() and not target.is_file():
            target.write_bytes(content)
            return
        with _beside(target) as temporary:
            temporary.write_bytes(content)
            if target.exists():
                temporary.chmod(S_IMODE(target.stat().st_mode))
            temporary.replace(target)


def ensure_writable(path: str) -> None:
    """Raise the `InputError` of `write` ahead of the work that there will be to write."""
    if path == STANDARD_OUTPUT:
        return
    with _target(path) as target:
        if target.exists() and not os.access(target, os.W_OK):
            raise InputError("cannot be written: permission denied", path)
        if target.is_file() or not target.exists():
            with _beside(target):
                pass


@contextmanager
def _target(path: str) -> Iterator[Path]:
    """Yield the file that ``path`` leads to, and turn what goes wrong with it into `InputError`."""
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise InputError("is a directory; a file name is needed", path)
    try:
        yield target
    except OSError as error:
        raise InputError(f"cannot be written: {(error.strerror or str(error)).lower()}", path) from None


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """Yield a new empty file in the folder of ``target``; whatever happens, none of that name is left behind."""
    temporary = target.with_name(f".metronome-{uuid4().hex}")
    try:
        temporary.touch(exist_ok=False)
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)
