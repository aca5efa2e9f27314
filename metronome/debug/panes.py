"""What there is to see in a cycle, as lines of text: loops, array, ports, buffers, and events."""

from __future__ import annotations

from collections import Counter
from itertools import islice

from metronome.debug.session import Session
from metronome.moments.places import Element, cluster_name, pe_name, written_ranges
from metronome.moments.states import KINDS, array, state_of, stays
from metronome.trace_files import details
from simulator.events import Drain, Event, Path, Step, Transfer

#: lines that lists have at most, and letters in a row of the array
LONGEST, WIDTH = 20, 32


def summary(session: Session) -> list[str]:
    """Return where one is."""
    kind, event = state_of(session.recording, session.pe, session.cycle)
    span = f", in cycles {event.begin} to {event.end}" if event is not None else ""
    return [f"cycle {session.cycle} of {session.last}; {pe_name(session.pe)}: {KINDS[kind][1]}{span}"]


def loops(session: Session) -> list[str]:
    """Return the loops of every level around the chosen PE, with where they stand."""
    lines = []
    for depth, level in enumerate(session.layer.mapping.levels):
        cluster = session.pe[:depth]
        step = _step(session, cluster)
        indices = list(step.indices) if step is not None else []
        number = f", step {step.number}" if step is not None and not depth else ""
        lines.append(f"{cluster_name(cluster)}: {level.units} units{number}")
        for index, each in enumerate(level.maps):
            name = "SpatialMap" if each.spatial else "TemporalMap"
            where = f" = {indices[index]}" if indices else ""
            lines.append(f"  {name}({each.size},{each.offset}) {each.dimension}{where}")
        if not level.maps:
            lines.append("  no loops: one step")
    return lines


def array_lines(session: Session) -> list[str]:
    """Return the PEs as letters, a block per cluster of PEs, and what the letters mean."""
    inner = session.layer.mapping.units[-1]
    letters = "".join(KINDS[state.kind][0] for _, state in array(session.recording, session.cycle))
    blocks = [letters[i : i + inner] for i in range(0, len(letters), inner)]
    if inner * 2 < WIDTH:
        across = WIDTH // (inner + 1)
        lines = [" ".join(blocks[i : i + across]) for i in range(0, len(blocks), across)]
    else:
        width = min(inner, WIDTH)
        rows = [[block[i : i + width] for i in range(0, inner, width)] for block in blocks]
        lines = [line for block in rows for line in [*block, ""]][:-1]
    counts = Counter(letters)
    meanings = [f"{letter} {counts[letter]} {name}" for letter, name in KINDS.values() if counts[letter]]
    return [*lines, "; ".join(meanings)]


def ports(session: Session) -> list[str]:
    """Return what goes over the ports of the clusters around the chosen PE, and what is queued there."""
    lines, cycle, recording = [], session.cycle, session.recording
    for depth in range(recording.levels):
        cluster = session.pe[:depth]
        transfer, drain = recording.track(Transfer, cluster).at(cycle), recording.track(Drain, cluster).at(cycle)
        going = list(recording.track(Step, cluster).during(cycle))
        waiting = sum(step.started > cycle for step in going)
        lines.append(f"{cluster_name(cluster)}: {_count(len(going) - waiting, 'step')} at work, {waiting} sent ahead")
        lines.append(f"  distribution: {_transfer(transfer)}")
        lines.append(f"  collection: {_drain(drain)}{_queued(session, cluster)}")
    return lines


def buffers(session: Session) -> list[str]:
    """Return what is in the buffers that lead to the chosen PE, as ranges of each tensor."""
    lines, recording, layer = [], session.recording, session.layer.mapping.layer
    for depth in range(recording.levels):
        path = session.pe[: depth + 1]
        name = pe_name(path) if depth + 1 == recording.levels else cluster_name(path)
        going = sorted(recording.track(Step, path[:-1]).during(session.cycle), key=lambda step: step.begin)
        held = [step for step in going if path[-1] in step.ranges]
        lines.append(f"{name}: " + ("nothing" if not held else f"data of {_count(len(held), 'step')}"))
        for step in held:
            arrival = _arrival(session, step, path[-1])
            state = "at work" if step.started <= session.cycle else f"there at {arrival}"
            lines.append(f"  step {' '.join(map(str, step.indices))} ({state})")
            ranges = step.ranges[path[-1]]
            for tensor, elements in zip(("input", "filter", "output"), step.tiles[path[-1]], strict=True):
                lines.append(f"    {tensor}: {written_ranges(layer, ranges, tensor)} ({_count(elements, 'element')})")
    return lines


def log(session: Session, number: int = LONGEST) -> list[str]:
    """Return the latest events that had begun, the last one at the end."""
    begun = [event for event in session.recording.events if event.begin <= session.cycle]
    latest = dict.fromkeys(map(_event, sorted(begun, key=lambda event: (event.begin, event.end))))
    return list(latest)[-number:] or ["nothing has happened"]


def where(session: Session, element: Element) -> list[str]:
    """Return where an element is now, and when it comes next."""
    found = sorted(stays(session.recording, element), key=lambda stay: (len(stay.path), stay.path, stay.begin))
    here = [stay for stay in found if stay.begin <= session.cycle < stay.end]
    levels = session.recording.levels
    lines = [f"{element} is in {_count(len(here), 'buffer')} below the L2"]
    for stay in islice(here, LONGEST):
        name = pe_name(stay.path) if len(stay.path) == levels else cluster_name(stay.path)
        lines.append(f"  {name} from {stay.begin} to {stay.end}")
    if len(here) > LONGEST:
        lines.append(f"  and {len(here) - LONGEST} more")
    coming = min((stay for stay in found if stay.begin > session.cycle), key=lambda stay: stay.begin, default=None)
    if coming is not None:
        name = pe_name(coming.path) if len(coming.path) == levels else cluster_name(coming.path)
        lines.append(f"next: {name} from {coming.begin} to {coming.end}")
    first, last = session.recording.first, session.recording.last
    reads = {id(session.recording.transfer_of(stay.step)) for stay in found if len(stay.path) == 1}
    verb = "worked on at the top level" if element.tensor == "output" else "sent out of the L2"
    lines.append(f"{verb} {len(reads)} times in the cycles recorded, {first} to {last}")
    return lines


def _step(session: Session, cluster: Path) -> Step | None:
    working = session.recording.working(cluster, session.cycle)
    return working or next(session.recording.track(Step, cluster).during(session.cycle), None)


def _transfer(transfer: Transfer | None) -> str:
    if transfer is None:
        return "free"
    moved = ", ".join(f"{number} {kind}" for kind, number in transfer.elements.items() if number)
    return f"{moved}, in cycles {transfer.begin} to {transfer.end}, there at {max(transfer.arrivals.values())}"


def _drain(drain: Drain | None) -> str:
    if drain is None:
        return "free"
    return f"{drain.elements} outputs, in cycles {drain.begin} to {drain.end}, upstream at {drain.upstream}"


def _queued(session: Session, cluster: Path) -> str:
    """Return how many drains of steps that have ended are still to come."""
    cycle = session.cycle
    ended = {(s.number, s.indices) for s in session.recording.track(Step, cluster) if s.end <= cycle}
    drains = session.recording.track(Drain, cluster)
    later = [drain for drain in drains if drain.begin > cycle and any(drain.number == number for number, _ in ended)]
    return f"; {_count(len(later), 'drain')} to come" if later else ""


def _arrival(session: Session, step: Step, unit: int) -> int:
    transfer = session.recording.transfer_of(step)
    return step.started if transfer is None else transfer.arrivals.get(unit, step.started)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _event(event: Event) -> str:
    """Return an event as a line; PEs of a cluster that compute as much at once have the same one."""
    shown = {key: value for key, value in details(event).items() if value not in (None, "", 0) and key != "unit"}
    words = [value if key == "cause" else f"{key} {value}" for key, value in shown.items()]
    what = ", ".join([type(event).__name__.lower(), *words])
    return f"{event.begin}..{event.end} {cluster_name(event.cluster)}: {what}"
