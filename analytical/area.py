"""How much silicon a machine takes, as far as the technology says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod

from dataflow.hardware import Machine
from dataflow.metrics import Buffers
from dataflow.technology import Technology, exact

_LEFT_OUT = "the cluster buffers are left out: the record does not tell their sizes"


@dataclass(frozen=True)
class Area:
    """Areas in µm², exact: None where the technology does not say, and ``total`` then, too.

    ``l1`` is that of all PEs together; ``message`` tells what is missing.
    """

    pes: Fraction | None
    l1: Fraction | None
    l2: Fraction | None
    network: Fraction | None
    message: str | None

    @property
    def total(self) -> Fraction | None:
        """The sum of the parts; None where one is not known."""
        total = Fraction()
        for part in (self.pes, self.l1, self.l2, self.network):
            if part is None:
                return None
            total += part
        return total

    def to_dict(self) -> dict[str, float | str | None]:
        """Return the parts by name, in µm²."""
        parts = {"total": self.total, "pes": self.pes, "l1": self.l1, "l2": self.l2, "network": self.network}
        areas = {name: None if value is None else float(value) for name, value in parts.items()}
        return {**areas, "message": self.message}


def area(units: Sequence[int], machine: Machine, technology: Technology, buffers: Buffers) -> Area:
    """Return the area of a machine whose clusters have ``units`` units at each level, outermost first.

    An unbounded scratchpad is as large as ``buffers`` says that the layer needs it.
    """
    l1_bytes = machine.l1.bytes or buffers.l1_bytes
    l2_bytes = machine.l2.bytes or buffers.l2_bytes
    return Area(
        pes=_times(technology.pe_um2, machine.pes * machine.lanes),
        l1=_times(technology.sram_um2_per_byte, machine.pes * l1_bytes),
        l2=_times(technology.sram_um2_per_byte, l2_bytes),
        network=_network(units, machine, technology),
        message=_message(units, machine, technology),
    )


def _times(each: float | None, number: int) -> Fraction | None:
    return None if each is None else exact(each) * number


def _network(units: Sequence[int], machine: Machine, technology: Technology) -> Fraction | None:
    """Return the area of all ports; None where the technology does not say, and for wires, of any number."""
    lanes = network_lanes(units, technology)
    if lanes is None:
        return None
    total = Fraction()
    for level, (each_down, each_up) in enumerate(lanes):
        network = machine.network(level)
        down, up = network.distribution.width, network.collection.width
        if down is None or up is None:
            return None
        total += down * each_down + up * each_up
    return total


def network_lanes(units: Sequence[int], technology: Technology) -> list[tuple[Fraction, Fraction]] | None:
    """Return by level what each element per cycle takes that goes down, or up, in all clusters of the level, in µm².

    One bus per element and cycle, and for collection an arbiter with each. None where the technology does not say.
    """
    if technology.bus_um2 is None or technology.arbiter_um2 is None:
        return None
    found = []
    for level, ports in enumerate(units):
        bus, arbiter = _polynomial(technology.bus_um2, ports), _polynomial(technology.arbiter_um2, ports)
        clusters = prod(units[:level])
        found.append((clusters * bus, clusters * (bus + arbiter)))
    return found


def _polynomial(coefficients: Sequence[float], ports: int) -> Fraction:
    """Return the polynomial's value; a fit to large arrays may be negative for a few ports, an area is not."""
    terms = (exact(coefficient) * ports**power for power, coefficient in enumerate(coefficients))
    return max(Fraction(), sum(terms, Fraction()))


def _message(units: Sequence[int], machine: Machine, technology: Technology) -> str | None:
    needed = ("pe_um2", "sram_um2_per_byte", "bus_um2", "arbiter_um2")
    missing = [key for key in needed if getattr(technology, key) is None]
    if missing:
        return f"technology {technology.name} does not state {', '.join(missing)}"
    networks = [machine.network(level) for level in range(len(units))]
    if any(port.width is None for network in networks for port in (network.distribution, network.collection)):
        return "the number of wires is not known"
    return _LEFT_OUT if len(units) > 1 else None
