"""A chain in which every unit hands on what it has seen."""

from __future__ import annotations

from dataflow.hardware import Distribution
from simulator.fabric import Link, Wiring


def wiring(units: int, port: Distribution, width: int | None) -> Wiring:
    """Return a store-and-forward chain: unit u sees data u · ``hop`` cycles after unit 0; the farthest go first."""
    links = tuple(
        Link(f"to {unit}", width, (1 << units) - (1 << unit), upstream=unit - 1 if unit else None, hop=port.hop)
        for unit in range(units)
    )
    return Wiring(links, tuple(range(units)), far_first=True)
