"""What passes between DRAM and L2 (§6): which tensors stay, and what each top-level step fetches and writes back.

To the DRAM the L2 is one unit that works through the steps of the top level: it needs what the units need together.
Tiles are sets of addresses here, a tensor's elements in row-major order. A tile that is displaced has its addresses
shifted by a constant, so the difference of two tiles is worked out once per pair of shapes and distance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataflow.hardware import Machine
from dataflow.layers import TENSORS, Layer
from simulator.nest import Nest, Region, Shape, Step
from simulator.tiles import Origin, runs, slices

Addresses = NDArray[np.int64]

NONE: Addresses = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class Exchange:
    """What DRAM and L2 exchange around one step: addresses by tensor that are read before it, and written after it."""

    read: tuple[Addresses, ...]
    written: Addresses

    @property
    def reads(self) -> tuple[int, ...]:
        """The elements read, by tensor; of the output, partial sums that were spilled."""
        return tuple(len(addresses) for addresses in self.read)


class Tiles:
    """The tiles of one tensor that the units hold together, as addresses from 0."""

    def __init__(self, layer: Layer, tensor: str) -> None:
        self.size = prod(layer.sizes[axis] for axis in layer.tensor_axes(tensor))
        self._axes = []
        places, stride = slices(layer.subspaces), self.size
        for axis in layer.tensor_axes(tensor):
            stride //= layer.sizes[axis]
            index = next(i for i, subspace in enumerate(layer.subspaces) if axis in subspace.names)
            self._axes.append((index, places[index], layer.subspaces[index].coefficients(axis), stride))
        self._beyond: Callable[[Shape, Shape, int], Addresses] = lru_cache(maxsize=None)(self._difference)
        self._of: Callable[[Shape], Addresses] = lru_cache(maxsize=None)(self._addresses)

    def beyond(self, step: Step, other: Step | None) -> Addresses:
        """Return what the tile of ``step`` has and that of ``other`` has not."""
        start = self._start(step.origin)
        if other is None:
            return self._of(step.shape) + start
        return self._beyond(step.shape, other.shape, self._start(other.origin) - start) + start

    def elements(self, step: Step) -> int:
        """Return the size of the tile."""
        return len(self._of(step.shape))

    def _difference(self, shape: Shape, other: Shape, distance: int) -> Addresses:
        return np.setdiff1d(self._of(shape), self._of(other) + distance, assume_unique=True)

    def _start(self, origin: Origin) -> int:
        return sum(
            stride * sum(c * o for c, o in zip(coefficients, origin[place], strict=True))
            for _, place, coefficients, stride in self._axes
        )

    def _addresses(self, shape: Shape) -> Addresses:
        found: dict[object, Addresses] = {}
        for unit in shape.members:
            lengths, offset = shape.region(unit)
            boxes = [
                tuple((low, low + n) for low, n in zip(offset[place], lengths[index], strict=True))
                for index, place, _, _ in self._axes
            ]
            found.setdefault(tuple(boxes), self._of_boxes(boxes))
        return np.unique(np.concatenate(list(found.values())))

    def _of_boxes(self, boxes: Sequence[tuple[tuple[int, int], ...]]) -> Addresses:
        total: Addresses = np.zeros(1, dtype=np.int64)
        for box, (_, _, coefficients, stride) in zip(boxes, self._axes, strict=True):
            coordinates = np.concatenate([np.arange(low, high) for low, high in runs(coefficients, box)])
            total = np.add.outer(total, coordinates * stride).ravel()
        return total


class Plan:
    """Which tensors stay in the L2 once they are there (``resident``); the others pass through tile by tile.

    ``bytes`` is what the L2 has to hold: resident tensors whole, and as many tiles of the others as there are buffers.
    """

    def __init__(self, layer: Layer, nest: Nest, machine: Machine) -> None:
        self._layer, self._nest = layer, nest
        self._tiles = {tensor: Tiles(layer, tensor) for tensor in TENSORS}
        self._stays = np.zeros(self._tiles["output"].size, dtype=np.int64)
        streamed, largest = self._survey()
        whole = {tensor: tiles.size * machine.element_bytes for tensor, tiles in self._tiles.items()}
        passing = {tensor: largest[tensor] * machine.buffering * machine.element_bytes for tensor in TENSORS}
        if machine.l2.resident is not None:
            self.resident: frozenset[str] = frozenset(machine.l2.resident)
        else:
            saved = {tensor: streamed[tensor] - self._tiles[tensor].size for tensor in TENSORS}
            self.resident = _greedy(saved, whole, passing, machine.l2.bytes)
        self.bytes = sum(whole[tensor] if tensor in self.resident else passing[tensor] for tensor in TENSORS)

    @property
    def bases(self) -> tuple[int, ...]:
        """The address of each tensor's first element, one tensor after the other."""
        sizes = [self._tiles[tensor].size for tensor in TENSORS]
        return tuple(sum(sizes[:number]) for number in range(len(sizes)))

    def exchanges(self) -> Iterator[Exchange]:
        """Yield what is exchanged around every step of the top level."""
        seen = {tensor: np.zeros(tiles.size, dtype=bool) for tensor, tiles in self._tiles.items()}
        left = self._stays.copy()
        for previous, step, upcoming in self._around():
            read = tuple(self._read(tensor, step, previous, seen[tensor]) for tensor in TENSORS)
            yield Exchange(read, self._written(step, upcoming, left))

    def _read(self, tensor: str, step: Step, previous: Step | None, seen: NDArray[Any]) -> Addresses:
        entering: Addresses = self._tiles[tensor].beyond(step, previous)
        if tensor != "output" and tensor not in self.resident:
            return entering
        known: NDArray[np.bool_] = seen[entering]
        seen[entering] = True
        if tensor == "output":
            return NONE if tensor in self.resident else _chosen(entering, known)
        return _chosen(entering, ~known)

    def _written(self, step: Step, upcoming: Step | None, left: NDArray[Any]) -> Addresses:
        """Return the outputs that leave the L2: all that its next tile has not, or of resident ones the finished."""
        leaving: Addresses = self._tiles["output"].beyond(step, upcoming)
        if "output" not in self.resident:
            return leaving
        left[leaving] -= 1
        return _chosen(leaving, left[leaving] == 0)

    def _survey(self) -> tuple[dict[str, int], dict[str, int]]:
        """Return by tensor the elements to and from DRAM if it is not resident, and the largest tile.

        An output that comes n times is written n times and read n − 1 times.
        """
        streamed, largest = dict.fromkeys(TENSORS, 0), dict.fromkeys(TENSORS, 0)
        for previous, step, upcoming in self._around():
            for tensor, tiles in self._tiles.items():
                largest[tensor] = max(largest[tensor], tiles.elements(step))
                if tensor == "output":
                    self._stays[tiles.beyond(step, upcoming)] += 1
                else:
                    streamed[tensor] += len(tiles.beyond(step, previous))
        streamed["output"] = int(2 * self._stays.sum() - np.count_nonzero(self._stays))
        return streamed, largest

    def _around(self) -> Iterator[tuple[Step | None, Step, Step | None]]:
        steps = self._nest.steps(Region.whole(self._layer).lengths)
        previous, step = None, next(steps)
        for upcoming in steps:
            yield previous, step, upcoming
            previous, step = step, upcoming
        yield previous, step, None


def _chosen(addresses: Addresses, which: NDArray[np.bool_]) -> Addresses:
    chosen: Addresses = addresses[which]
    return chosen


def _greedy(
    saved: dict[str, int], whole: dict[str, int], passing: dict[str, int], capacity: int | None
) -> frozenset[str]:
    """Return the tensors to keep: those that save most traffic per byte first, as long as everything fits."""
    resident: set[str] = set()
    need = sum(passing.values())
    worth = sorted(
        (tensor for tensor in TENSORS if saved[tensor] > 0 or whole[tensor] <= passing[tensor]),
        key=lambda tensor: -saved[tensor] / max(whole[tensor] - passing[tensor], 1),
    )
    for tensor in worth:
        more = whole[tensor] - passing[tensor]
        if capacity is None or need + more <= capacity:
            resident.add(tensor)
            need += more
    return frozenset(resident)
