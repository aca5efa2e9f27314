"""Distribution networks by name: a file each, with the table of its links."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from dataflow.hardware import Distribution
from simulator.fabric import Wiring
from simulator.topologies import bus, crossbar, mesh, systolic, tree

#: From the units of a cluster, its distribution port and the elements that enter a cycle to the links.
Topology = Callable[[int, Distribution, int | None], Wiring]

TOPOLOGIES: Mapping[str, Topology] = MappingProxyType(
    {
        "bus": bus.wiring,
        "crossbar": crossbar.wiring,
        "tree": tree.wiring,
        "systolic": systolic.wiring,
        "mesh": mesh.wiring,
    }
)
