"""Hypothesis strategies for dataflows of every kind: arbitrary ones, and one with a single map changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from dataflow.directives import Cluster, Dataflow, Directive, Map
from dataflow.expressions import Number
from dataflow.hardware import Machine
from dataflow.layers import Layer
from validation.strategies_dataflows import cluster_sizes, dataflows, draw_map


@st.composite
def arbitrary_dataflows(draw: DrawFn, layer: Layer, machine: Machine, max_levels: int = 3) -> Dataflow:
    """Draw any dataflow that binds to ``layer`` on ``machine``: most repeat work or leave some out.

    Half are legal ones with up to three sizes, offsets or kinds changed or maps left out, the others made of
    maps at random. Chunks overlap so little that no point is computed more than some hundred times.
    """
    if draw(st.booleans()):
        dataflow = draw(dataflows(layer, machine, max_levels=max_levels))
        for _ in range(draw(st.integers(1, 3))):
            dataflow = draw(spoiled(layer, dataflow))
        return dataflow
    sizes = draw(cluster_sizes(layer, machine.pes, max_levels))
    directives: list[Directive] = []
    patience = [8]
    for depth in range(len(sizes) + 1):
        if depth:
            directives.append(Cluster(Number(sizes[depth - 1])))
        for dimension in draw(st.lists(st.sampled_from(list(layer.sizes)), max_size=5, unique=True)):
            directives.append(_any_map(draw, layer, dimension, patience))
    return Dataflow("arbitrary", tuple(directives))


def _any_map(draw: DrawFn, layer: Layer, dimension: str, patience: list[int]) -> Map:
    """Draw a map; ``patience`` holds how often work may still be repeated by overlapping chunks."""
    extent = layer.sizes[dimension]
    size = draw(st.integers(1, extent + 1))
    offset = draw(st.one_of(st.just(size), st.integers(1, extent + 1)))
    if size < extent:
        overlap = -(-size // offset)
        if overlap > patience[0]:
            offset, overlap = size, 1
        patience[0] //= overlap
    return draw_map(draw, layer, (dimension, size, offset), spatial=draw(st.booleans()))


@st.composite
def spoiled(draw: DrawFn, layer: Layer, dataflow: Dataflow) -> Dataflow:
    """Draw ``dataflow`` with one of its maps changed: its size, its offset or its kind, or left out."""
    directives = list(dataflow.directives)
    places = _effective_maps(layer, directives)
    if not places:
        return dataflow
    place = draw(st.sampled_from(places))
    chosen = directives[place]
    assert isinstance(chosen, Map), "only maps were offered"
    change = draw(st.sampled_from(("left out", "kind", "size", "offset")))
    if change == "left out":
        del directives[place]
    elif change == "kind":
        directives[place] = replace(chosen, spatial=not chosen.spatial)
    else:
        value = Number(draw(st.integers(1, layer.sizes[chosen.dimension] + 1)))
        directives[place] = replace(chosen, size=value) if change == "size" else replace(chosen, offset=value)
    return replace(dataflow, name="spoiled", directives=tuple(directives))


def _effective_maps(layer: Layer, directives: Sequence[Directive]) -> list[int]:
    """Return where the maps stand that do something: not of one element, the first of their dimension at a level."""
    places = []
    seen: set[str] = set()
    for place, directive in enumerate(directives):
        if isinstance(directive, Cluster):
            seen = set()
        elif directive.dimension not in seen:
            seen.add(directive.dimension)
            if layer.sizes[directive.dimension] > 1:
                places.append(place)
    return places
