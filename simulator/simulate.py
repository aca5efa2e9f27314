"""Simulate a layer by the cycle."""

from __future__ import annotations

from dataflow.directives import Dataflow
from dataflow.hardware import Machine
from dataflow.layers import Layer
from dataflow.levels import Mapping, bind
from dataflow.metrics import Metrics
from simulator.acceleration import Accelerator
from simulator.channels import Clock
from simulator.cluster import Cluster, Enclosure, Order, Record
from simulator.nest import Nest, Region
from simulator.results import metrics
from simulator.sequence import Choreography
from simulator.tiles import TileSpace


def simulate(layer: Layer, dataflow: Dataflow, machine: Machine, *, accelerate: bool = True) -> Metrics:
    """Execute ``dataflow`` on ``layer`` cycle by cycle and return what it took.

    ``accelerate`` skips what is proven to repeat (`simulator.acceleration`); the numbers are the same without it.
    The dataflow has to be legal (`dataflow.legality.check`): what an illegal one computes is not defined. Raises
    `InputError` where it cannot be bound to the layer and the number of PEs.
    """
    return simulate_mapping(bind(layer, dataflow, machine.pes), machine, accelerate=accelerate)


def simulate_mapping(mapping: Mapping, machine: Machine, *, accelerate: bool = True) -> Metrics:
    """Like `simulate`, for a dataflow that is bound already."""
    clock = Clock()
    tiles = TileSpace(mapping.layer)
    choreographies = [
        Choreography(Nest(mapping.layer, level), tiles, machine, depth) for depth, level in enumerate(mapping.levels)
    ]
    record = Record(len(choreographies))
    top = Cluster(clock, machine, choreographies, record)
    the_layer = Enclosure(clock, arrival=0, working=1)
    the_layer.opened.open(since=0)
    region = Region.whole(mapping.layer)
    odometer = top.nest.odometer(region)
    if accelerate:
        top.step_ended = Accelerator(top, region, odometer, record).step_ended
    top.inbox.put(Order(region, None, the_layer, odometer))
    clock.run()
    return metrics(mapping, machine, record, tiles)
