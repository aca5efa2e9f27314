"""The commands of the debugger: what users type, in a file or on the screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from dataflow.errors import InputError
from metronome.debug import panes
from metronome.debug.breakpoints import USAGE, parsed
from metronome.debug.session import Session
from metronome.moments.causes import why
from metronome.moments.places import element, pe_path

Words = Sequence[str]
Run = Callable[[Session, Words], list[str]]


class Command(NamedTuple):
    """A command: how it is written, and what it does."""

    usage: str
    help: str
    run: Run


def execute(session: Session, line: str) -> list[str]:
    """Carry out a command and return what it prints; raises `InputError` for what is none."""
    name, *words = line.split()
    name = ABBREVIATIONS.get(name, name)
    command = COMMANDS.get(name)
    if command is None:
        raise InputError(f"{name} is no command; the commands are {', '.join(COMMANDS)}")
    return command.run(session, words)


def _number(words: Words, usage: str, default: int = 1) -> int:
    if not words:
        return default
    if len(words) > 1 or not words[0].isdigit() or len(words[0]) > 18:
        raise InputError(f"{' '.join(words)} is no number; write {usage}")
    return int(words[0])


def _moved(session: Session, *, there: bool = True, forward: bool = True) -> list[str]:
    end = "the end of the layer" if forward else "the beginning"
    return panes.summary(session) if there else [f"nothing more up to {end}", *panes.summary(session)]


def _step(session: Session, words: Words) -> list[str]:
    session.go(session.cycle + _number(words, "step [CYCLES]"))
    return _moved(session)


def _back(session: Session, words: Words) -> list[str]:
    session.go(session.cycle - _number(words, "back [CYCLES]"))
    return _moved(session)


def _go(session: Session, words: Words) -> list[str]:
    if not words:
        raise InputError("write go CYCLE")
    session.go(_number(words, "go CYCLE"))
    return _moved(session)


def _along(direction: int) -> Run:
    def run(session: Session, words: Words) -> list[str]:
        name = "next" if direction > 0 else "previous"
        if not words:
            return _moved(session, there=session.to_event(direction), forward=direction > 0)
        level = _number(words, f"{name} [LEVEL]")
        if level >= session.recording.levels:
            raise InputError(f"there is no level {level}; the levels are 0 to {session.recording.levels - 1}")
        return _moved(session, there=session.to_step(level, direction), forward=direction > 0)

    return run


def _running(direction: int) -> Run:
    def run(session: Session, words: Words) -> list[str]:
        _none(words)
        hit = session.run(direction)
        lines = [f"breakpoint {number}: {session.breakpoints[number]}" for number in hit]
        return [*lines, *_moved(session, there=bool(hit), forward=direction > 0)]

    return run


def _none(words: Words) -> None:
    if words:
        raise InputError(f"{' '.join(words)}: nothing is expected here")


def _break(session: Session, words: Words) -> list[str]:
    if not words:
        return [f"{number}: {each}" for number, each in session.breakpoints.items()] or ["no breakpoints"]
    number = max(session.breakpoints, default=0) + 1
    session.breakpoints[number] = parsed(words, session.layer)
    return [f"breakpoint {number}: {session.breakpoints[number]}"]


def _delete(session: Session, words: Words) -> list[str]:
    number = _number(words, "delete NUMBER", -1)
    if number not in session.breakpoints:
        raise InputError(f"there is no breakpoint {' '.join(words)}")
    return [f"deleted breakpoint {number}: {session.breakpoints.pop(number)}"]


def _pe(session: Session, words: Words) -> list[str]:
    if len(words) == 1:
        session.pe = pe_path(session.layer.mapping, words[0])
    elif words:
        raise InputError("write pe NUMBER, or the units that lead to it, as 0.3")
    return panes.summary(session)


def _why(session: Session, words: Words) -> list[str]:
    words = [word for word in words if word.lower() != "pe"]
    if len(words) > 1:
        raise InputError("write why [PE]")
    pe = pe_path(session.layer.mapping, words[0]) if words else session.pe
    return why(session.recording, pe, session.cycle)


def _where(session: Session, words: Words) -> list[str]:
    if not words:
        raise InputError("write where ELEMENT, as where I[0,3,5,7]")
    return panes.where(session, element(session.layer.mapping.layer, "".join(words)))


def _log(session: Session, words: Words) -> list[str]:
    return panes.log(session, _number(words, "log [EVENTS]", panes.LONGEST))


def _pane(lines: Callable[[Session], list[str]]) -> Run:
    def run(session: Session, words: Words) -> list[str]:
        _none(words)
        return lines(session)

    return run


def _show(session: Session, words: Words) -> list[str]:
    _none(words)
    parts = (panes.summary, panes.loops, panes.array_lines, panes.ports, panes.buffers)
    return [line for part in parts for line in part(session)]


def _help(_: Session, words: Words) -> list[str]:
    if list(words) == ["break"]:
        return USAGE.split(" | ")
    chosen = [COMMANDS[name] for name in words if name in COMMANDS] or list(COMMANDS.values())
    width = max(len(each.usage) for each in chosen)
    return [f"{each.usage:{width}}  {each.help}" for each in chosen]


COMMANDS: dict[str, Command] = {
    "step": Command("step [CYCLES]", "go on by a cycle, or some", _step),
    "back": Command("back [CYCLES]", "go back by a cycle, or some", _back),
    "next": Command(
        "next [LEVEL]", "go to the next event, or to where the next step of a level begins to work", _along(1)
    ),
    "previous": Command(
        "previous [LEVEL]", "go to the event before, or to the beginning of the step before", _along(-1)
    ),
    "go": Command("go CYCLE", "go to a cycle", _go),
    "break": Command("break [WHAT]", "stop there, see help break; without more, list the breakpoints", _break),
    "delete": Command("delete NUMBER", "delete a breakpoint", _delete),
    "continue": Command("continue", "go on to the next breakpoint", _running(1)),
    "reverse": Command("reverse", "go back to the breakpoint before", _running(-1)),
    "pe": Command("pe PE", "choose a PE: by its number, or by the units that lead to it, as 0.3", _pe),
    "why": Command("why [PE]", "tell what a PE waits for, down to the root of it", _why),
    "where": Command("where ELEMENT", "tell where an element is, as where I[0,3,5,7]", _where),
    "show": Command("show", "show all of the following but the events", _show),
    "loops": Command("loops", "show the loops, with where they stand", _pane(panes.loops)),
    "array": Command("array", "show what all PEs do", _pane(panes.array_lines)),
    "ports": Command("ports", "show what goes over the ports, and what is queued there", _pane(panes.ports)),
    "buffers": Command("buffers", "show what the buffers hold", _pane(panes.buffers)),
    "log": Command("log [EVENTS]", "show the latest events", _log),
    "help": Command("help [COMMAND]", "show the commands", _help),
}

ABBREVIATIONS = {"s": "step", "b": "back", "n": "next", "p": "previous", "c": "continue", "r": "reverse"}
