"""Write result files whole or not at all."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from tempfile import NamedTemporaryFile

from dataflow.errors import InputError


def write(text: str, path: str) -> None:
    """Write ``text`` to ``path``, ``-`` for standard output; an existing file is replaced in one step.

    Raises `InputError` where that is not possible.
    """
    if path == "-":
        sys.stdout.write(text)
        return
    target = Path(path)
    if target.is_dir():
        raise InputError("is a directory; a file name is needed", path)
    try:
        with NamedTemporaryFile(
            "w", encoding="utf-8", dir=target.parent, prefix=f".{target.name}.", delete=False
        ) as temporary:
            temporary.write(text)
        umask = os.umask(0)
        os.umask(umask)
        Path(temporary.name).chmod(0o666 & ~umask)
        Path(temporary.name).replace(target)
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", path) from None
