"""Real numbers on the simulated machine: a probe that moves values as the steps say, and the PEs' arithmetic.

Every buffer holds the values of its unit's tiles, and nothing else: a unit gets what its cluster's step sends it, along
the links of the topology, out of the buffer above; PEs multiply what they hold; outputs are added where they arrive.
So a dataflow that computes a point twice, a step that sends too little or a topology that leaves a unit out shows in
the numbers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from dataflow.layers import TENSORS, Layer
from simulator.cluster import Cluster
from simulator.deliveries import Delivery
from simulator.elements import Elements, Integers
from simulator.movements import Departure, Movements, Transfer, places
from simulator.nest import Step
from simulator.returns import Back

OPERANDS = ("input", "filter")

#: What stands where a unit should have an operand and has none; no operand can have this value.
MISSING = np.iinfo(np.int64).min

#: By level, outermost first, a unit: down to a PE, or to a cluster.
Path = tuple[int, ...]
Element = tuple[str, int]


@dataclass
class Work:
    """What a PE did for one output: products added up, and the operands it did not have for them."""

    products: int = 0
    missing: set[Element] = field(default_factory=set)


class _Arrays:
    """A step's values: its units' operand tiles, and the outputs that have come back from units that are clusters.

    ``returned`` are the partial sums that PEs begin with: their entries, and the values.
    """

    __slots__ = ("operands", "outputs", "path", "returned", "step")

    def __init__(self, path: Path, step: Step, operands: list[Integers], outputs: Integers | None) -> None:
        self.path = path
        self.step = step
        self.operands = operands
        self.outputs = outputs
        self.returned: tuple[Integers, Integers] | None = None


class _Buffers:
    """What the units of one cluster hold: operands by the step they are from, and the outputs that stayed."""

    __slots__ = ("departure", "held", "outputs", "step")

    def __init__(self) -> None:
        self.held: list[tuple[int, Step, list[Integers]]] = []
        self.step: Step | None = None
        self.outputs = np.zeros(0, np.int64)
        self.departure: Departure | None = None


class DataPlane:
    """The probe. ``output`` is what is in the L2; ``missing``, ``missing_operands`` and ``work`` as in `Execution`."""

    #: missing operands that are noted down
    LISTED = 100

    def __init__(self, layer: Layer, inputs: Integers, filters: Integers, watched: Iterable[int] = ()) -> None:
        self._elements = Elements(layer)
        self._l2 = (inputs.ravel(), filters.ravel())
        self._flat_output = np.zeros(self._elements.sizes["output"], np.int64)
        self._watched = np.array(sorted(watched), np.int64)
        self._movements: dict[int, Movements] = {}
        self._steps: dict[object, _Arrays] = {}
        self._buffers: dict[Cluster, _Buffers] = {}
        self._incomplete = False
        self.missing: list[tuple[Path, str, int]] = []
        self.missing_operands = 0
        self.work: dict[int, dict[Path, Work]] = {int(index): {} for index in self._watched}

    @property
    def output(self) -> Integers:
        """The output as it is in the L2, in the shape of its axes."""
        return self._flat_output.reshape(self._elements.shapes["output"])

    def sent(self, cluster: Cluster, delivery: Delivery) -> None:
        """Let the units take what a step sends them out of the buffer above."""
        step, activity = delivery.planned.step, delivery.planned.activity
        shape, active = step.shape, step.shape.active
        movements, buffers = self._plans(cluster), self._of(cluster)
        above = self._steps.get(delivery.within)
        last = [(units & active, then, arrays) for units, then, arrays in buffers.held if units & active]
        found: list[Integers] = []
        for part, tensor in enumerate(OPERANDS):
            held = tuple([(u, then.shape, self._away(tensor, then, step)) for u, then, _ in last])
            moved = activity.input if part == 0 else activity.filter
            deliveries = partial(cluster.network.blueprint.deliveries, moved, part)
            plan = movements.transfer(tensor, shape, held, activity, deliveries)
            if plan.unchanged:
                found.append(last[0][2][part])
                continue
            if len(plan.received) == plan.size:
                found.append(self._upstream(above, cluster, part, plan, step))
                continue
            values = np.full(plan.size, MISSING)
            for copies, (_, _, arrays) in zip(plan.kept, last, strict=True):
                values[copies.to] = arrays[part][copies.source]
            if len(plan.received):
                values[plan.received] = self._upstream(above, cluster, part, plan, step)
            self._incomplete = self._incomplete or len(plan.lost) > 0
            found.append(values)
        idle = [(units & ~active, then, arrays) for units, then, arrays in buffers.held if units & ~active]
        buffers.held = [(active, step, found), *idle]
        path = () if above is None else (*above.path, cluster.number)
        outputs = None if cluster.innermost else np.zeros(len(movements.layout("output", shape).units), np.int64)
        begun = self._steps[delivery] = _Arrays(path, step, found, outputs)
        if delivery.back is not None:
            if outputs is not None:  # sums may return from there before the step is over
                self._carry(movements, buffers, step, outputs)
            self._return(cluster, delivery.back, begun, above)

    def _return(self, cluster: Cluster, back: Back, arrays: _Arrays, above: _Arrays | None) -> None:
        """Move the partial sums that return out of the buffer above to the units that they are for."""
        if not back.elements:
            return
        elements, entries = np.array(back.elements), np.empty(len(back.elements), np.int64)
        for unit in set(back.units):
            chosen = np.array(back.units) == unit
            entries[chosen] = self._entries(cluster.level, arrays.step, unit, elements[chosen])
        if above is None:
            values = self._flat_output[elements]
            self._flat_output[elements] = 0
        else:
            assert above.outputs is not None, "only clusters have units that are clusters"
            there = self._entries(cluster.level - 1, above.step, cluster.number, elements)
            values = above.outputs[there]
            above.outputs[there] = 0
        if arrays.outputs is None:
            arrays.returned = entries, values
        else:
            arrays.outputs[entries] += values

    def _entries(self, level: int, step: Step, unit: int, elements: Integers) -> Integers:
        """Return where output elements of a unit stand among a step's."""
        layout = self._movements[level].layout("output", step.shape)
        tile = layout.entries[unit]
        tiles: Integers = layout.elements[tile] + self._elements.base("output", step.origin)
        return np.asarray(np.searchsorted(tiles, elements) + tile.start, np.int64)

    def computed(self, cluster: Cluster, delivery: Delivery) -> None:
        """Add what the step's units made of it to the outputs that they have kept."""
        done, movements, buffers = self._steps.pop(delivery), self._plans(cluster), self._of(cluster)
        outputs = self._multiplied(done, movements) if done.outputs is None else done.outputs
        if done.returned is not None:
            entries, values = done.returned
            outputs[entries] += values
        if done.outputs is None or delivery.back is None:
            self._carry(movements, buffers, done.step, outputs)
        buffers.step, buffers.outputs, buffers.departure = done.step, outputs, None

    def _carry(self, movements: Movements, buffers: _Buffers, step: Step, outputs: Integers) -> None:
        """Add the outputs that the units have kept from the step before."""
        if buffers.step is not None:
            away = self._away("output", buffers.step, step)
            kept = movements.carried(step.shape, buffers.step.shape, away, buffers.departure)
            if len(kept.to):
                outputs[kept.to] += buffers.outputs[kept.source]

    def drained(self, cluster: Cluster, delivery: Delivery) -> None:
        """Add the outputs that leave to each other, and to what is in the buffer above."""
        step, upcoming = delivery.planned.step, delivery.planned.upcoming
        buffers = self._of(cluster)
        then = None if upcoming is None else (upcoming.shape, self._away("output", upcoming, step))
        plan = self._plans(cluster).departure(step.shape, then, delivery.planned.activity)
        buffers.departure = plan
        if not len(plan.starts):
            return
        leaving = buffers.outputs[plan.leaving]
        if len(plan.starts) != len(leaving):
            leaving = np.add.reduceat(leaving, plan.starts)
        above = self._steps.get(delivery.within)
        if above is None:
            self._flat_output[plan.elements + self._elements.base("output", step.origin)] += leaving
            return
        to, tile = self._tile_above("output", above, cluster, plan, step)
        assert above.outputs is not None, "only clusters have units that are clusters"
        inside = above.outputs[tile]
        if to.min() < 0:
            to, leaving = to[to >= 0], leaving[to >= 0]
        inside[to] += leaving

    def left(self, cluster: Cluster, delivery: Delivery) -> None:
        """Nothing: the outputs have been added up."""

    def _plans(self, cluster: Cluster) -> Movements:
        if cluster.level not in self._movements:
            self._movements[cluster.level] = Movements(self._elements)
        return self._movements[cluster.level]

    def _of(self, cluster: Cluster) -> _Buffers:
        if cluster not in self._buffers:
            self._buffers[cluster] = _Buffers()
        return self._buffers[cluster]

    def _away(self, tensor: str, step: Step, to: Step) -> int:
        return self._elements.base(tensor, step.origin) - self._elements.base(tensor, to.origin)

    def _upstream(self, above: _Arrays | None, cluster: Cluster, part: int, plan: Transfer, step: Step) -> Integers:
        """Return what is in the buffer above of the elements that a step sends."""
        tensor = OPERANDS[part]
        if above is None:
            return self._l2[part][plan.elements + self._elements.base(tensor, step.origin)]
        at, tile = self._tile_above(tensor, above, cluster, plan, step)
        values = above.operands[part][tile][at]
        if at.min() < 0:
            values[at < 0] = MISSING
            self._incomplete = True
        return values

    def _tile_above(
        self, tensor: str, above: _Arrays, cluster: Cluster, plan: Transfer | Departure, step: Step
    ) -> tuple[Integers, slice]:
        """Return where the plan's elements are in the cluster's own tile under the enclosing step, and its entries."""
        unit = cluster.number
        lengths, offset = above.step.shape.region(unit)
        away = self._away(tensor, step, above.step) - self._elements.base(tensor, offset)
        key = (lengths, away)
        found = plan.known.get(key)
        if found is None:
            found = plan.known[key] = places(self._elements.tile(tensor, lengths), plan.elements + away)
        return found, self._movements[cluster.level - 1].layout(tensor, above.step.shape).entries[unit]

    def _multiplied(self, done: _Arrays, movements: Movements) -> Integers:
        """Return the outputs that the PEs make of their operands."""
        shape = done.step.shape
        absent = [values == MISSING for values in done.operands] if self._incomplete else None
        if absent is not None:
            for part, tensor in enumerate(OPERANDS):
                self._note_missing(tensor, done, movements, absent[part])
            done.operands = [np.where(a, 0, values) for a, values in zip(absent, done.operands, strict=True)]
        if len(self._watched):
            self._follow(done, movements, absent)
        inputs, filters = done.operands
        products = movements.products(shape)
        if products is not None:
            return np.add.reduceat(inputs[products.input] * filters[products.filter], products.starts)
        own, theirs = (movements.layout(tensor, shape).entries for tensor in OPERANDS)
        return np.concatenate(
            [self._elements.multiply(shape.region(pe)[0], inputs[own[pe]], filters[theirs[pe]]) for pe in shape.members]
        )

    def _note_missing(self, tensor: str, done: _Arrays, movements: Movements, absent: Integers) -> None:
        layout, base = movements.layout(tensor, done.step.shape), self._elements.base(tensor, done.step.origin)
        entries = np.flatnonzero(absent)
        self.missing_operands += len(entries)
        for entry in entries[: self.LISTED - len(self.missing)]:
            path = (*done.path, int(layout.units[entry]))
            self.missing.append((path, tensor, int(layout.elements[entry]) + base))

    def _follow(self, done: _Arrays, movements: Movements, absent: list[Integers] | None) -> None:
        """Note who does what for the outputs that are watched."""
        shape = done.step.shape
        bases = {tensor: self._elements.base(tensor, done.step.origin) for tensor in TENSORS}
        outputs = movements.layout("output", shape).elements + bases["output"]
        for entry in np.flatnonzero(np.isin(outputs, self._watched)):
            pe = int(movements.layout("output", shape).units[entry])
            lengths = shape.region(pe)[0]
            products = self._elements.products(lengths)
            first = int(entry) - movements.layout("output", shape).entries[pe].start
            points = slice(products.starts[first], [*products.starts, len(products.input)][first + 1])
            work = self.work[int(outputs[entry])].setdefault((*done.path, pe), Work())
            work.products += int(points.stop - points.start)
            for part, tensor in enumerate(OPERANDS if absent is not None else ()):
                assert absent is not None
                layout = movements.layout(tensor, shape)
                operands = layout.entries[pe].start + products[part][points]
                work.missing |= {
                    (tensor, int(layout.elements[o]) + bases[tensor]) for o in operands[absent[part][operands]]
                }
