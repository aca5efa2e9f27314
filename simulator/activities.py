"""What a step does, as one object for all steps that do the same (§4)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from operator import add
from typing import NamedTuple

from simulator.nest import Lengths, Region, Shape, Step
from simulator.tiles import Moved, Origin


class Kept(NamedTuple):
    """Tiles that ``units`` keep from their last step: its shape, and where it was."""

    units: int
    shape: Shape
    origin: Origin

    def displaced(self, by: Origin) -> Kept:
        """Return the same as it is ``by`` further on."""
        return Kept(self.units, self.shape, tuple(map(add, self.origin, by)))

    def of(self, units: int) -> Kept:
        """Return what is of some units only."""
        return Kept(self.units & units, self.shape, self.origin)


class Following(NamedTuple):
    """A cluster's region in its parent's next step: its lengths, and how far away from the one now."""

    lengths: Lengths
    displacement: Origin


class Order(NamedTuple):
    """What a step means for one of the clusters below: its region, relative to the step's place, and the next one."""

    unit: int
    region: Region
    following: Following | None


#: a step, relative to another one
Place = tuple[Shape, Origin]


@dataclass(frozen=True, eq=False)
class Activity:
    """Everything that a step does; one object for all steps of a level that do the same.

    ``input``, ``filter``: what the units receive before it; ``output``: what leaves them after it. ``distributed``
    and ``collected`` are the elements that cross the two ports. ``active`` and ``leaving`` list the units that
    work and those that drain something; ``shared`` says whether the reduction network adds anything;
    ``new_tile`` whether an output tile of the cluster begins, ``changed`` the units whose output tile is not that of
    their own last step. ``macs`` is the work of all units together, ``largest`` that of the busiest one; if the units
    are PEs, ``durations`` are the cycles of each of ``active``, ``duration`` those of the busiest one. ``shape`` is
    the step's. ``orders`` say what the step means for the clusters below, in ``bundles`` that differ in place only.
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
    upcoming: Place | None

    @cached_property
    def orders(self) -> tuple[Order, ...]:
        """What clusters below have to do, relative to the step's place."""
        return tuple([self._order(unit) for unit in self.active])

    @cached_property
    def bundles(self) -> tuple[tuple[Order, ...], ...]:
        """The orders, those together that are for regions of the same lengths, now and next time, equally far apart."""
        found: dict[object, list[Order]] = {}
        for order in self.orders:
            found.setdefault((order.region.lengths, order.following), []).append(order)
        return tuple(map(tuple, found.values()))

    def _order(self, unit: int) -> Order:
        lengths, origin = self.shape.region(unit)
        if self.upcoming is None or not self.upcoming[0].active >> unit & 1:
            return Order(unit, Region(lengths, origin), None)
        shape, displacement = self.upcoming
        then, offset = shape.region(unit)
        away = tuple([d + o - here for d, o, here in zip(displacement, offset, origin, strict=True)])
        return Order(unit, Region(lengths, origin), Following(then, away))


class Planned(NamedTuple):
    """A step of a cluster with what it does, and the cluster's next step; both lie in the cluster's region."""

    step: Step
    activity: Activity
    upcoming: Step | None

    def displaced(self, by: Origin) -> Planned:
        """Return the same as it is ``by`` further on."""
        return Planned(self.step.displaced(by), self.activity, self.upcoming and self.upcoming.displaced(by))
