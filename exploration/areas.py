"""Areas of all designs of a space, exact: whole parts of a µm², a sum over what the axes say."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from fractions import Fraction
from math import lcm

import numpy as np
from numpy.typing import NDArray

from analytical.area import network_lanes
from dataflow.errors import InputError
from dataflow.technology import exact
from exploration.space import Space

Integers = NDArray[np.int64]

_FITS = 1 << 62


class Areas:
    """The areas of a space's designs in parts of 1 / ``parts`` µm²; all are 0 where ``known`` is false."""

    def __init__(self, space: Space) -> None:
        self._space = space
        technology = space.technology
        stated = (technology.pe_um2, technology.sram_um2_per_byte)
        polynomials = (technology.bus_um2 or (), technology.arbiter_um2 or ())
        numbers = [exact(each) for each in (*stated, *polynomials[0], *polynomials[1]) if each is not None]
        self.parts = lcm(*(number.denominator for number in numbers))
        ports = [port for level in space.machine.levels for port in (level.distribution, level.collection)]
        wires = any(port.width is None for port in ports)
        self.known = not (wires or None in (*stated, technology.bus_um2, technology.arbiter_um2))
        self._pe, self._byte = (self._whole(exact(each or 0.0)) for each in stated)

    def limit(self, area: Fraction | None) -> int:
        """Return the largest area that is no larger than ``area`` µm²; without a limit, more than any area."""
        return _FITS if area is None else int(area * self.parts)

    def of_sizes(self, pes: int, l1_bytes: int, l2_bytes: int) -> int:
        """Return the area of the scratchpads."""
        return (pes * l1_bytes + l2_bytes) * self._byte if self.known else 0

    def without_sizes(self, pes: int, shapes: Collection[tuple[int, ...]], values: Mapping[str, Integers]) -> Integers:
        """Return the areas of PEs and networks for arrays of ``values`` by key: those of lanes and ports.

        Networks are as large as the clusters of the largest of ``shapes`` (units by level) need.
        """
        if not self.known:
            return np.zeros_like(values["lanes"])
        self._ensure_fits(pes, shapes, {key: int(array.max()) for key, array in values.items()})
        networks = [self._network(shape, values) for shape in shapes]
        largest: Integers = np.maximum.reduce(networks)
        return largest + pes * self._pe * values["lanes"]

    def _network(self, shape: tuple[int, ...], values: Mapping[str, Integers]) -> Integers:
        total = np.zeros_like(values["lanes"])
        for level, (down, up) in enumerate(network_lanes(shape, self._space.technology) or []):
            stated = min(level, len(self._space.machine.levels) - 1)
            port = self._space.machine.levels[stated]
            distribution, collection = f"levels.{stated}.distribution", f"levels.{stated}.collection"
            wide = values.get(f"{distribution}.bandwidth", port.distribution.bandwidth or 0)
            filters = values.get(f"{distribution}.filter_bandwidth", port.distribution.filter_bandwidth or 0)
            back = values.get(f"{collection}.bandwidth", port.collection.bandwidth or 0)
            total += (wide + filters) * self._whole(down) + back * self._whole(up)
        return total

    def _whole(self, area: Fraction) -> int:
        return int(area * self.parts)

    def _ensure_fits(self, pes: int, shapes: Collection[tuple[int, ...]], most: Mapping[str, int]) -> None:
        """Raise `InputError` where areas are beyond 64 bits, which only slips are."""
        widest = sum(most.values()) + sum(
            (level.distribution.width or 0) + (level.collection.width or 0) for level in self._space.machine.levels
        )
        lanes = [
            lane for shape in shapes for pair in network_lanes(shape, self._space.technology) or [] for lane in pair
        ]
        total = widest * sum(map(self._whole, lanes)) + pes * self._pe * most["lanes"]
        total += pes * self._byte * max(value or 0 for axis in self._space.sizes for value in axis.values)
        if total >= _FITS:
            raise InputError("the largest machine is far beyond any area", self._space.name)
