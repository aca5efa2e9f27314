"""Dataflow + layer + number of PEs = levels of integer maps (§2: directives, stride, units)."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod

from dataflow.directives import Cluster, Dataflow, Map
from dataflow.errors import InputError, Position
from dataflow.expressions import Expression
from dataflow.layers import Layer, Subspace, Window


@dataclass(frozen=True)
class LevelMap:
    """A map with its numbers: chunk i of ``dimension`` starts ``i · offset`` into the parent's range."""

    dimension: str
    spatial: bool
    size: int
    offset: int
    source: Map = field(compare=False)


@dataclass(frozen=True)
class Level:
    """One level of clusters: how many units each has, and its loops, outermost first.

    ``source`` is the Cluster directive that opens the level, None at the top.
    """

    units: int
    maps: tuple[LevelMap, ...]
    source: Cluster | None = field(default=None, compare=False)

    def maps_of(self, subspace: Subspace) -> tuple[LevelMap, ...]:
        """Return the maps that cut ``subspace``, in loop order."""
        return tuple(m for m in self.maps if m.dimension in subspace.names)


@dataclass(frozen=True)
class Warning:
    """Something a user should know about a dataflow that is not an error."""

    message: str
    position: Position | None = None

    def __str__(self) -> str:
        return self.message if self.position is None else f"{self.position}: {self.message}"


@dataclass(frozen=True)
class Mapping:
    """A dataflow bound to a layer and an array: the question that both models answer.

    ``levels`` is outermost first; the units of the last level are the PEs.
    """

    layer: Layer
    levels: tuple[Level, ...]
    warnings: tuple[Warning, ...] = field(default=(), compare=False)

    @property
    def units(self) -> tuple[int, ...]:
        """Units of a cluster of each level, outermost first."""
        return tuple(level.units for level in self.levels)


def bind(layer: Layer, dataflow: Dataflow, pes: int) -> Mapping:
    """Evaluate ``dataflow`` for ``layer`` on ``pes`` PEs.

    Raises `InputError`, at the directive, for an unknown dimension, a size or offset below 1, a second spatial
    map of a dimension, or clusters that need more PEs than there are.
    """
    sections = _sections(dataflow)
    inner_units = [_positive(layer, cluster.size, cluster, "cluster size") for cluster, _ in sections[1:] if cluster]
    needed = prod(inner_units)
    if needed > pes:
        raise InputError(
            f"{dataflow.name}: clusters of {' × '.join(map(str, inner_units))} PEs are larger than the array of {pes}; "
            f"{needed} PEs are needed",
            sections[-1][0].position if sections[-1][0] else dataflow.position,
        )
    warnings: list[Warning] = []
    taken_in_pieces: set[str] = set()
    levels = []
    for (cluster, maps), units in zip(sections, [pes // needed, *inner_units], strict=True):
        chosen = _without_second_maps(maps, warnings)
        for window in layer.windows:
            if any(m.dimension == window.tap and _size(layer, m) < layer.sizes[window.tap] for m in chosen):
                taken_in_pieces.add(window.tap)
        levels.append(Level(units, tuple(_level_map(layer, m, taken_in_pieces, warnings) for m in chosen), cluster))
    return Mapping(layer, tuple(levels), tuple(warnings))


def _sections(dataflow: Dataflow) -> list[tuple[Cluster | None, list[Map]]]:
    """Split the directives at the clusters: (the Cluster above, the maps below it), the top level first."""
    sections: list[tuple[Cluster | None, list[Map]]] = [(None, [])]
    for directive in dataflow.directives:
        if isinstance(directive, Cluster):
            sections.append((directive, []))
        else:
            sections[-1][1].append(directive)
    return sections


def _without_second_maps(maps: list[Map], warnings: list[Warning]) -> list[Map]:
    chosen: dict[str, Map] = {}
    for candidate in maps:
        if candidate.dimension not in chosen:
            chosen[candidate.dimension] = candidate
            continue
        first = chosen[candidate.dimension]
        place = f" (first: line {first.position.line})" if first.position else ""
        if candidate.spatial:
            raise InputError(
                f"{candidate}: {candidate.dimension} is mapped a second time at this level{place}; "
                "a spatial map has to be the only one of its dimension",
                candidate.position,
            )
        warnings.append(
            Warning(
                f"{candidate} ignored: {candidate.dimension} is already mapped at this level{place}",
                candidate.position,
            )
        )
    return list(chosen.values())


def _level_map(layer: Layer, source: Map, taken_in_pieces: set[str], warnings: list[Warning]) -> LevelMap:
    size = _size(layer, source)
    offset = _positive(layer, source.offset, source, "offset")
    for window in layer.windows:
        if source.dimension == window.name and window.tap not in taken_in_pieces:
            offset = _strided_offset(layer, source, window, size, offset, warnings)
    return LevelMap(source.dimension, source.spatial, size, offset, source)


def _strided_offset(layer: Layer, source: Map, window: Window, size: int, offset: int, warnings: list[Warning]) -> int:
    """Read the offset of a windowed map in a strided layer: the outputs that a chunk holds, times the stride.

    Files written for stride 1 state the number of outputs; with whole filters only its multiple by the stride
    makes successive chunks meet.
    """
    reach = window.extent(1, layer.sizes[window.tap])
    if window.stride == 1 or size < reach:
        return offset
    outputs = (size - reach) // window.stride + 1
    if offset not in (outputs, outputs * window.stride):
        warnings.append(
            Warning(
                f"{source}: offset {offset} read as {outputs * window.stride}: a chunk of {size} holds {outputs} "
                f"{window.slide} at stride {window.stride}",
                source.position,
            )
        )
    return outputs * window.stride


def _size(layer: Layer, source: Map) -> int:
    known = layer.sizes
    if source.dimension not in known:
        raise InputError(
            f"{source}: a {layer.type} has no dimension {source.dimension}; its dimensions are {' '.join(known)}",
            source.position,
        )
    return _positive(layer, source.size, source, "size")


def _positive(layer: Layer, expression: Expression, source: Map | Cluster, label: str) -> int:
    value = expression.evaluate(layer.sizes)
    if value < 1:
        raise InputError(f"{source}: {label} is {value}; it has to be at least 1", source.position)
    return value
