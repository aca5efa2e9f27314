"""Where to stop: breakpoints, each with the cycles of a recording in which it is hit."""

from __future__ import annotations

import operator
import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from dataflow.errors import InputError
from dataflow.layers import TENSORS
from metronome.moments.mapped import MappedLayer
from metronome.moments.places import Element, element, pe_name, pe_path
from metronome.moments.recording import Recording
from metronome.moments.states import KINDS, stays
from simulator.events import Compute, Drain, Path, Stall, Step, Transfer

OPERATORS: dict[str, Callable[[int, int], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq,
}  # fmt: skip

#: what conditions may be on: as it is in a cycle, and as it has added up since the run began
NOW, ADDED = ("busy", *TENSORS), ("macs", "sent", "collected")

USAGE = (
    "break cycle N | break step N | break pe P [KIND] | break stall N | break element E | "
    f"break when {'|'.join((*NOW, *ADDED))} <|<=|>|>=|== N"
)


class Breakpoint(ABC):
    """A place to stop at."""

    @abstractmethod
    def hits(self, recording: Recording) -> Iterable[int]:
        """Return the cycles of a recording in which it is hit."""

    def begin(self, cycle: int) -> None:  # noqa: B027 -- only what adds up needs to know
        """Note that a run begins."""

    def leave(self, recording: Recording) -> None:  # noqa: B027 -- likewise
        """Note that a run goes on behind a recording."""


@dataclass(frozen=True)
class AtCycle(Breakpoint):
    """A cycle."""

    cycle: int

    def __str__(self) -> str:
        return f"cycle {self.cycle}"

    def hits(self, recording: Recording) -> Iterable[int]:
        """Return the cycle."""
        return [self.cycle]


@dataclass(frozen=True)
class AtStep(Breakpoint):
    """A step of the top level: when its transfer begins."""

    number: int

    def __str__(self) -> str:
        return f"step {self.number}"

    def hits(self, recording: Recording) -> Iterable[int]:
        """Return when the step begins."""
        return [step.begin for step in recording.track(Step, ()) if step.number == self.number]


@dataclass(frozen=True)
class OfPe(Breakpoint):
    """A PE that begins to compute, or to wait for something."""

    pe: Path
    kind: str

    def __str__(self) -> str:
        return f"{pe_name(self.pe)} {KINDS[self.kind][1]}"

    def hits(self, recording: Recording) -> Iterable[int]:
        """Return when it begins."""
        if self.kind == "computing":
            return [compute.begin for compute in recording.computes(self.pe)]
        return [stall.begin for stall in recording.track(Stall, self.pe[:-1]) if stall.cause == self.kind]


@dataclass(frozen=True)
class LongStall(Breakpoint):
    """A wait of any cluster that is longer than so many cycles: when it has become so long."""

    cycles: int

    def __str__(self) -> str:
        return f"stall of more than {self.cycles} cycles"

    def hits(self, recording: Recording) -> Iterable[int]:
        """Return when waits have become so long."""
        stalls = (event for event in recording.events if isinstance(event, Stall))
        return [stall.begin + self.cycles for stall in stalls if stall.end - stall.begin > self.cycles]


@dataclass(frozen=True)
class Touched(Breakpoint):
    """An element that a unit gets, or begins to work on."""

    element: Element

    def __str__(self) -> str:
        return f"element {self.element}"

    def hits(self, recording: Recording) -> Iterable[int]:
        """Return when it comes to a unit."""
        return [stay.begin for stay in stays(recording, self.element)]


@dataclass
class When(Breakpoint):
    """A condition on a counter: when it becomes true."""

    counter: str
    sign: str
    value: int
    since: int = field(default=0, compare=False)
    before: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"when {self.counter} {self.sign} {self.value}"

    def begin(self, cycle: int) -> None:
        """Begin to count."""
        self.since, self.before = cycle, 0

    def leave(self, recording: Recording) -> None:
        """Keep what was counted up to the end of the recording."""
        if self.counter in ADDED:
            changes = self._changes(recording)
            self.before += sum(by for cycle, by in changes.items() if self.since < cycle <= recording.last)
            self.since = max(self.since, recording.last)

    def hits(self, recording: Recording) -> Iterable[int]:
        """Return when it becomes true."""
        added = self.counter in ADDED
        true, count, found = OPERATORS[self.sign], self.before if added else 0, []
        was = true(count, self.value)
        for cycle, by in sorted(self._changes(recording).items()):
            if added and cycle <= self.since:
                continue
            count += by
            now = true(count, self.value)
            if now and not was:
                found.append(cycle)
            was = now
        return found

    def _changes(self, recording: Recording) -> dict[int, int]:
        changes: Counter[int] = Counter()
        if self.counter in TENSORS:
            index = TENSORS.index(self.counter)
            for level in recording.levels_of():
                if len(level.cluster) + 1 == recording.levels:
                    changes[level.begin] += level.elements[index]
                    changes[level.end] -= level.elements[index]
            return changes
        for event in recording.events:
            match self.counter, event:
                case "busy", Compute():
                    changes[event.begin] += 1
                    changes[event.end] -= 1
                case "macs", Compute():
                    changes[event.end] += event.macs
                case "sent", Transfer():
                    changes[event.end] += sum(event.elements.values())
                case "collected", Drain():
                    changes[event.end] += event.elements
        return changes


def parsed(words: Sequence[str], layer: MappedLayer) -> Breakpoint:
    """Return the breakpoint that is written so, without ``break``; raises `InputError` where none is."""
    found = _parsed(list(words), layer)
    if found is None:
        raise InputError(f"break {' '.join(words)}: write {USAGE}")
    return found


def _parsed(words: list[str], layer: MappedLayer) -> Breakpoint | None:
    found: Breakpoint | None = None
    match words:
        case ["cycle", number] if number.isdigit():
            found = AtCycle(int(number))
        case ["step", number] if number.isdigit():
            found = AtStep(int(number))
        case ["pe", pe]:
            found = OfPe(pe_path(layer.mapping, pe), "computing")
        case ["pe", pe, kind] if kind in KINDS and kind not in ("done", "idle"):
            found = OfPe(pe_path(layer.mapping, pe), kind)
        case ["stall", number] if number.isdigit():
            found = LongStall(int(number))
        case ["element", *rest] if rest:
            found = Touched(element(layer.mapping.layer, "".join(rest)))
        case ["when", *rest]:
            match = re.fullmatch(r"([a-z]+)\s*(<=|>=|==|<|>)\s*([0-9]{1,18})", " ".join(rest))
            if match is not None and match[1] in (*NOW, *ADDED):
                found = When(match[1], match[2], int(match[3]))
    return found
