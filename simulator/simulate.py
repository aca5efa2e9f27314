"""Simulate a layer by the cycle."""

from __future__ import annotations

from dataflow.directives import Dataflow
from dataflow.hardware import Machine
from dataflow.layers import Layer
from dataflow.levels import Mapping, bind
from dataflow.metrics import Metrics
from simulator.acceleration import Accelerator
from simulator.activities import Order
from simulator.channels import Clock
from simulator.cluster import Array, Cluster
from simulator.decoupled import DecoupledCluster
from simulator.deliveries import Enclosing
from simulator.dram import L2Port, Memory
from simulator.events import Window
from simulator.nest import Nest, Region
from simulator.network import Blueprint
from simulator.probes import Probe
from simulator.record import Record
from simulator.residency import Plan
from simulator.results import metrics
from simulator.returns import Returns
from simulator.sequence import Choreography
from simulator.tiles import TileSpace
from simulator.together import Together
from simulator.top import DecoupledTop, Top


def simulate(layer: Layer, dataflow: Dataflow, machine: Machine, *, accelerate: bool = True) -> Metrics:
    """Execute ``dataflow`` on ``layer`` cycle by cycle and return what it took.

    ``accelerate`` skips what is proven to repeat (`simulator.acceleration`); the numbers are the same without it.
    The dataflow has to be legal (`dataflow.legality.check`): what an illegal one computes is not defined. Raises
    `InputError` where it cannot be bound to the layer and the number of PEs.
    """
    return simulate_mapping(bind(layer, dataflow, machine.pes), machine, accelerate=accelerate)


def simulate_mapping(
    mapping: Mapping,
    machine: Machine,
    *,
    accelerate: bool = True,
    probe: Probe | None = None,
    window: Window | None = None,
) -> Metrics:
    """Like `simulate`, for a dataflow that is bound already.

    With a ``probe`` to watch, nothing is skipped; if it wants to see a ``window`` only, nothing in there is.
    """
    tiles = TileSpace(mapping.layer)
    choreographies = [
        Choreography(Nest(mapping.layer, level), tiles, machine, depth) for depth, level in enumerate(mapping.levels)
    ]
    blueprints = [
        Blueprint(level.units, machine.network(depth).distribution, multicast=machine.multicast)
        for depth, level in enumerate(mapping.levels)
    ]
    record = Record(len(choreographies))
    array = Array(machine, record, choreographies, blueprints, probe)
    region = Region.whole(mapping.layer)
    returning = [machine.network(depth).collection.partial_sums == "return" for depth in range(len(mapping.levels))]
    the_layer, the_machine = Order(0, region, None), Enclosing(region.origin, arrival=0, opened=0, delivery=None)
    memory = None
    if machine.dram is None and machine.l2.port_bandwidth is None:
        top = CLUSTERS[machine.sync](array)
        odometer = top.nest.odometer(region.lengths)
        if any(returning):
            array.returns = Returns(mapping.layer, returning)
        elif accelerate and (probe is None or window is not None):
            array.together = Together() if probe is None else None
            top.step_ended = Accelerator(top, region, odometer, record, window).step_ended
        top.work(the_layer, the_machine, odometer)
    else:
        shared = behind_the_top(array, mapping)
        shared.work(the_layer, the_machine)
        memory = shared.memory
    return metrics(mapping, machine, record, tiles, blueprints, memory, array.returns)


#: how the units of a cluster keep together, by what hardware files call it
CLUSTERS: dict[str, type[Cluster]] = {"barrier": Cluster, "dataflow": DecoupledCluster}


def behind_the_top(array: Array, mapping: Mapping) -> Top:
    """Return the top cluster with what the machine has behind it: the single port of its L2, a DRAM."""
    machine, clock = array.machine, Clock()
    port = None if machine.l2.port_bandwidth is None else L2Port(clock, machine.l2.port_bandwidth)
    memory = None
    if machine.dram is not None:
        plan = Plan(mapping.layer, array.choreographies[0].nest, machine)
        memory = Memory(clock, machine, machine.dram, plan, array.record, port)
    if machine.sync == "barrier":
        return Top(Cluster(array), clock, memory, port)
    return DecoupledTop(DecoupledCluster(array), clock, memory, port)
