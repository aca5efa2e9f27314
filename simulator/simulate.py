"""Simulate a layer by the cycle."""

from __future__ import annotations

from dataflow.directives import Dataflow
from dataflow.hardware import Machine
from dataflow.layers import Layer
from dataflow.levels import Mapping, bind
from dataflow.metrics import Metrics
from simulator.acceleration import Accelerator
from simulator.channels import Clock
from simulator.cluster import Array, Cluster
from simulator.decoupled import DecoupledCluster
from simulator.deliveries import Enclosure, Order
from simulator.dram import L2Port, Memory
from simulator.nest import Nest, Region
from simulator.network import Blueprint
from simulator.probes import Probe
from simulator.record import Record
from simulator.residency import Plan
from simulator.results import metrics
from simulator.sequence import Choreography
from simulator.tiles import TileSpace

#: how the units of a cluster keep together, by what hardware files call it
CLUSTERS: dict[str, type[Cluster]] = {"barrier": Cluster, "dataflow": DecoupledCluster}


def simulate(layer: Layer, dataflow: Dataflow, machine: Machine, *, accelerate: bool = True) -> Metrics:
    """Execute ``dataflow`` on ``layer`` cycle by cycle and return what it took.

    ``accelerate`` skips what is proven to repeat (`simulator.acceleration`); the numbers are the same without it.
    The dataflow has to be legal (`dataflow.legality.check`): what an illegal one computes is not defined. Raises
    `InputError` where it cannot be bound to the layer and the number of PEs.
    """
    return simulate_mapping(bind(layer, dataflow, machine.pes), machine, accelerate=accelerate)


def simulate_mapping(
    mapping: Mapping, machine: Machine, *, accelerate: bool = True, probe: Probe | None = None
) -> Metrics:
    """Like `simulate`, for a dataflow that is bound already; with a ``probe`` to watch, nothing is skipped."""
    clock = Clock()
    tiles = TileSpace(mapping.layer)
    choreographies = [
        Choreography(Nest(mapping.layer, level), tiles, machine, depth) for depth, level in enumerate(mapping.levels)
    ]
    blueprints = [
        Blueprint(level.units, machine.network(depth).distribution, multicast=machine.multicast)
        for depth, level in enumerate(mapping.levels)
    ]
    record = Record(len(choreographies))
    array = Array(clock, machine, record, choreographies, blueprints, probe)
    top = CLUSTERS[machine.sync](array)
    the_layer = Enclosure(clock, working=1)
    the_layer.opened.open(since=0)
    region = Region.whole(mapping.layer)
    odometer = top.nest.odometer(region)
    memory = attach(top, mapping, machine)
    if accelerate and probe is None and repeats(mapping, machine):
        top.step_ended = Accelerator(top, region, odometer, record).step_ended
    top.inbox.put(Order(region, None, the_layer, odometer=odometer))
    clock.run()
    assert the_layer.finished.opened_at is not None, "the machine came to a stop before the layer's end"
    return metrics(mapping, machine, record, tiles, blueprints, memory)


def attach(top: Cluster, mapping: Mapping, machine: Machine) -> Memory | None:
    """Put behind the top level what the machine has there: the single port of its L2, a DRAM."""
    if machine.l2.port_bandwidth is not None:
        top.port = L2Port(top.clock, machine.l2.port_bandwidth)
        top.clock.process(top.drain_through(top.port))
    if machine.dram is not None:
        plan = Plan(mapping.layer, top.nest, machine)
        top.memory = Memory(top.clock, machine, machine.dram, plan, top.record, top.port)
    return top.memory


def repeats(mapping: Mapping, machine: Machine) -> bool:
    """Tell whether all that the machine's future depends on stands where the accelerator looks for it."""
    below = (machine.network(level).collection for level in range(1, len(mapping.levels)))
    plain = machine.sync == "barrier" and machine.dram is None and machine.l2.port_bandwidth is None
    return plain and all(collection.bandwidth is not None for collection in below)
