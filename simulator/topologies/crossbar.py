"""A port of its own for every unit."""

from __future__ import annotations

from dataflow.hardware import Distribution
from simulator.fabric import Link, Wiring


def wiring(units: int, port: Distribution, width: int | None) -> Wiring:
    """Return a crossbar: ``width`` elements a cycle enter, and each unit takes ``port_width`` of its own then."""
    ports = [Link(f"to {unit}", port.port_width, 1 << unit, upstream=0) for unit in range(units)]
    return Wiring((Link("in", width, (1 << units) - 1), *ports), tuple(range(1, units + 1)))
