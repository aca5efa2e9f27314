"""What a dataflow makes of a layer on a number of PEs, whatever the speed of lanes and ports."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import lcm

from analytical import Analysis
from analytical.cost import relative_energy
from dataflow import legality
from dataflow.errors import InputError
from dataflow.hardware import Machine
from dataflow.layers import Layer
from dataflow.levels import Mapping as Mapped
from dataflow.levels import bind
from dataflow.technology import Technology, exact
from exploration.space import Space

#: mappings whose analyses are kept: neighbours in a space often have the same
_KEPT = 256


def energy_parts(technology: Technology) -> int:
    """Return into how many parts the energy of a MAC has to be divided for all energies to be whole."""
    stated = (technology.mac, technology.l1, technology.network, technology.l2, technology.cluster_buffer or 0.0)
    return lcm(*(exact(each).denominator for each in stated))


@dataclass(frozen=True)
class Candidate:
    """A dataflow that computes a layer: its number, the units by level, energy in parts, and the needs in bytes."""

    instance: int
    units: tuple[int, ...]
    energy: int
    l1_bytes: int
    l2_bytes: int
    analysis: Analysis


def without_pes(machine: Machine) -> Machine:
    """Return a machine that is the same for all numbers of PEs: of these, only the mapping matters."""
    return machine.model_copy(update={"pes": 1})


class Candidates:
    """Finds the candidates of a space, and keeps the last ones."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self.parts = energy_parts(space.technology)
        self._alike: dict[object, Layer] = {}
        self._legal = lru_cache(maxsize=1 << 14)(lambda mapping: legality.check(mapping) is None)
        self._analysis = lru_cache(maxsize=_KEPT)(Analysis)
        self._energy = lru_cache(maxsize=1 << 14)(self._worked_out)

    def mapping(self, layer: Layer, instance: int, pes: int) -> Mapped | None:
        """Return a dataflow bound to a layer; None where it does not compute the layer on so many PEs."""
        try:
            mapping = bind(self._representative(layer), self._space.instances[instance].dataflow, pes)
        except InputError:
            return None
        return mapping if self._legal(mapping) else None

    def find(self, layer: Layer, instance: int, machine: Machine) -> Candidate | None:
        """Return the candidate for a layer on machines that differ from one in lanes and ports; None if it is none."""
        mapping = self.mapping(layer, instance, machine.pes)
        if mapping is None:
            return None
        energy, l1_bytes, l2_bytes = self._energy(mapping, without_pes(machine))
        return Candidate(instance, mapping.units, energy, l1_bytes, l2_bytes, self._analysis(mapping))

    def _worked_out(self, mapping: Mapped, machine: Machine) -> tuple[int, int, int]:
        """Return the energy in parts, and the bytes that an L1 and the L2 need."""
        counts = self._analysis(mapping).counts(machine, self._space.assumptions)
        energy = relative_energy(counts, mapping.layer.macs, self._space.technology) * self.parts
        return int(energy), counts.buffers.l1_bytes, counts.buffers.l2_bytes

    def _representative(self, layer: Layer) -> Layer:
        """Return the first layer that is of the same sizes."""
        key = (layer.type, tuple(layer.sizes.items()), layer.stride, layer.dilation)
        return self._alike.setdefault(key, layer)
