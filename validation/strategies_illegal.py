"""A Hypothesis strategy for dataflows that do not compute their layer: legal ones, spoiled.

That they are illegal is found out by enumerating the points, not by the legality check, which they are meant to test.
"""

from __future__ import annotations

from hypothesis import reject
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from dataflow.directives import Dataflow, Map
from dataflow.expressions import Number
from dataflow.hardware import Machine
from dataflow.layers import Layer
from dataflow.levels import bind
from validation.reference import computed_points
from validation.strategies_arbitrary import spoiled
from validation.strategies_dataflows import dataflows

#: changes made to a legal dataflow before a map is added that is sure to leave work out
_ATTEMPTS = 3


@st.composite
def illegal_dataflows(draw: DrawFn, layer: Layer, machine: Machine, max_levels: int = 3) -> Dataflow:
    """Draw a dataflow that binds to ``layer`` on ``machine`` and misses or repeats some point of it.

    One of a legal dataflow's maps is left out, or has another size, offset or kind; where that does no harm, up to
    three are. Meant for layers of some thousand MACs at most. One MAC on one PE cannot be spoiled: it is rejected.
    """
    if layer.macs == machine.pes == 1:
        reject()
    dataflow = draw(dataflows(layer, machine, max_levels=max_levels))
    for _ in range(_ATTEMPTS):
        dataflow = draw(spoiled(layer, dataflow))
        if not computes_once(layer, dataflow, machine):
            return dataflow
    return draw(_surely_illegal(layer))


def computes_once(layer: Layer, dataflow: Dataflow, machine: Machine) -> bool:
    """Tell by enumeration whether every point of the iteration space is computed exactly once."""
    times = computed_points(bind(layer, dataflow, machine.pes))
    return len(times) == layer.macs and set(times.values()) == {1}


@st.composite
def _surely_illegal(draw: DrawFn, layer: Layer) -> Dataflow:
    """Draw one of the plainest illegal dataflows: a gap after the first index, or, of one MAC, PEs doing the same."""
    long = [dimension for dimension in layer.dimensions if layer.sizes[dimension] > 1]
    if not long:
        return Dataflow("repeated", ())
    dimension = draw(st.sampled_from(long))
    return Dataflow("gap", (Map(False, Number(1), Number(2), dimension),))
