"""A mesh of routers, one at every unit."""

from __future__ import annotations

from dataflow.hardware import Distribution
from simulator.fabric import Link, Wiring


def wiring(units: int, port: Distribution, width: int | None) -> Wiring:
    """Return a mesh of ``columns`` columns, entered at unit 0, the top left corner.

    Data run along the top row to the column of their receiver, and down it: dimension-ordered routes, which form a
    tree, and what goes to several units splits where their routes do. A router takes ``hop`` cycles. ``width`` elements
    a cycle enter the mesh; the links between routers have the first of ``link_widths``, that width if none is given.
    """
    columns = port.columns or _square(units)
    between = (port.link_widths or (width,))[0]
    links = [Link("in", width, (1 << units) - 1)]
    exits = []
    for unit in range(units):
        row, column = divmod(unit, columns)
        if unit == 0:
            exits.append(0)
            continue
        above = exits[unit - columns] if row else exits[unit - 1]
        reach = sum(1 << other for other in range(unit, units, columns))
        if row == 0:
            reach = sum(1 << other for other in range(units) if other % columns >= column)
        before = unit - columns if row else unit - 1
        exits.append(len(links))
        links.append(Link(f"{before} to {unit}", between, reach, above, port.hop))
    return Wiring(tuple(links), tuple(exits))


def _square(units: int) -> int:
    """Return the columns of the least square that holds ``units``."""
    columns = 1
    while columns * columns < units:
        columns += 1
    return columns
