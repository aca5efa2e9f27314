"""One link to all units."""

from __future__ import annotations

from dataflow.hardware import Distribution
from simulator.fabric import Link, Wiring


def wiring(units: int, port: Distribution, width: int | None) -> Wiring:
    """Return the bus of ``width`` elements a cycle: what is on it reaches every unit at once, a step as a whole."""
    return Wiring((Link("bus", width, (1 << units) - 1),), (0,) * units, whole=True)
