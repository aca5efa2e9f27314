"""A cluster's life as one sequence of steps (§4), and what each of them moves.

Tiles are compared across the seams between parent steps: nothing is forgotten there. Steps that look alike
relative to their neighbours move alike, so each distinct activity is worked out once and shared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import sub

from dataflow.hardware import Machine
from simulator.activities import Activity, Following, Kept, Place, Planned
from simulator.nest import Lengths, Nest, Odometer, Region, Shape, Step, Walk
from simulator.tiles import Held, Moved, Origin, TileSpace

#: the steps in which units were active last, relative to another one
_Before = tuple[Kept, ...]


@dataclass(frozen=True, eq=False)
class Score:
    """What a cluster does under a step of its parent, and what its units keep after that."""

    plans: tuple[Planned, ...]
    held: tuple[Kept, ...]


#: a score, and what is to be done after it: the lengths of the region, the one that follows, and how far away it is
Succession = tuple[Score, Lengths, Following | None, Origin]

#: scores and successions of a level up to which they are remembered
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
        self.successions: dict[Succession, Score] = {}

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

    def succeed(self, succession: Succession, score: Score) -> None:
        """Remember what comes after a score."""
        if len(self.successions) > REMEMBERED_SCORES:
            self.successions.clear()
        self.successions[succession] = score

    def score(self, lengths: Lengths, following: Following | None, held: Sequence[Kept], previous: int) -> Score:
        """Return all that a cluster does under a step of its parent, between what its units hold and what follows.

        Places are relative to its region, which has these ``lengths`` and few enough steps to be remembered. What units
        hold that have no part in it makes no difference: they go on holding it.
        """
        walk = self.nest.walk(lengths)
        assert walk is not None, "long walks are not remembered"
        near = tuple([kept.of(walk.reach) for kept in held if kept.units & walk.reach])
        aside = tuple([kept.of(~walk.reach) for kept in held if kept.units & ~walk.reach])
        if len(self._scores) > REMEMBERED_SCORES:
            self._scores.clear()
        key = (lengths, following, near, previous & walk.reach)
        score = self._scores.get(key)
        if score is None:
            score = self._scores[key] = self._worked_out(walk, following, near, previous & walk.reach)
        if not aside:
            return score
        return self._scores.setdefault((score, aside), Score(score.plans, score.held + aside))

    def _worked_out(self, walk: Walk, following: Following | None, held: Sequence[Kept], previous: int) -> Score:
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

    def _work_out(self, shape: Shape, before: _Before, anew: int, upcoming: Place | None) -> Activity:
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
            upcoming=upcoming,
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

    def _leaving(self, shape: Shape, upcoming: Place | None) -> Moved:
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

    ``previous`` are the units that were active in the latest one.
    """

    def __init__(self, choreography: Choreography) -> None:
        self._choreography = choreography
        self.previous = 0
        #: what the units hold, by the latest score and where it was played, or else one by one
        self._score: Score | None = None
        self._place: Origin = ()
        self._held: list[Kept] = []

    @property
    def held(self) -> list[Kept]:
        """What each set of units keeps from its last step."""
        if self._score is None:
            return self._held
        return [kept.displaced(self._place) for kept in self._score.held]

    @held.setter
    def held(self, held: list[Kept]) -> None:
        self._score, self._held = None, held

    def twin(self) -> Steps:
        """Return the steps of a cluster with the same behind it."""
        found = Steps(self._choreography)
        found.previous = self.previous
        found._score, found._place, found._held = self._score, self._place, self._held
        return found

    def displace(self, by: Origin) -> None:
        """Let all that units hold lie ``by`` further on."""
        self.held = [kept.displaced(by) for kept in self.held]

    def under(self, region: Region, following: Following | None, odometer: Odometer | None = None) -> Iterable[Planned]:
        """Return the steps in ``region``, which lie under one parent step, as the loops turn, or ``odometer`` does.

        ``following`` is the cluster's region in its parent's next step, None if it is idle there or there is no
        such step. What happens under a parent step that is alike, after steps that were alike, is worked out once.
        """
        choreography, (lengths, here) = self._choreography, region
        score = succession = None
        if self._score is not None:
            succession = (self._score, lengths, following, tuple(map(sub, here, self._place)))
            score = choreography.successions.get(succession)
        if score is None:
            if odometer is not None or choreography.nest.walk(lengths) is None:
                return self._drawn(region, following, odometer)
            back = tuple([-place for place in here])
            held = [kept.displaced(back) for kept in self.held]
            score = choreography.score(lengths, following, held, self.previous)
            if succession is not None:
                choreography.succeed(succession, score)
        if score.plans:
            self._score, self._place, self.previous = score, here, score.plans[-1].step.shape.active
        return score.plans

    def _drawn(self, region: Region, following: Following | None, odometer: Odometer | None) -> Iterator[Planned]:
        """Yield the steps one by one as they are asked for: they are many, or an odometer may jump."""
        choreography, here, below = self._choreography, region.origin, any(region.origin)
        steps = choreography.nest.steps(region.lengths, odometer)
        step = next(steps, None)
        while step is not None:
            sibling = next(steps, None)
            upcoming = sibling or choreography.first(following)
            placed, then = step, upcoming
            if below:
                placed, then = step.displaced(here), upcoming and upcoming.displaced(here)
            activity = choreography.activity(placed, self.held, self.previous, then)
            self.held, self.previous = after(self.held, placed), step.shape.active
            yield Planned(step, activity, upcoming)
            step = sibling


def after(held: Sequence[Kept], step: Step) -> list[Kept]:
    """Return what units keep after a step: those that are active in it its tiles, the others what they held."""
    active = step.shape.active
    idle = [Kept(units & ~active, shape, origin) for units, shape, origin in held if units & ~active]
    return [Kept(active, step.shape, step.origin), *idle]


def _relative(step: Step, to: Step) -> Place:
    return step.shape, tuple(map(sub, step.origin, to.origin))
