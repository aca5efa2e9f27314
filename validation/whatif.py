"""What a layer would gain from more of something, by simulating it with that made unlimited, one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from dataflow.hardware import LARGEST, Machine
from dataflow.levels import Mapping
from dataflow.metrics import Metrics
from simulator.simulate import simulate_mapping

#: Buffers that stand for any number: more than any schedule looks ahead to some use.
MANY_BUFFERS = 256


@dataclass(frozen=True)
class Gain:
    """What one resource is worth: ``key`` in the hardware file, its value ``now``, and what it is when ``unlimited``.

    ``cycles`` is what the layer takes then. ``enough`` is the least value with which it takes no more, None where that
    cannot be asked (the barrier).
    """

    key: str
    now: object
    unlimited: object
    cycles: int
    enough: int | None


@dataclass(frozen=True)
class _Resource:
    key: str
    now: int
    unlimited: int
    changed: Callable[[int], Machine]


def gains(
    mapping: Mapping, machine: Machine, progress: Callable[[str], None] | None = None
) -> tuple[Metrics, list[Gain]]:
    """Return the layer as it is, and what each resource of ``machine`` would gain, the greatest gain first.

    ``progress`` is called with every resource that is done.
    """
    spread = _with_own_levels(machine, len(mapping.levels))
    found = simulate_mapping(mapping, spread)
    gained = []
    for resource in _resources(mapping, spread, found):
        gained.append(_gain(mapping, resource))
        if progress is not None:
            progress(resource.key)
    if spread.sync == "barrier":
        decoupled = simulate_mapping(mapping, spread.model_copy(update={"sync": "dataflow"}))
        gained.append(Gain("sync", "barrier", "dataflow", decoupled.cycles, None))
    if not spread.multicast:
        shared = simulate_mapping(mapping, spread.model_copy(update={"multicast": True}))
        gained.append(Gain("multicast", False, True, shared.cycles, None))
    return found, sorted(gained, key=lambda gain: gain.cycles)


def _gain(mapping: Mapping, resource: _Resource) -> Gain:
    cycles = cache(lambda value: simulate_mapping(mapping, resource.changed(value)).cycles)
    best = cycles(resource.unlimited)
    near, far = resource.now, resource.unlimited
    if cycles(near) == best:
        far = near
    while abs(far - near) > 1:
        middle = (near + far) // 2
        if cycles(middle) == best:
            far = middle
        else:
            near = middle
    return Gain(resource.key, resource.now, resource.unlimited, best, far)


def _resources(mapping: Mapping, machine: Machine, found: Metrics) -> Iterator[_Resource]:
    """Yield what can be had more or, of latencies, less of; what no step can use is as good as unlimited."""
    for level, boundary in enumerate(found.boundaries):
        network = machine.network(level)
        for port, most in (
            ("distribution", boundary.per_step.distributed),
            ("collection", boundary.per_step.collected),
        ):
            now = getattr(network, port)
            if now.bandwidth is not None:
                key = f"levels.{level}.{port}.bandwidth"
                yield _Resource(key, now.bandwidth, max(most.most, now.bandwidth), _setter(machine, key))
            if now.latency:
                key = f"levels.{level}.{port}.latency"
                yield _Resource(key, now.latency, 0, _setter(machine, key))
    busiest = found.boundaries[-1].per_step.macs.most
    yield _Resource("lanes", machine.lanes, max(busiest, machine.lanes), _setter(machine, "lanes"))
    yield _Resource("buffering", machine.buffering, MANY_BUFFERS, _setter(machine, "buffering"))
    if machine.dram is not None:
        yield _Resource("dram.bandwidth", machine.dram.bandwidth, LARGEST, _setter(machine, "dram.bandwidth"))
        if machine.dram.latency:
            yield _Resource("dram.latency", machine.dram.latency, 0, _setter(machine, "dram.latency"))
    if machine.l2.port_bandwidth is not None:
        key = "l2.port_bandwidth"
        yield _Resource(key, machine.l2.port_bandwidth, LARGEST, _setter(machine, key))


def _setter(machine: Machine, key: str) -> Callable[[int], Machine]:
    """Return a function that sets the value at a key path of a machine."""

    def changed(value: int) -> Machine:
        tree = machine.to_dict()
        *way, last = key.split(".")
        place = tree
        for step in way:
            place = place[int(step)] if isinstance(place, list) else place[step]
        place[last] = value
        return Machine.model_validate(tree)

    return changed


def _with_own_levels(machine: Machine, levels: int) -> Machine:
    """Return the machine with an entry of its own for every level that the mapping has."""
    networks = tuple(machine.network(level) for level in range(max(levels, len(machine.levels))))
    return machine.model_copy(update={"levels": networks})
