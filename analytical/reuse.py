"""What moves in each iteration case (§4 within one parent region): new data, leaving outputs, over all units."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from math import prod

from analytical.axes import AxisTile, overlap, union, union_of_new
from analytical.cases import iteration_cases
from analytical.regions import Indices, LevelRegion, Part, Region, at_origin
from dataflow.layers import TENSORS, Layer


@dataclass(frozen=True)
class Traffic:
    """Elements of one tensor that cross to or from the units: summed over units, and different ones."""

    summed: int
    unique: int


@dataclass(frozen=True)
class Step:
    """A kind of step, how often it occurs, and what it moves.

    ``region`` is that of the largest of its ``units`` active units. ``held`` (what they hold together) and
    ``received`` are by tensor; ``drained`` are the outputs of the step before that leave as this one begins.
    """

    occurrences: int
    units: int
    region: Region
    held: dict[str, int]
    received: dict[str, Traffic]
    drained: Traffic


@dataclass(frozen=True)
class Steps:
    """All steps of a level inside one parent region, the very first one first; ``last_drained`` leaves at the end."""

    kinds: tuple[Step, ...]
    last_drained: Traffic


def steps_of(level_region: LevelRegion) -> Steps:
    """Return the kinds of steps of a level in a region; empty steps do not exist.

    After an empty step the units are taken to start afresh, and to have drained a tile like the next one.
    """
    layer, nothing = level_region.layer, Traffic(0, 0)
    kinds: list[Step] = []
    stand_in = last = tuple(loop.last for loop in level_region.loops)
    for case in iteration_cases(level_region.loops):
        parts = level_region.parts(case.current, case.previous)
        if parts is None:
            continue
        stand_in = case.current
        units = _working_units(level_region, case.current, parts)
        before = case.previous
        kinds.append(
            Step(
                occurrences=case.occurrences,
                units=units,
                region=tuple(at_origin(part.box) for part in parts),
                held={name: traffic(layer, name, _alone(parts), units).unique for name in TENSORS},
                received={name: traffic(layer, name, parts, units) for name in ("input", "filter")},
                drained=nothing if before is None else _drained(level_region, before, case.current, stand_in),
            )
        )
    return Steps(tuple(kinds), _drained(level_region, last, None, stand_in) if kinds else nothing)


def _drained(level_region: LevelRegion, step: Indices, following: Indices | None, stand_in: Indices) -> Traffic:
    """Return the outputs that leave after ``step``: all of a unit that is idle in the following one.

    ``stand_in`` is a step that is not empty, for a ``step`` that is.
    """
    layer = level_region.layer
    parts = level_region.parts(step, following)
    if parts is None:
        step, following = stand_in, None
        parts = level_region.parts(step, following)
        assert parts is not None, "the stand-in is not empty"
    units = _working_units(level_region, step, parts)
    next_parts = None if following is None else level_region.parts(following, None)
    if following is None or next_parts is None:
        return traffic(layer, "output", parts, units)
    staying = min(units, _working_units(level_region, following, next_parts))
    drained = traffic(layer, "output", parts, staying)
    if staying == units:
        return drained
    alone = _alone(parts)
    idle_next = traffic(layer, "output", alone, units - staying)
    together = traffic(layer, "output", alone, units)
    return Traffic(drained.summed + idle_next.summed, min(drained.unique + idle_next.unique, together.unique))


def _working_units(level_region: LevelRegion, indices: Indices, parts: tuple[Part, ...]) -> int:
    return -(-level_region.active_units(indices) // max(part.spacing for part in parts))


def _alone(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """Return the parts of a step without those of its neighbouring step."""
    return tuple(replace(part, other=None) for part in parts)


@lru_cache(maxsize=16)
def _axis_coefficients(layer: Layer, tensor: str) -> tuple[tuple[int, ...] | None, ...]:
    """For each subspace, the coefficients of the tensor's axis in it; None where the tensor has no axis there."""
    axes = layer.tensor_axes(tensor)
    return tuple(
        next((subspace.coefficients(axis) for axis in axes if axis in subspace.names), None)
        for subspace in layer.subspaces
    )


def tensor_size(layer: Layer, tensor: str, region: Region) -> int:
    """Return how many elements of a tensor a region touches."""
    return traffic(layer, tensor, tuple(Part(box, None, (0,) * len(box)) for box in region), 1).unique


def traffic(layer: Layer, tensor: str, parts: tuple[Part, ...], units: int) -> Traffic:
    """Return the elements of a tensor in the parts' boxes but not in their other boxes, over ``units`` units.

    Where one axis moves with the unit, units share what their tiles have in common on it; where none does, all
    of them hold the same; tiles that move on several axes at once have nothing in common.
    """
    held, kept = 1, int(parts[0].other is not None)
    moving: list[tuple[AxisTile, AxisTile | None, int]] = []
    for coefficients, part in zip(_axis_coefficients(layer, tensor), parts, strict=True):
        if coefficients is None:
            continue
        tile = AxisTile.of(coefficients, part.box)
        other = None if part.other is None else AxisTile.of(coefficients, part.other)
        shift = sum(c * s for c, s in zip(coefficients, part.shift, strict=True))
        if units > 1 and shift:
            moving.append((tile, other, shift))
            continue
        held *= tile.size
        kept *= 0 if other is None else overlap(tile, other)
    if not moving:
        return Traffic(units * (held - kept), held - kept)
    new = held * prod(tile.size for tile, _, _ in moving)
    new -= kept * prod(0 if other is None else overlap(tile, other) for tile, other, _ in moving)
    if len(moving) > 1:
        return Traffic(units * new, units * new)
    ((tile, other, shift),) = moving
    at_seam = 0 if other is None else kept * union_of_new(tile, other, shift, units)
    return Traffic(units * new, (held - kept) * union(tile, shift, units) + at_seam)
