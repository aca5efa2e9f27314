"""A cluster's life as one sequence of steps (§4), and what each of them moves.

Tiles are compared across the seams between parent steps: nothing is forgotten there. Steps that look alike
relative to their neighbours move alike, so each distinct activity is worked out once and shared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import add, sub
from typing import NamedTuple

from dataflow.hardware import Machine
from simulator.nest import Lengths, Nest, Odometer, Region, Shape, Step
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


class Kept(NamedTuple):
    """Tiles that ``units`` keep from their last step: its shape, and where it was."""

    units: int
    shape: Shape
    origin: Origin


class Following(NamedTuple):
    """A cluster's region in its parent's next step: its lengths, and how far away from the one now."""

    lengths: Lengths
    displacement: Origin


class Order(NamedTuple):
    """What a step means for one of the clusters below: its region, in that of the step's cluster, and the next one."""

    unit: int
    region: Region
    following: Following | None


class Planned:
    """A step of a cluster with what it does, and the cluster's next step; both lie in the cluster's region."""

    __slots__ = ("_orders", "activity", "step", "upcoming")

    def __init__(self, step: Step, activity: Activity, upcoming: Step | None) -> None:
        self.step = step
        self.activity = activity
        self.upcoming = upcoming
        self._orders: tuple[Order, ...] | None = None

    @property
    def orders(self) -> tuple[Order, ...]:
        """What the clusters below have to do in this step."""
        if self._orders is None:
            self._orders = tuple([self._order(unit) for unit in self.activity.active])
        return self._orders

    def displaced(self, by: Origin) -> Planned:
        """Return the same as it is ``by`` further on."""
        return Planned(self.step.displaced(by), self.activity, self.upcoming and self.upcoming.displaced(by))

    def _order(self, unit: int) -> Order:
        region = self.step.region(unit)
        assert region is not None, "orders go to active units"
        then = None if self.upcoming is None else self.upcoming.region(unit)
        if then is None:
            return Order(unit, region, None)
        return Order(unit, region, Following(then.lengths, tuple(map(sub, then.origin, region.origin))))


#: a step, relative to another one
_Place = tuple[Shape, Origin]

#: the steps in which units were active last, relative to another one
_Before = tuple[Kept, ...]


class Score(NamedTuple):
    """What a cluster does under a step of its parent, and what its units keep after that."""

    plans: tuple[Planned, ...]
    held: tuple[Kept, ...]


#: scores of a level up to which they are remembered
REMEMBERED_SCORES = 4096


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
        self._scores: dict[object, Score] = {}

    def activity(self, step: Step, held: Sequence[Kept], previous: int, upcoming: Step | None) -> Activity:
        """Return what ``step`` moves between the tiles ``held``, from each unit's last step, and ``upcoming``.

        ``previous`` are the units that were active in the cluster's previous step.
        """
        active, here = step.shape.active, step.origin
        before = tuple(
            [
                Kept(units & active, last, tuple(map(sub, origin, here)))
                for units, last, origin in held
                if units & active
            ]
        )
        anew = active & ~previous
        key = (step.shape, before, anew, None if upcoming is None else _relative(upcoming, step))
        activity = self._activities.get(key)
        if activity is None:
            activity = self._activities[key] = self._work_out(*key)
        return activity

    def score(self, lengths: Lengths, following: Following | None, held: tuple[Kept, ...], previous: int) -> Score:
        """Return all that a cluster does under a step of its parent, between what its units hold and what follows.

        Places are relative to its region, which has these ``lengths`` and few enough steps to be remembered.
        """
        key = (lengths, following, held, previous)
        score = self._scores.get(key)
        if score is None:
            if len(self._scores) == REMEMBERED_SCORES:
                self._scores.clear()
            score = self._scores[key] = self._worked_out(*key)
        return score

    def _worked_out(self, lengths: Lengths, following: Following | None, held: Sequence[Kept], previous: int) -> Score:
        walk = self.nest.walk(lengths)
        assert walk is not None, "long walks are not remembered"
        plans = []
        for step, sibling in pairwise([*walk.steps, None]):
            assert step is not None, "what is behind the last step has no sibling"
            upcoming = sibling or self.first(following)
            plans.append(Planned(step, self.activity(step, held, previous, upcoming), upcoming))
            held, previous = after(held, step), step.shape.active
        return Score(tuple(plans), tuple(held))

    def first(self, following: Following | None) -> Step | None:
        """Return a cluster's first step under its parent's next step, if there is one."""
        step = None if following is None else self.nest.first(following.lengths)
        return step and following and step.displaced(following.displacement)

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


class Steps:
    """The steps of one cluster, drawn parent step by parent step.

    ``held`` says what each set of units keeps from its last step, ``previous`` which were active in the latest one.
    """

    def __init__(self, choreography: Choreography) -> None:
        self._choreography = choreography
        self.held: list[Kept] = []
        self.previous = 0

    def under(self, region: Region, following: Following | None, odometer: Odometer | None = None) -> Iterable[Planned]:
        """Return the steps in ``region``, which lie under one parent step, as the loops turn, or ``odometer`` does.

        ``following`` is the cluster's region in its parent's next step, None if it is idle there or there is no
        such step. What happens under a parent step that is alike, after steps that were alike, is worked out once.
        """
        walk = None if odometer is not None else self._choreography.nest.walk(region.lengths)
        if walk is None:
            return self._drawn(region, following, odometer)
        here, reach = region.origin, walk.reach
        near = [
            Kept(units & reach, shape, tuple(map(sub, origin, here)))
            for units, shape, origin in self.held
            if units & reach
        ]
        score = self._choreography.score(region.lengths, following, tuple(near), self.previous & reach)
        if score.plans:
            aside = [kept._replace(units=kept.units & ~reach) for kept in self.held if kept.units & ~reach]
            self.held = [Kept(units, shape, tuple(map(add, here, origin))) for units, shape, origin in score.held]
            self.held += aside
            self.previous = score.plans[-1].step.shape.active
        return score.plans

    def _drawn(self, region: Region, following: Following | None, odometer: Odometer | None) -> Iterator[Planned]:
        """Yield the steps one by one as they are asked for: they are many, or an odometer may jump."""
        choreography, here = self._choreography, region.origin
        steps = choreography.nest.steps(region.lengths, odometer)
        step = next(steps, None)
        while step is not None:
            sibling = next(steps, None)
            upcoming = sibling or choreography.first(following)
            placed = step.displaced(here)
            then = upcoming and upcoming.displaced(here)
            activity = choreography.activity(placed, self.held, self.previous, then)
            self.held, self.previous = after(self.held, placed), step.shape.active
            yield Planned(step, activity, upcoming)
            step = sibling


def after(held: Sequence[Kept], step: Step) -> list[Kept]:
    """Return what units keep after a step: those that are active in it its tiles, the others what they held."""
    active = step.shape.active
    idle = [Kept(units & ~active, shape, origin) for units, shape, origin in held if units & ~active]
    return [Kept(active, step.shape, step.origin), *idle]


def _relative(step: Step, to: Step) -> _Place:
    return step.shape, tuple(map(sub, step.origin, to.origin))
