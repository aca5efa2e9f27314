"""Hypothesis strategies for layers, machines and whole cases; every choice shrinks towards the plainest one.

Dataflows come from `validation.strategies_dataflows`, `validation.strategies_arbitrary` and
`validation.strategies_illegal`; their strategies are offered here as well.
"""

from __future__ import annotations

from typing import Literal

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from dataflow.directives import Dataflow
from dataflow.hardware import KEYS_OF_TOPOLOGIES, Collection, Distribution, LevelNetwork, Machine
from dataflow.layers import OPERATIONS, Layer
from validation.strategies_arbitrary import arbitrary_dataflows
from validation.strategies_dataflows import dataflows
from validation.strategies_illegal import illegal_dataflows

__all__ = [
    "arbitrary_dataflows",
    "cases",
    "dataflows",
    "illegal_cases",
    "illegal_dataflows",
    "layers",
    "machines",
    "rich_machines",
]

Case = tuple[Layer, Dataflow, Machine]

_TYPES = ("GEMM", "CONV", "NGCONV", "DSCONV", "TRCONV")
_TAPS = st.integers(1, 5)
#: Small sizes more often: a layer has many dimensions to share its MACs among.
_SIZES = st.one_of(st.integers(1, 4), st.integers(1, 17))
_PES = st.integers(1, 40)
_BANDWIDTHS = st.one_of(st.integers(1, 4), st.integers(1, 64))
_LATENCIES = st.integers(0, 5)
_REDUCTIONS: tuple[Literal["none", "chain", "tree"], ...] = ("none", "chain", "tree")


@st.composite
def layers(draw: DrawFn, max_macs: int = 2000, types: tuple[str, ...] = _TYPES) -> Layer:
    """Draw a layer of at most ``max_macs`` MACs: strides, dilations, groups, batches and primes included."""
    type_ = draw(st.sampled_from(types))
    operation = OPERATIONS[type_]
    sizes: dict[str, int] = {}
    budget = min(draw(st.sampled_from((50, 200, 500, max_macs))), max_macs)
    for dimension in draw(st.permutations(operation.dimensions)):
        size = 1 if dimension in operation.fixed_to_one else draw(_TAPS if dimension in ("R", "S") else _SIZES)
        sizes[dimension] = min(size, budget)
        budget //= sizes[dimension]
    if type_ == "GEMM":
        return Layer.of("gemm", type_, sizes)
    stride, dilation = (draw(st.tuples(st.integers(1, 3), st.integers(1, 3))) for _ in range(2))
    exact = Layer.of(type_.lower(), type_, sizes, stride=stride, dilation=dilation)
    terse = draw(st.booleans())
    stated = {dimension: size for dimension, size in sizes.items() if size > 1 or not terse}
    for window in exact.windows:
        if draw(st.booleans()):
            stated.pop(window.slide, None)
            stated[window.name] = exact.sizes[window.name] + draw(st.integers(0, window.stride - 1))
    return Layer.of(type_.lower(), type_, stated, stride=stride, dilation=dilation)


@st.composite
def machines(
    draw: DrawFn,
    pes: SearchStrategy[int] | None = None,
    bandwidths: SearchStrategy[int] | None = None,
    latencies: SearchStrategy[int] | None = None,
    max_levels: int = 3,
) -> Machine:
    """Draw a machine; by default 1 to 40 PEs, bandwidths 1 to 64 elements/cycle, latencies 0 to 5 cycles."""
    bandwidths = _BANDWIDTHS if bandwidths is None else bandwidths
    latencies = _LATENCIES if latencies is None else latencies
    return Machine(
        pes=draw(_PES if pes is None else pes),
        lanes=draw(st.integers(1, 4)),
        element_bytes=draw(st.integers(1, 2)),
        buffering=draw(st.integers(1, 3)),
        multicast=draw(st.booleans()),
        levels=tuple(_network(draw, bandwidths, latencies) for _ in range(draw(st.integers(1, max_levels)))),
    )


@st.composite
def rich_machines(
    draw: DrawFn,
    pes: SearchStrategy[int] | None = None,
    topologies: tuple[str, ...] = tuple(KEYS_OF_TOPOLOGIES),
    syncs: tuple[str, ...] = ("barrier", "dataflow"),
    held: bool = True,
    returning: bool = True,
) -> Machine:
    """Draw a machine with any switches of its networks, buffers and synchronization on.

    ``held`` allows wires as collection networks below the top, ``returning`` partial sums that return.
    """
    ups: list[dict[str, object]] = [{}, {}]
    if returning:
        ups.append({"partial_sums": "return"})
    machine = draw(machines(pes))
    levels = [
        {
            "distribution": _rich_distribution(draw, level.distribution, topologies),
            "collection": level.collection.model_dump()
            | draw(st.sampled_from([*ups, *([{"bandwidth": None}] if held or not depth else [])])),
        }
        for depth, level in enumerate(machine.levels if held else machine.levels * 2)
    ]
    switches = {
        "filter_buffering": draw(st.none() | st.integers(1, 3)),
        "output_buffering": draw(st.none() | st.integers(1, 3)),
        "sync": draw(st.sampled_from(syncs)),
    }
    return Machine.model_validate(machine.to_dict() | switches | {"levels": levels})


def _rich_distribution(draw: DrawFn, plain: Distribution, topologies: tuple[str, ...]) -> dict[str, object]:
    topology = draw(st.sampled_from(topologies))
    widths = st.integers(1, 5)
    stated: dict[str, SearchStrategy[object]] = {
        "bandwidth": st.none() | _BANDWIDTHS,
        "filter_bandwidth": st.none() | widths,
        "port_width": st.none() | widths,
        "link_widths": st.none() | st.lists(widths, min_size=1, max_size=3),
        "fanout": st.integers(2, 4),
        "hop": st.integers(0, 3),
        "columns": st.none() | st.integers(1, 8),
    }
    suited = ("bandwidth", "filter_bandwidth", *KEYS_OF_TOPOLOGIES[topology])
    return {"topology": topology, "latency": plain.latency} | {key: draw(stated[key]) for key in suited}


def _network(draw: DrawFn, bandwidths: SearchStrategy[int], latencies: SearchStrategy[int]) -> LevelNetwork:
    distribution = Distribution(bandwidth=draw(bandwidths), latency=draw(latencies))
    reduction = draw(st.sampled_from(_REDUCTIONS))
    collection = Collection(bandwidth=draw(bandwidths), latency=draw(latencies), reduction=reduction)
    return LevelNetwork(distribution=distribution, collection=collection)


@st.composite
def cases(draw: DrawFn, max_macs: int = 2000, max_pes: int = 40) -> Case:
    """Draw a layer, a dataflow that is legal for it on the machine, and the machine."""
    layer = draw(layers(max_macs=max_macs))
    machine = draw(machines(pes=st.one_of(st.integers(1, max_pes), st.integers((max_pes + 1) // 2, max_pes))))
    return layer, draw(dataflows(layer, machine)), machine


@st.composite
def illegal_cases(draw: DrawFn, max_macs: int = 500, max_pes: int = 12) -> Case:
    """Draw a layer, a dataflow that misses or repeats some of its work on the machine, and the machine."""
    layer = draw(layers(max_macs=max_macs))
    machine = draw(machines(pes=st.integers(1, max_pes)))
    return layer, draw(illegal_dataflows(layer, machine)), machine
