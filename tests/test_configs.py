"""What is shipped is right: networks have their published sizes, dataflows are legal wherever they are meant for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import product
from math import prod

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataflow import catalog
from dataflow.directives import Dataflow
from dataflow.layers import TENSORS, Layer
from dataflow.legality import check
from dataflow.levels import Mapping, bind
from dataflow.reader import parse_dataflow
from dataflow.regions import Box, cut, trips, whole

CONVOLUTIONAL = ("kcp_ws", "xp_ws", "yxp_os", "yr_rs", "nlr", "maeri")


@cache
def _layers(network: str) -> tuple[Layer, ...]:
    return tuple(mapped.layer for mapped in catalog.network(network).layers)


@cache
def _template(name: str) -> Dataflow:
    return catalog.dataflow(name)


def _macs(network: str) -> int:
    return sum(layer.macs for layer in _layers(network))


def _served(network: str) -> Iterator[tuple[str, Layer]]:
    """Yield every (dataflow, layer) of a network that go together, layers of the same shape once."""
    shapes = {(layer.type, *layer.sizes.values(), layer.stride): layer for layer in _layers(network)}
    for name in catalog.names("dataflows"):
        yield from ((name, layer) for layer in shapes.values() if layer.type in catalog.layer_types(name))


# Networks


def test_alexnet_has_its_published_size() -> None:
    """Outputs · weights of each: groups halve the C that a filter sees in conv2, conv4 and conv5."""
    convolutions = (
        55**2 * 96 * 3 * 11**2
        + 27**2 * 256 * 48 * 5**2
        + 13**2 * (384 * 256 + 384 * 192 + 256 * 192) * 3**2
    )  # fmt: skip
    fully_connected = 9216 * 4096 + 4096 * 4096 + 4096 * 1000
    assert _macs("alexnet") == convolutions + fully_connected == 724_406_816


def test_vgg16_has_its_published_size() -> None:
    """Per stage, at 224, 112, 56, 28 and 14: outputs² · 9 · sum of K·C."""
    stages = (
        224**2 * (64 * 3 + 64 * 64)
        + 112**2 * (128 * 64 + 128 * 128)
        + 56**2 * (256 * 128 + 2 * 256 * 256)
        + 28**2 * (512 * 256 + 2 * 512 * 512)
        + 14**2 * (3 * 512 * 512)
    )
    fully_connected = 7 * 7 * 512 * 4096 + 4096 * 4096 + 4096 * 1000
    assert _macs("vgg16") == 9 * stages + fully_connected == 15_470_264_320


def test_resnet50_has_its_published_size() -> None:
    """A bottleneck of width m on a map of side y does y²·(C·m + 9·m² + m·4m), the first of a stage y²·C·4m more."""
    total = 112**2 * 64 * 3 * 7**2 + 2048 * 1000
    channels = 64
    for side, width, blocks in ((56, 64, 3), (28, 128, 4), (14, 256, 6), (7, 512, 3)):
        total += side**2 * channels * 4 * width
        for _ in range(blocks):
            total += side**2 * (channels * width + 9 * width**2 + 4 * width**2)
            channels = 4 * width
    assert _macs("resnet50") == total == 3_857_973_248
    assert len(_layers("resnet50")) == 1 + 16 * 3 + 4 + 1


def test_mobilenet_v2_has_its_published_size() -> None:
    """A block of expansion t does side²·C·tC (none for t = 1), then 9·tC and tC·K at the output's side."""
    total = 112**2 * 32 * 3 * 9 + 7**2 * 320 * 1280 + 1280 * 1000
    channels, side = 32, 112
    table = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
    for expansion, width, blocks, first_stride in table:
        for block in range(blocks):
            inner = expansion * channels
            total += side**2 * channels * inner * (expansion > 1)
            side //= first_stride if block == 0 else 1
            total += side**2 * (9 * inner + inner * width)
            channels = width
    assert _macs("mobilenet_v2") == total == 300_774_272
    assert Counter(layer.type for layer in _layers("mobilenet_v2")) == {"CONV": 36, "DSCONV": 17}


def test_bert_base_encoder_has_its_published_size() -> None:
    """Four projections of 768 x 768, two products per head of 64, two feed-forward products, for 384 tokens."""
    total = 384 * (4 * 768**2 + 2 * 12 * 384 * 64 + 2 * 768 * 3072)
    assert _macs("bert_base_encoder") == total == 2_944_401_408
    assert len(_layers("bert_base_encoder")) == 4 + 2 * 12 + 2


def test_unet_has_its_published_size() -> None:
    """Sides of the outputs in figure 1 of the paper; an up-convolution does 4·K·C for each of its inputs."""
    down = [(570, 1, 64), (568, 64, 64), (282, 64, 128), (280, 128, 128), (138, 128, 256), (136, 256, 256)]
    down += [(66, 256, 512), (64, 512, 512), (30, 512, 1024), (28, 1024, 1024)]
    up = [(54, 1024, 512), (52, 512, 512), (102, 512, 256), (100, 256, 256), (198, 256, 128), (196, 128, 128)]
    up += [(390, 128, 64), (388, 64, 64)]
    total = sum(9 * side**2 * c * k for side, c, k in down + up)
    total += sum(4 * side**2 * c * c // 2 for side, c in ((28, 1024), (52, 512), (100, 256), (196, 128)))
    total += 388**2 * 64 * 2
    assert _macs("unet") == total
    upsampled = [layer.sizes["Y'"] for layer in _layers("unet") if layer.type == "TRCONV"]
    assert upsampled == [56, 104, 200, 392]


# Dataflows


def test_shipped_dataflows_are_meant_for_every_layer_type() -> None:
    assert {name: catalog.layer_types(name) for name in catalog.names("dataflows")} == {
        **dict.fromkeys(CONVOLUTIONAL, ("CONV", "NGCONV", "DSCONV", "TRCONV")),
        "gemm_nmk": ("GEMM",),
    }


@pytest.mark.parametrize("network", catalog.names("networks"))
def test_every_dataflow_is_legal_on_every_layer_it_is_meant_for(network: str) -> None:
    """Without a warning, on every shipped machine with enough PEs for its clusters; that is 256 for all of them."""
    arrays = {catalog.machine(name).pes for name in catalog.names("hardware")} | {256}
    for name, layer in _served(network):
        needed = prod(bind(layer, _template(name), 256).units[1:])
        for pes in arrays:
            if needed <= pes:
                mapping = bind(layer, _template(name), pes)
                assert (mapping.warnings, check(mapping)) == ((), None), (name, layer, pes)


@st.composite
def _convolutions(draw: st.DrawFn) -> Layer:
    """Convolutions of any stride and dilation; transposed ones undilated and with a stride of at least 2."""
    type_ = draw(st.sampled_from(("CONV", "NGCONV", "DSCONV", "TRCONV")))
    pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))
    taps = draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    sizes = dict(zip("RS", taps, strict=True)) | {"C": draw(st.integers(1, 70)), "N": draw(st.integers(1, 2))}
    if type_ != "DSCONV":
        sizes["K"] = draw(st.integers(1, 5))
    if type_ == "NGCONV":
        sizes["G"] = draw(st.integers(1, 3))
    if type_ == "TRCONV":
        stride, dilation = draw(st.tuples(st.integers(2, 4), st.integers(2, 4))), (1, 1)
        sizes |= {"Y": draw(st.integers(1, 12)), "X": draw(st.integers(1, 40))}
    else:
        stride, dilation = draw(pairs), draw(pairs)
        sizes |= {"Y'": draw(st.integers(1, 12)), "X'": draw(st.integers(1, 40))}
        for axis, tap, sigma, delta in (("Y", 0, stride[0], dilation[0]), ("X", 1, stride[1], dilation[1])):
            slack = draw(st.integers(0, sigma - 1))  # rows at the end that no window reaches
            sizes[axis] = sigma * (sizes.pop(f"{axis}'") - 1) + delta * (taps[tap] - 1) + 1 + slack
    return Layer.of("drawn", type_, sizes, stride=stride, dilation=dilation)


@given(_convolutions(), st.sampled_from(CONVOLUTIONAL), st.integers(64, 256))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_convolutional_dataflows_are_legal_on_any_convolution(layer: Layer, name: str, pes: int) -> None:
    assert check(bind(layer, _template(name), pes)) is None


@given(*[st.integers(1, 60)] * 3, st.integers(16, 70))
@settings(max_examples=50, deadline=None, derandomize=True)
def test_gemm_dataflow_is_legal_on_any_product(m: int, n: int, k: int, pes: int) -> None:
    layer = Layer.of("drawn", "GEMM", {"M": m, "N": n, "K": k})
    assert check(bind(layer, _template("gemm_nmk"), pes)) is None


#: The dataflows as they were published, for convolutions of stride 1.
PUBLISHED = {
    "kcp_ws": """SpatialMap(1,1) K; TemporalMap(64,64) C; TemporalMap(Sz(R),Sz(R)) R; TemporalMap(Sz(S),Sz(S)) S;
        TemporalMap(Sz(R),1) Y; TemporalMap(Sz(S),1) X; Cluster(64, P); SpatialMap(1,1) C;""",
    "xp_ws": """TemporalMap(1,1) K; TemporalMap(1,1) C; TemporalMap(Sz(R),1) Y; SpatialMap(Sz(S),1) X;
        TemporalMap(Sz(R),Sz(R)) R; TemporalMap(Sz(S),Sz(S)) S;""",
    "yxp_os": """TemporalMap(1,1) K; TemporalMap(1,1) C; SpatialMap(Sz(R),1) Y; TemporalMap(8+Sz(S)-1,8) X;
        TemporalMap(Sz(R),Sz(R)) R; TemporalMap(Sz(S),Sz(S)) S; Cluster(8, P); SpatialMap(Sz(S),1) X;""",
    "yr_rs": """TemporalMap(2,2) K; TemporalMap(2,2) C; TemporalMap(Sz(R),Sz(R)) R; SpatialMap(Sz(R),1) Y;
        TemporalMap(Sz(S),1) X; Cluster(Sz(R), P); SpatialMap(1,1) Y; SpatialMap(1,1) R; TemporalMap(Sz(S),Sz(S)) S;""",
    "nlr": """TemporalMap(1,1) K; TemporalMap(Sz(R),1) Y; TemporalMap(Sz(S),1) X; TemporalMap(Sz(R),Sz(R)) R;
        TemporalMap(Sz(S),Sz(S)) S; SpatialMap(1,1) C;""",
    "maeri": """TemporalMap(1,1) C; SpatialMap(1,1) K; TemporalMap(1,1) Y'; TemporalMap(1,1) X';
        Cluster(Sz(R), P); SpatialMap(1,1) Y; SpatialMap(1,1) R;
        Cluster(Sz(S), P); SpatialMap(1,1) X; SpatialMap(1,1) S;""",
}


def _schedule(mapping: Mapping, boxes: tuple[Box, ...], depth: int = 0) -> object:
    """Return who works on what and when: the non-empty steps of a level, each with its active units' sub-schedules."""
    if depth == len(mapping.levels):
        return boxes
    level, subspaces = mapping.levels[depth], mapping.layer.subspaces
    places = [next(i for i, s in enumerate(subspaces) if m.dimension in s.names) for m in level.maps]
    loops = [range(trips(subspaces[i], boxes[i], m, level.units)) for m, i in zip(level.maps, places, strict=True)]
    steps = []
    for indices in product(*loops):
        active = {}
        for unit in range(level.units):
            found = tuple(
                cut(
                    s,
                    box,
                    level.maps_of(s),
                    [n for n, p in zip(indices, places, strict=True) if p == i],
                    unit,
                    level.units,
                )
                for i, (s, box) in enumerate(zip(subspaces, boxes, strict=True))
            )
            region = tuple(box for box in found if box is not None)
            if len(region) == len(found):
                active[unit] = _schedule(mapping, region, depth + 1)
        steps += [active] if active else []
    return steps


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize("taps", [(3, 3), (1, 1), (2, 4)])
def test_a_convolution_is_scheduled_as_published(name: str, taps: tuple[int, int]) -> None:
    layer = Layer.of("small", "CONV", {"K": 3, "C": 3, "R": taps[0], "S": taps[1], "Y": 6, "X": 13})
    published = parse_dataflow(f"Dataflow {name} {{ {PUBLISHED[name]} }}")
    pes = 128 if name == "kcp_ws" else 16
    shipped = bind(layer, _template(name), pes)
    assert _schedule(shipped, whole(layer)) == _schedule(bind(layer, published, pes), whole(layer))


# Hardware and technologies


def _elements(layer: Layer, boxes: list[Box]) -> int:
    """Return the elements of a region's three tiles; where a stride skips rows they count too."""
    extents = dict.fromkeys((*layer.sizes,), 1)
    for subspace, box in zip(layer.subspaces, boxes, strict=True):
        counts = [high - low for low, high in box]
        extents |= dict(zip(subspace.dimensions, counts, strict=True))
        if subspace.window is not None:
            extents[subspace.window.name] = subspace.window.extent(*counts)
    return sum(prod(extents[axis] for axis in layer.tensor_axes(tensor)) for tensor in TENSORS)


def _largest_region(mapping: Mapping, levels: int, units: int | None) -> list[Box]:
    """Return what one unit (or ``units`` of the top level together) holds in the first step, the largest there is."""
    boxes: list[Box] = list(whole(mapping.layer))
    for level in mapping.levels[:levels]:
        for i, subspace in enumerate(mapping.layer.subspaces):
            maps = level.maps_of(subspace)
            cuts = [cut(subspace, boxes[i], maps, [0] * len(maps), u, level.units) for u in range(units or 1)]
            held = [box for box in cuts if box is not None]
            boxes[i] = tuple((low, high) for (low, _), (_, high) in zip(held[0], held[-1], strict=True))
    return boxes


@pytest.mark.parametrize("network", catalog.names("networks"))
def test_every_dataflow_fits_the_buffers_of_reference_256(network: str) -> None:
    """The L1 holds ``buffering`` tiles of a PE, the L2 as many of all top-level units together."""
    machine = catalog.machine("reference-256")
    for name, layer in _served(network):
        mapping = bind(layer, _template(name), machine.pes)
        l1 = machine.buffering * machine.element_bytes * _elements(layer, _largest_region(mapping, 99, None))
        l2 = machine.buffering * machine.element_bytes * _elements(layer, _largest_region(mapping, 1, mapping.units[0]))
        assert l1 <= (machine.l1.bytes or 0), (name, layer)
        assert l2 <= (machine.l2.bytes or 0), (name, layer)


def test_shipped_machines() -> None:
    machines = {name: catalog.machine(name) for name in catalog.names("hardware")}
    assert {name: machine.pes for name, machine in machines.items()} == {
        "eyeriss-168": 168,
        "maeri-64": 64,
        "reference-256": 256,
        "reference-36": 36,
        "tpu-like-16x16": 256,
    }
    assert all(machine.name == name for name, machine in machines.items())
    assert {machine.technology for machine in machines.values()} <= set(catalog.names("technology"))
