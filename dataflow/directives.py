"""Directives as written: maps and clusters with symbolic sizes, before they meet a layer."""

from __future__ import annotations

from dataclasses import dataclass, field

from dataflow.errors import Position
from dataflow.expressions import Expression
from dataflow.layers import Layer


@dataclass(frozen=True)
class Map:
    """``TemporalMap(size, offset) D`` or ``SpatialMap(size, offset) D``; sizes in elements."""

    spatial: bool
    size: Expression
    offset: Expression
    dimension: str
    position: Position | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return f"{'Spatial' if self.spatial else 'Temporal'}Map({self.size},{self.offset}) {self.dimension}"


@dataclass(frozen=True)
class Cluster:
    """``Cluster(size, P|L)``: what follows is done by clusters of ``size`` units each."""

    size: Expression
    kind: str = "P"
    position: Position | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return f"Cluster({self.size}, {self.kind})"


Directive = Map | Cluster


@dataclass(frozen=True)
class Dataflow:
    """A named list of directives, outermost first."""

    name: str
    directives: tuple[Directive, ...]
    position: Position | None = field(default=None, compare=False)


@dataclass(frozen=True)
class MappedLayer:
    """A layer together with the dataflow that is to compute it (None in a model file)."""

    layer: Layer
    dataflow: Dataflow | None


@dataclass(frozen=True)
class Network:
    """A named sequence of layers, each with its dataflow."""

    name: str
    layers: tuple[MappedLayer, ...]
    position: Position | None = field(default=None, compare=False)
