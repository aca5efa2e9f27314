"""A tree of switches that copy what goes more than one way."""

from __future__ import annotations

from dataflow.hardware import Distribution
from simulator.fabric import Link, Wiring


def wiring(units: int, port: Distribution, width: int | None) -> Wiring:
    """Return a tree of ``fanout`` links per switch below a root of ``width`` elements a cycle.

    Links at depth n have the n-th of ``link_widths``, those deeper the last one, and the root's width where none is
    given. A switch takes ``hop`` cycles. The units are the leaves, all at the same depth.
    """
    links = [Link("root", width, (1 << units) - 1)]
    exits = [0] * units
    span, level, depth = _leaves(units, port.fanout), {0: 0}, 0
    while span > 1:
        span //= port.fanout
        widths = port.link_widths or (width,)
        below = {}
        for first in range(0, units, span):
            reach = (1 << min(first + span, units)) - (1 << first)
            above = level[first // (span * port.fanout) * span * port.fanout]
            link_width = widths[min(depth, len(widths) - 1)]
            below[first] = len(links)
            links.append(Link(f"{depth + 1}.{first // span}", link_width, reach, above, port.hop))
            exits[first : first + span] = [below[first]] * min(span, units - first)
        level, depth = below, depth + 1
    return Wiring(tuple(links), tuple(exits))


def _leaves(units: int, fanout: int) -> int:
    """Return the least power of ``fanout`` that is not below ``units``."""
    leaves = 1
    while leaves < units:
        leaves *= fanout
    return leaves
