"""Tiles along one tensor axis, counted in closed form.

A unit's region touches the coordinates ``origin + stride·i + dilation·j`` with i < slides and j < taps. Two
pairs (i, j) meet in one coordinate where they differ by a multiple of (dilation, −stride) over their common
divisor; everything here follows from that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import gcd


@dataclass(frozen=True)
class AxisTile:
    """The coordinates ``origin + stride·i + dilation·j``, i < slides, j < taps; all counts at least 1."""

    origin: int
    slides: int
    taps: int = 1
    stride: int = 1
    dilation: int = 1

    @classmethod
    def of(cls, coefficients: Sequence[int], box: Sequence[tuple[int, int]]) -> AxisTile:
        """Return the coordinates that a box reaches on the axis with these coefficients (one or two not 0)."""
        origin = sum(c * low for c, (low, _) in zip(coefficients, box, strict=True))
        terms = [(c, high - low) for c, (low, high) in zip(coefficients, box, strict=True) if c]
        (stride, slides), (dilation, taps) = (*terms, (1, 1))[:2]
        return cls(origin, slides, taps, stride, dilation)

    @property
    def size(self) -> int:
        """The number of different coordinates."""
        common = gcd(self.stride, self.dilation)
        repeated = max(0, self.slides - self.dilation // common) * max(0, self.taps - self.stride // common)
        return self.slides * self.taps - repeated

    @property
    def progression(self) -> tuple[int, int] | None:
        """(step, length) where the coordinates are an arithmetic progression, else None."""
        if self.taps == 1:
            return self.stride, self.slides
        if self.slides == 1:
            return self.dilation, self.taps
        common = gcd(self.stride, self.dilation)
        reach = self.stride * (self.slides - 1) + self.dilation * (self.taps - 1)
        return (common, self.size) if reach == common * (self.size - 1) else None

    def moved(self, distance: int) -> AxisTile:
        """Return the same coordinates ``distance`` further on."""
        return replace(self, origin=self.origin + distance)


def overlap(one: AxisTile, other: AxisTile) -> int:
    """Return how many coordinates two tiles of the same axis share.

    The slides with equal remainder modulo the (reduced) dilation reach coordinates that no other remainder
    reaches; within one remainder a tile is a comb whose teeth are its taps.
    """
    common = gcd(one.stride, one.dilation)
    distance, misfit = divmod(other.origin - one.origin, common)
    if misfit:
        return 0
    stride, dilation = one.stride // common, one.dilation // common
    ahead = distance * pow(stride, -1, dilation)
    shared = 0
    for remainder in range(min(dilation, one.slides)):
        first = (remainder - ahead) % dilation
        if first >= other.slides:
            continue
        one_teeth = -(-(one.slides - remainder) // dilation)
        other_teeth = -(-(other.slides - first) // dilation)
        apart = (distance + stride * (first - remainder)) // dilation
        shared += _comb_overlap(stride, (one_teeth, one.taps), (other_teeth, other.taps), apart)
    return shared


def union(tile: AxisTile, shift: int, units: int) -> int:
    """Return how many coordinates ``units`` copies of a tile reach together, each ``shift`` from the last."""
    if units == 1 or shift == 0:
        return tile.size
    progression = tile.progression
    if progression is None:
        return units * tile.size - (units - 1) * overlap(tile, tile.moved(shift))
    return _union_of_progressions(*progression, abs(shift), units)


def union_of_new(tile: AxisTile, before: AxisTile, shift: int, units: int) -> int:
    """Return how many coordinates are new to at least one of ``units`` that held ``before``, ``shift`` apart.

    A unit's new coordinates lie at one end of its tile, as a chunk moves over an extent.
    """
    kept = overlap(tile, before)
    if kept == 0:
        return union(tile, shift, units)
    new = tile.size - kept
    if units == 1 or shift == 0 or new == 0:
        return new
    progression = tile.progression
    if progression is None:
        return min(union(tile, shift, units), units * new)
    return _union_of_progressions(progression[0], new, abs(shift), units)


def _union_of_progressions(step: int, length: int, shift: int, units: int) -> int:
    """Count the union of equal progressions: only units whose distance is a multiple of ``step`` can meet."""
    common = gcd(step, shift)
    families = step // common
    advance = min(length, shift // common)
    members, one_more = divmod(units, families)
    with_one_more = one_more * (length + members * advance)
    return with_one_more + ((families - one_more) * (length + (members - 1) * advance) if members else 0)


_Comb = tuple[int, int]


def _comb_overlap(period: int, one: _Comb, other: _Comb, apart: int) -> int:
    """Count what two combs (teeth, width) with the same period share, the other starting ``apart`` further on."""
    (one_teeth, one_width), (other_teeth, other_width) = _solid(period, one), _solid(period, other)
    if one_teeth == 1:
        comb = (other_teeth, other_width)
        return _below(period, comb, one_width - apart) - _below(period, comb, -apart)
    if other_teeth == 1:
        comb = (one_teeth, one_width)
        return _below(period, comb, apart + other_width) - _below(period, comb, apart)
    lag, inside = divmod(apart, period)
    same = max(0, min(one_width, inside + other_width) - inside)
    next_ = max(0, min(one_width, inside + other_width - period))
    return same * _pairs(one_teeth, other_teeth, lag) + next_ * _pairs(one_teeth, other_teeth, lag + 1)


def _solid(period: int, comb: _Comb) -> _Comb:
    teeth, width = comb
    return (1, period * (teeth - 1) + width) if width >= period else comb


def _below(period: int, comb: _Comb, limit: int) -> int:
    """Count the coordinates of a comb that are less than ``limit``."""
    teeth, width = comb
    if limit <= 0:
        return 0
    passed = min(limit // period, teeth - 1)
    return passed * width + min(width, limit - passed * period)


def _pairs(one_teeth: int, other_teeth: int, lag: int) -> int:
    return max(0, min(one_teeth, other_teeth + lag) - max(0, lag))
