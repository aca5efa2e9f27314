"""What the readers of text files share: the text itself, places in it, and the word a user may have meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

from dataflow.errors import InputError, Position

#: Far beyond any real file; reading stops here, also on endless devices.
FILE_LIMIT = 4 * 2**20


def read_text(path: str | Path) -> str:
    """Return the text of a UTF-8 file; raises `InputError` where there is no such file or it is not text."""
    try:
        with Path(path).open("rb") as stream:
            content = stream.read(FILE_LIMIT + 1)
    except IsADirectoryError:
        raise InputError("is a directory; a file is needed", str(path)) from None
    except FileNotFoundError:
        raise InputError("no such file", str(path)) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"the file cannot be read: {reason}", str(path)) from None
    if len(content) > FILE_LIMIT:
        raise InputError(f"the file is larger than {FILE_LIMIT // 2**20} MiB", str(path))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        text = content.decode("utf-8-sig", errors="replace")
        raise InputError(
            f"not a text file in UTF-8: the byte 0x{error.object[error.start]:02x} cannot stand here",
            position_at(text, text.index("\ufffd"), str(path)),
        ) from None


def position_at(text: str, index: int, file: str) -> Position:
    """Return the position of ``text[index]``."""
    return Position(file, text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index))


def closest(word: str, known: Iterable[str]) -> str:
    """Return ``; did you mean …?`` for a misspelt word, or nothing where no known word resembles it."""
    folded = {candidate.lower(): candidate for candidate in known}
    found = get_close_matches(word.lower(), folded, n=1)
    return f"; did you mean {folded[found[0]]}?" if found else ""
