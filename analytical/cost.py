"""What a layer costs: accesses, energy, bandwidth, reuse and bounds, from the counts of a record of either model."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from fractions import Fraction
from math import prod
from typing import Any, Protocol

from analytical.area import Area, area
from analytical.bandwidth import LevelCost, level_cost
from dataflow.hardware import Machine
from dataflow.layers import TENSORS
from dataflow.levels import Mapping
from dataflow.metrics import L1, Boundary, Metrics
from dataflow.technology import Technology, exact


@dataclass(frozen=True)
class Accesses:
    """Elements of one tensor that are read from and written to one kind of memory."""

    read: int = 0
    write: int = 0

    def __add__(self, other: Accesses) -> Accesses:
        return Accesses(self.read + other.read, self.write + other.write)

    @property
    def total(self) -> int:
        """Reads and writes."""
        return self.read + self.write


class Counted(Protocol):
    """What accesses are counted from: a record, or the part of it that says what moves."""

    @property
    def boundaries(self) -> tuple[Boundary, ...]:
        """The traffic of each level."""

    @property
    def l1(self) -> L1:
        """The accesses of the MACs."""


def accesses(metrics: Counted) -> dict[str, dict[str, Accesses]]:
    """Return all accesses by store (L1, cluster buffers, L2) and tensor: of MACs, fills and drains."""
    above, below = [], []
    for boundary in metrics.boundaries:
        up, down = boundary.upstream, boundary.downstream
        above.append(_reads_and_writes(up.input_read, up.filter_read, Accesses(up.output_read, up.output_write)))
        fills = Accesses(write=down.input_write), Accesses(write=down.filter_write)
        below.append(dict(zip(TENSORS, (*fills, Accesses(read=down.output_drained)), strict=True)))
    l1 = metrics.l1
    at_the_macs = _reads_and_writes(l1.input_read, l1.filter_read, Accesses(l1.output_read, l1.output_write))
    between = _sum([*above[1:], *below[:-1]])
    return {"l1": _sum([at_the_macs, below[-1]]), "cluster_buffers": between, "l2": above[0]}


def crossings(metrics: Counted) -> dict[str, int]:
    """Return by tensor the elements that cross the ports of all levels, each once however many units receive it."""
    return {
        "input": sum(boundary.upstream.input_read for boundary in metrics.boundaries),
        "filter": sum(boundary.upstream.filter_read for boundary in metrics.boundaries),
        "output": sum(boundary.network.collected for boundary in metrics.boundaries),
    }


def _reads_and_writes(input_read: int, filter_read: int, output: Accesses) -> dict[str, Accesses]:
    return dict(zip(TENSORS, (Accesses(input_read), Accesses(filter_read), output), strict=True))


def _sum(tables: list[dict[str, Accesses]]) -> dict[str, Accesses]:
    return {tensor: sum((table[tensor] for table in tables), Accesses()) for tensor in TENSORS}


@dataclass(frozen=True)
class Energy:
    """Energies relative to one MAC, exact: of the MACs, and of every other component by tensor.

    ``mac_pj`` is the energy that they are relative to, None where the technology does not state it.
    """

    mac: Fraction
    moved: dict[str, dict[str, Fraction]]
    macs: int
    cycles: int
    nanoseconds: Fraction
    mac_pj: float | None

    @property
    def components(self) -> dict[str, Fraction]:
        """The energy of the MACs, of each kind of memory and of the networks."""
        return {"mac": self.mac} | {name: sum(row.values(), Fraction()) for name, row in self.moved.items()}

    @property
    def tensors(self) -> dict[str, Fraction]:
        """The energy of moving each tensor; the MACs belong to none."""
        return {tensor: sum((row[tensor] for row in self.moved.values()), Fraction()) for tensor in TENSORS}

    @property
    def total(self) -> Fraction:
        """The energy of everything."""
        return sum(self.components.values(), Fraction())

    def to_dict(self) -> dict[str, Any]:
        """Return the energies, and what follows from them; None where it takes an energy in pJ that is not known."""
        return self._scaled(Fraction(1)) | {"energy_delay": float(self.total * self.cycles)} | self._absolute()

    def _scaled(self, unit: Fraction) -> dict[str, Any]:
        return {
            "total": float(self.total * unit),
            "components": {name: float(value * unit) for name, value in self.components.items()},
            "tensors": {name: float(value * unit) for name, value in self.tensors.items()},
        }

    def _absolute(self) -> dict[str, Any]:
        if self.mac_pj is None or not self.total:
            names = ("nanojoules", "power_mw", "macs_per_joule", "gmacs_per_second_per_joule", "energy_delay_js")
            return dict.fromkeys(names)
        unit = exact(self.mac_pj) / 1000
        joules = self.total * unit / 10**9
        power = {"total": self.total, **self.components}
        return {
            "nanojoules": self._scaled(unit),
            "power_mw": {name: float(1000 * value * unit / self.nanoseconds) for name, value in power.items()},
            "macs_per_joule": float(self.macs / joules),
            "gmacs_per_second_per_joule": float(self.macs / self.nanoseconds / joules),
            "energy_delay_js": float(joules * self.nanoseconds / 10**9),
        }


def energy(metrics: Metrics, macs: int, machine: Machine, technology: Technology) -> Energy:
    """Return what ``macs`` MACs, all accesses and all crossings of networks take."""
    return Energy(
        mac=macs * exact(technology.mac),
        moved=_moved(metrics, technology),
        macs=macs,
        cycles=metrics.cycles,
        nanoseconds=metrics.cycles / exact(machine.clock_ghz),
        mac_pj=technology.mac_pj,
    )


def relative_energy(counted: Counted, macs: int, technology: Technology) -> Fraction:
    """Return the total of `energy`, for which no times are needed."""
    moved = (each for row in _moved(counted, technology).values() for each in row.values())
    return sum(moved, macs * exact(technology.mac))


def _moved(counted: Counted, technology: Technology) -> dict[str, dict[str, Fraction]]:
    """Return by component and tensor what its accesses or crossings take."""
    each = {
        "l1": technology.l1,
        "network": technology.network,
        "cluster_buffers": technology.l1 if technology.cluster_buffer is None else technology.cluster_buffer,
        "l2": technology.l2,
    }
    stores = {store: {tensor: a.total for tensor, a in row.items()} for store, row in accesses(counted).items()}
    counts = stores | {"network": crossings(counted)}
    return {name: {tensor: n * exact(e) for tensor, n in counts[name].items()} for name, e in each.items()}


@dataclass(frozen=True)
class Bounds:
    """Cycles that the layer cannot take less of: for its MACs, and by level for each port of its clusters."""

    compute: int
    distribution: tuple[int, ...]
    collection: tuple[int, ...]

    @property
    def cycles(self) -> int:
        """The largest of the bounds."""
        return max(self.compute, *self.distribution, *self.collection)


def bounds(metrics: Metrics, macs: int, units: tuple[int, ...], machine: Machine) -> Bounds:
    """Return the bounds that the counts set. A level's busiest port carries at least what its ports do on average."""
    ports = [(b.network, machine.network(n), prod(units[:n])) for n, b in enumerate(metrics.boundaries)]
    return Bounds(
        compute=_ceil(macs, machine.pes * machine.lanes),
        distribution=tuple(_busy(b.distributed, of.distribution.width, number) for b, of, number in ports),
        collection=tuple(_busy(b.collected, of.collection.width, number) for b, of, number in ports),
    )


def _busy(elements: int, width: int | None, ports: int) -> int:
    """Return for how long the busiest of some ports is occupied at least; wires never are."""
    return 0 if width is None else _ceil(elements, width * ports)


def _ceil(amount: int, rate: int) -> int:
    return -(-amount // rate)


@dataclass(frozen=True)
class Cost:
    """What a layer costs on a machine, from one model's record; ``tensors`` holds the elements of each tensor."""

    macs: int
    metrics: Metrics
    machine: Machine
    tensors: dict[str, int]
    energy: Energy
    bounds: Bounds
    levels: tuple[LevelCost, ...]
    area: Area

    @property
    def macs_per_cycle(self) -> float:
        """The throughput."""
        return self.macs / self.metrics.cycles

    @property
    def macs_per_port_element(self) -> float:
        """MACs per element that crosses one of the two ports of the L2."""
        network = self.metrics.boundaries[0].network
        return self.macs / (network.distributed + network.collected)

    @property
    def macs_per_l2_access(self) -> float:
        """MACs per element that is read from or written to the L2."""
        return self.macs / sum(counts.total for counts in accesses(self.metrics)["l2"].values())

    def macs_per_l2_access_of(self, tensor: str) -> float:
        """MACs per element of one tensor that is read from or written to the L2."""
        return self.macs / accesses(self.metrics)["l2"][tensor].total

    @property
    def bound_reached(self) -> float:
        """The largest lower bound as a share of the cycles: 1 where nothing could be faster."""
        return self.bounds.cycles / self.metrics.cycles

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the energy, with the keys of the result file."""
        stores = accesses(self.metrics)
        return {
            "macs_per_cycle": self.macs_per_cycle,
            "gmacs_per_second": self.macs_per_cycle * self.machine.clock_ghz,
            "busy_pes": self.macs_per_cycle / self.machine.lanes,
            "intensity": {
                "macs_per_l2_access": self.macs_per_l2_access,
                "macs_per_l2_byte": self.macs_per_l2_access / self.machine.element_bytes,
                "macs_per_l2_port_element": self.macs_per_port_element,
            },
            "reuse": {tensor: self._reuse(stores, tensor) for tensor in TENSORS},
            "tensors": self.tensors,
            "compulsory_bandwidth": sum(self.tensors.values()) / self.metrics.cycles,
            "accesses": {store: {tensor: asdict(a) for tensor, a in row.items()} for store, row in stores.items()},
            "levels": [asdict(level) for level in self.levels],
            "bounds": {
                "cycles": self.bounds.cycles,
                **asdict(self.bounds),
                "reached": self.bound_reached,
            },
            "area_um2": self.area.to_dict(),
        }

    def _reuse(self, stores: dict[str, dict[str, Accesses]], tensor: str) -> dict[str, float]:
        in_l2 = stores["l2"][tensor].total
        return {"macs_per_l2_access": self.macs / in_l2, "l1_per_l2_access": stores["l1"][tensor].total / in_l2}


def cost(metrics: Metrics, mapping: Mapping, machine: Machine, technology: Technology) -> Cost:
    """Return what ``metrics`` costs: the record of either model for ``mapping`` on ``machine``."""
    layer, units = mapping.layer, mapping.units
    return Cost(
        macs=layer.macs,
        metrics=metrics,
        machine=machine,
        tensors={tensor: prod(layer.sizes[axis] for axis in layer.tensor_axes(tensor)) for tensor in TENSORS},
        energy=energy(metrics, layer.macs, machine, technology),
        bounds=bounds(metrics, layer.macs, units, machine),
        levels=tuple(level_cost(level, metrics, units, machine) for level in range(len(units))),
        area=area(units, machine, technology, metrics.buffers),
    )
