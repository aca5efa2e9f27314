"""What is wrong with an input, and where: the one kind of error that users are meant to see."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Position:
    """A place in a text file; lines and columns count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class InputError(Exception):
    """Input that cannot be used: ``message`` says what is wrong and what would be right.

    ``where`` is a `Position`, a key path (``levels[0].distribution.bandwidth``) or a file name; the text of
    the exception puts it in front of the message.
    """

    def __init__(self, message: str, where: Position | str | None = None) -> None:
        super().__init__(message if where is None else f"{where}: {message}")
        self.message = message
        self.where = where
