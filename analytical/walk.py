"""The schedule in closed form: every kind of step once, with how often it occurs and what it does to the clock.

The walk turns the loops of a level from the outermost to the innermost. Of a run of iterations that are alike it
visits the first, the last, and one of those between, which stands for all of them: they have the same neighbours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from math import prod

from analytical.clusters import Kind, kinds
from analytical.neighbours import Boxes, Ends, Neighbourhood, Spine, Turn
from analytical.positions import Place, Tree, plus
from analytical.timeline import Timeline
from analytical.traffic import Amount, Axes
from dataflow.hardware import Machine
from dataflow.levels import Mapping
from dataflow.regions import Box, whole


@dataclass(frozen=True)
class Work:
    """What a step of a cluster moves and computes."""

    active: list[int]
    boxes: list[Boxes]
    input: Amount
    filter: Amount
    output: Amount
    leaving: list[int]
    new_tile: bool


@dataclass
class Totals:
    """Sums over all steps of a level."""

    steps: int = 0
    input: Amount = Amount(0, 0)
    filter: Amount = Amount(0, 0)
    output: Amount = Amount(0, 0)

    def add(self, work: Work, times: int) -> None:
        """Add ``times`` steps."""
        self.steps += times
        for tensor in ("input", "filter", "output"):
            total, amount = getattr(self, tensor), getattr(work, tensor)
            setattr(
                self,
                tensor,
                Amount(total.distinct + times * amount.distinct, total.copies + times * amount.copies),
            )


@dataclass
class Clock:
    """The variables of one kind of cluster in the timeline (§5).

    ``ends``: the latest steps' ends, the last one first; ``slots``: when the last drains of the latest output tiles
    had left, the current tile last; ``upstream``: when the latest drain had arrived.
    """

    sent: int
    arrival: int
    opened: int
    collected: int
    upstream: int
    ends: list[int]
    slots: list[int] = field(default_factory=list)


class Walk:
    """One pass over the schedule of a mapping on a machine."""

    def __init__(self, mapping: Mapping, machine: Machine) -> None:
        self.mapping = mapping
        self.machine = machine
        self.axes = Axes(mapping.layer)
        self.totals = [Totals() for _ in mapping.levels]
        self.largest = {tensor: 0 for tensor in ("input", "filter", "output")}
        self.together = dict(self.largest)
        subspaces = mapping.layer.subspaces
        self._trees = [Tree(subspace, mapping.levels) for subspace in subspaces]
        self._places = [
            [next(i for i, s in enumerate(subspaces) if m.dimension in s.names) for m in level.maps]
            for level in mapping.levels
        ]
        self._first_loop = [sum(len(level.maps) for level in mapping.levels[:k]) for k in range(len(mapping.levels))]
        self._spines = [Spine(tree) for tree in self._trees]
        self.top = kinds(mapping, self._trees)
        self._ends = {kind.path: [Ends(tree, kind.path) for tree in self._trees] for kind in self.top.all()}
        self._clocks, variables = self._allocate()
        self.timeline = Timeline(variables)

    def _allocate(self) -> tuple[dict[tuple[int, ...], Clock], int]:
        numbers = iter(range(1, 1 << 30))
        depth = self.machine.buffering
        clocks = {}
        used = 1  # variable 0 is the beginning: the L2 holds everything, and nothing is in the way
        for kind in self.top.all():
            ends = [next(numbers) for _ in range(depth)]
            slots = [] if kind.units else [next(numbers) for _ in range(depth + 1)]
            clocks[kind.path] = Clock(*(next(numbers) for _ in range(5)), ends=ends, slots=slots)
            used += depth + len(slots) + 5
        return clocks, used

    def run(self) -> tuple[int, int]:
        """Walk through everything; return the end of all, and the end of the last compute, in cycles."""
        self._cluster(self.top, list(whole(self.mapping.layer)), 1, 0, 0)
        clock = self._clocks[()]
        computed = self.timeline.value(clock.ends[0])
        drained = max(self.timeline.value(each.upstream) for each in self._clocks.values())
        return max(computed, drained), computed

    def _cluster(self, kind: Kind, region: list[Box], times: int, arrival: int, opened: int) -> None:
        """Walk through the steps of a cluster under one step of its parent."""
        places: list[Place] = []
        for tree, box in zip(self._trees, region, strict=True):
            root = tree.root(kind.level, tuple(high - low for low, high in box))
            if root is None:
                return
            places.append((root[0], plus(root[1], tuple(low for low, _ in box))))
        self._loops(kind, 0, places, times, (arrival, opened))

    def _loops(self, kind: Kind, loop: int, here: list[Place], times: int, gates: tuple[int, int]) -> None:
        """Turn the loops of a cluster's level from number ``loop`` on."""
        if loop == len(self._places[kind.level]):
            for spine, place in zip(self._spines, here, strict=True):
                spine.leaves.append(place)
            self._step(kind, times, gates)
            for spine in self._spines:
                spine.leaves.pop()
            return
        place = self._places[kind.level][loop]
        fork, origin = here[place]
        for number, run in enumerate(fork.runs):  # type: ignore[union-attr]
            for index, alike in _representatives(run.count):
                turn = Turn(self._first_loop[kind.level] + loop, kind.level, fork, origin, number, index)
                below = [*here[:place], (run.below, plus(origin, run.at(index))), *here[place + 1 :]]
                self._spines[place].turns.append(turn)
                body = partial(self._loops, kind, loop + 1, below, times * alike, gates)
                if alike == 1:
                    body()
                else:
                    self.timeline.repeat(alike, body)
                self._spines[place].turns.pop()

    def _step(self, kind: Kind, times: int, gates: tuple[int, int]) -> None:
        work = self._work(kind)
        if work is None:
            return
        self.totals[kind.level].add(work, times * kind.count)
        self._measure(kind, work)
        self._pass_time(kind, work, times, *gates)

    def _work(self, kind: Kind) -> Work | None:
        boxes = [spine.boxes() for spine in self._spines]
        units = self.mapping.levels[kind.level].units
        active = [u for u in range(units) if all(b[u if len(b) > 1 else 0] is not None for b in boxes)]
        if not active:
            return None
        around = Neighbourhood(self._spines, self._ends[kind.path])
        held = list(around.held(active))
        upcoming = around.upcoming()
        staying = [] if upcoming is None else [u for u in active if _box(upcoming, u) is not None]
        after = [(staying, upcoming)] if staying and upcoming is not None else []
        new_tile = False
        if not kind.units:
            previous = around.previous()
            new_tile = previous is None or any(self.axes.differs("output", u, boxes, previous) for u in active)
        return Work(
            active,
            boxes,
            self.axes.new("input", active, boxes, held),
            self.axes.new("filter", active, boxes, held),
            self.axes.new("output", active, boxes, after),
            [
                u
                for u in kind.units
                if u in active
                and self.axes.new("output", [u], boxes, [([u], each) for who, each in after if u in who]).distinct
            ],
            new_tile,
        )

    def _measure(self, kind: Kind, work: Work) -> None:
        """Note the largest tiles, of a PE and of all top-level units together."""
        for tensor in self.largest:
            if not kind.units:
                tiles = {tuple(_sizes(work.boxes, u)): u for u in work.active}.values()
                largest = max(self.axes.tile(tensor, _region(work.boxes, u)) for u in tiles)
                self.largest[tensor] = max(self.largest[tensor], largest)
            if not kind.path:
                together = self.axes.new(tensor, work.active, work.boxes, []).distinct
                self.together[tensor] = max(self.together[tensor], together)

    def _pass_time(self, kind: Kind, work: Work, times: int, arrival: int, opened: int) -> None:
        """Let the step happen (§5)."""
        clock, time = self._clocks[kind.path], self.timeline
        network = self.machine.network(kind.level)
        elements = sum(self.sent(amount) for amount in (work.input, work.filter))
        occupied = -(-elements // network.distribution.bandwidth)
        time.set(clock.sent, time.latest((clock.sent, occupied), (arrival, occupied), (clock.ends[-1], occupied)))
        time.set(clock.arrival, time.latest((clock.sent, network.distribution.latency if elements else 0)))
        if kind.units:
            time.set(clock.opened, time.latest((opened, 0), (clock.ends[0], 0)))
            active = [unit for unit in kind.units if unit in work.active]
            for unit in active:
                self._cluster(kind.units[unit], _region(work.boxes, unit), times, clock.arrival, clock.opened)
            end = time.latest(*((self._clocks[kind.units[unit].path].ends[0], 0) for unit in active))
        else:
            waits = [clock.arrival, clock.ends[0], opened]
            if work.new_tile:
                for target, source in zip(clock.slots, clock.slots[1:], strict=False):
                    time.copy(source, target)
                time.forget(clock.slots[-1])
                waits.append(clock.slots[0])
            macs = max(prod(_sizes(work.boxes, u)) for u in work.active)
            end = time.latest(*((each, -(-macs // self.machine.lanes)) for each in waits))
        for source, target in reversed(list(zip(clock.ends, clock.ends[1:], strict=False))):
            time.copy(source, target)
        time.set(clock.ends[0], end)
        self._drain(kind, work)

    def _drain(self, kind: Kind, work: Work) -> None:
        collected = self.collected(kind.level, work.output)
        if not collected:
            return
        clock, time = self._clocks[kind.path], self.timeline
        port = self.machine.network(kind.level).collection
        occupied = -(-collected // port.bandwidth)
        shared = port.reduction != "none" and work.output.copies > work.output.distinct
        delay = self.reduction_delay(kind.level) if shared else 0
        ready = [clock.ends[0], *(self._clocks[kind.units[unit].path].upstream for unit in work.leaving)]
        time.set(
            clock.collected,
            time.latest((clock.collected, occupied), *((each, delay + occupied) for each in ready)),
        )
        time.set(clock.upstream, time.latest((clock.collected, port.latency)))
        if clock.slots:
            time.set(clock.slots[-1], time.latest((clock.collected, -delay)))

    def sent(self, amount: Amount) -> int:
        """Return how often elements cross the distribution port."""
        return amount.distinct if self.machine.multicast else amount.copies

    def collected(self, level: int, amount: Amount) -> int:
        """Return how many elements cross the collection port."""
        return amount.copies if self.machine.network(level).collection.reduction == "none" else amount.distinct

    def reduction_delay(self, level: int) -> int:
        """Return the cycles that the reduction network of a level takes."""
        units = self.mapping.levels[level].units
        reduction = self.machine.network(level).collection.reduction
        return {"tree": (units - 1).bit_length(), "chain": units - 1, "none": 0}[reduction]


def _representatives(count: int) -> Iterator[tuple[int, int]]:
    """Yield the iterations of a run to look at, with how many each stands for, in order."""
    yield 0, 1
    if count > 2:
        yield 1, count - 2
    if count > 1:
        yield count - 1, 1


def _region(boxes: list[Boxes], unit: int) -> list[Box]:
    found = _box(boxes, unit)
    assert found is not None, "an active unit has a region"
    return found


def _box(boxes: list[Boxes], unit: int) -> list[Box] | None:
    found = []
    for each in boxes:
        box = each[unit if len(each) > 1 else 0]
        if box is None:
            return None
        found.append(box)
    return found


def _sizes(boxes: list[Boxes], unit: int) -> list[int]:
    return [high - low for box in _region(boxes, unit) for low, high in box]
