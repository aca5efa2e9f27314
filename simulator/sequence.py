"""A cluster's life as one sequence of steps (§4), and what each of them moves.

Tiles are compared across the seams between parent steps: nothing is forgotten there. Steps that look alike
relative to their neighbours move alike, so each distinct activity is worked out once and shared.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from operator import sub
from typing import NamedTuple

from dataflow.hardware import Machine
from simulator.nest import Nest, Region, Shape, Step
from simulator.tiles import Held, Moved, Origin, TileSpace


@dataclass(frozen=True, eq=False, slots=True)
class Activity:
    """Everything that a step does; one object for all steps of a level that do the same.

    ``input``, ``filter``: what the units receive before it; ``output``: what leaves them after it. ``distributed``
    and ``collected`` are the elements that cross the two ports. ``active`` and ``leaving`` list the units that
    work and those that drain something; ``shared`` says whether the reduction network adds anything;
    ``new_tile`` whether an output tile of the cluster begins, ``changed`` the units whose output tile is not that of
    their own last step. ``macs`` is the work of all units together, ``largest`` that of the busiest one; if the units
    are PEs, ``durations`` are the cycles of each of ``active``, ``duration`` those of the busiest one. ``shape`` is
    the step's.
    """

    shape: Shape
    input: Moved
    filter: Moved
    output: Moved
    distributed: int
    collected: int
    active: tuple[int, ...]
    leaving: tuple[int, ...]
    shared: bool
    new_tile: bool
    changed: int
    macs: int
    largest: int
    duration: int
    durations: tuple[int, ...]


#: a step, relative to another one
_Place = tuple[Shape, Origin]

#: the steps in which units were active last
_Before = tuple[tuple[int, Shape, Origin], ...]


class Choreography:
    """What the clusters of a level do: the nest they share, and the activities of its steps."""

    def __init__(self, nest: Nest, tiles: TileSpace, machine: Machine, level: int) -> None:
        self.nest = nest
        self._tiles = tiles
        self._multicast = machine.multicast
        self._reduces = machine.network(level).collection.reduction != "none"
        self._lanes = machine.lanes
        self._activities: dict[tuple[object, ...], Activity] = {}
        self._known_entering: dict[object, tuple[Moved, Moved, int]] = {}
        self._known_leaving: dict[object, Moved] = {}

    def activity(
        self, step: Step, held: list[tuple[int, Step]], previous: Step | None, upcoming: Step | None
    ) -> Activity:
        """Return what ``step`` moves between the tiles ``held``, from each unit's last step, and ``upcoming``."""
        active = step.shape.active
        before = tuple([(units & active, *_relative(last, step)) for units, last in held if units & active])
        anew = active if previous is None else active & ~previous.shape.active
        key = (step.shape, before, anew, None if upcoming is None else _relative(upcoming, step))
        activity = self._activities.get(key)
        if activity is None:
            activity = self._activities[key] = self._work_out(*key)
        return activity

    def _work_out(self, shape: Shape, before: _Before, anew: int, upcoming: _Place | None) -> Activity:
        """Work out an activity of units of which ``anew`` were idle in the cluster's previous step."""
        inputs, filters, changed = self._entering(shape, before)
        outputs = self._leaving(shape, upcoming)
        return Activity(
            shape,
            inputs,
            filters,
            outputs,
            distributed=self.sent(inputs) + self.sent(filters),
            collected=outputs.distinct if self._reduces else outputs.copies,
            active=shape.members,
            leaving=tuple([unit for unit in shape.members if outputs.units >> unit & 1]),
            shared=self._reduces and outputs.shared,
            new_tile=bool(changed | anew),  # the others' last step was the cluster's previous one
            changed=changed,
            macs=shape.macs,
            largest=shape.largest,
            duration=-(-shape.largest // self._lanes),
            durations=tuple([-(-macs // self._lanes) for macs in shape.work]),
        )

    def _entering(self, shape: Shape, before: _Before) -> tuple[Moved, Moved, int]:
        """Return the inputs and filters that units receive, and the units whose output tile is another one."""
        found = self._known_entering.get((shape, before))
        if found is None:
            held = [Held(units, last.footprints, origin) for units, last, origin in before]
            entering = self._tiles.compare([shape.tiles], held)
            changed = entering.differing("output") & shape.active
            found = entering.moved("input"), entering.moved("filter"), changed
            self._known_entering[shape, before] = found
        return found

    def _leaving(self, shape: Shape, upcoming: _Place | None) -> Moved:
        """Return the outputs that the next step has no use for."""
        found = self._known_leaving.get((shape, upcoming))
        if found is None:
            then = [] if upcoming is None else [Held(upcoming[0].active, upcoming[0].footprints, upcoming[1])]
            found = self._tiles.compare([shape.tiles], then).moved("output")
            self._known_leaving[shape, upcoming] = found
        return found

    def sent(self, moved: Moved) -> int:
        """Return how often elements cross the distribution port: once, or once per receiver without multicast."""
        return moved.distinct if self._multicast else moved.copies


class Planned(NamedTuple):
    """A step of a cluster with what it does, the cluster's next step, and whether the parent's step ends with it."""

    step: Step
    activity: Activity
    upcoming: Step | None
    last: bool


class Sequence:
    """The steps of one cluster, drawn parent step by parent step.

    ``held`` says which step each set of units was last active in; ``previous`` is the cluster's previous step.
    ``empty`` says whether the latest parent step had none for it, as there are in dataflows that leave work out.
    """

    def __init__(self, choreography: Choreography) -> None:
        self._choreography = choreography
        self.held: list[tuple[int, Step]] = []
        self.previous: Step | None = None
        self.empty = False

    def under(self, steps: Iterator[Step], following: Region | None) -> Iterator[Planned]:
        """Yield ``steps``, which lie under one parent step.

        ``following`` is the cluster's region in its parent's next step, None if it is idle there or there is no
        such step.
        """
        step = next(steps, None)
        self.empty = step is None
        while step is not None:
            sibling = next(steps, None)
            upcoming = sibling
            if upcoming is None and following is not None:
                upcoming = self._choreography.nest.first(following)
            activity = self._choreography.activity(step, self.held, self.previous, upcoming)
            active = step.shape.active
            idle = [(units & ~active, last) for units, last in self.held if units & ~active]
            self.held = [(active, step), *idle]
            self.previous = step
            yield Planned(step, activity, upcoming, last=sibling is None)
            step = sibling


def _relative(step: Step, to: Step) -> _Place:
    return step.shape, tuple(map(sub, step.origin, to.origin))
