"""Writing networks and templates: what is written reads back as it was."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow.directives import Cluster, Dataflow, Directive, Map, MappedLayer, Network
from dataflow.errors import InputError
from dataflow.expressions import Arithmetic, Expression, Number, SizeOf
from dataflow.layers import OPERATIONS, Layer
from dataflow.reader import parse_dataflow, parse_network, read_network
from dataflow.writer import write_dataflow, write_network

NAMES = st.from_regex(r"\A[A-Za-z0-9_][A-Za-z0-9_.-]{0,8}\Z")
DIMENSIONS = st.sampled_from(["N", "G", "M", "K", "C", "R", "S", "Y", "X", "Y'", "X'"])
PAIRS = st.tuples(st.integers(1, 4), st.integers(1, 4))


def _arithmetic(parts: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    return st.builds(Arithmetic, st.sampled_from("+-*/"), parts, parts)


EXPRESSIONS: st.SearchStrategy[Expression] = st.recursive(
    st.builds(Number, st.integers(0, 10**18 - 1)) | st.builds(SizeOf, DIMENSIONS), _arithmetic, max_leaves=8
)
DIRECTIVES: st.SearchStrategy[Directive] = st.one_of(
    st.builds(Map, st.booleans(), EXPRESSIONS, EXPRESSIONS, DIMENSIONS),
    st.builds(Cluster, EXPRESSIONS, st.sampled_from("PL")),
)
BODIES = st.lists(DIRECTIVES, max_size=5).map(tuple)


@st.composite
def layers(draw: st.DrawFn) -> Layer:
    """Draw a layer of any type: some sizes stated, in any order, and the windowed or the sliding one of each pair."""
    type_ = draw(st.sampled_from(list(OPERATIONS)))
    operation = OPERATIONS[type_]
    stated = draw(st.permutations(operation.dimensions))[: draw(st.integers(0, len(operation.dimensions)))]
    sizes = {d: 1 if d in operation.fixed_to_one else draw(st.integers(1, 9)) for d in stated}
    built = Layer.of(draw(NAMES), type_, sizes, stride=draw(PAIRS), dilation=draw(PAIRS))
    for window in built.windows:
        if window.slide in sizes and draw(st.booleans()):
            del sizes[window.slide]
            sizes[window.name] = built.sizes[window.name]
    return Layer.of(built.name, type_, sizes, stride=built.stride, dilation=built.dilation)


@st.composite
def mapped_layers(draw: st.DrawFn) -> MappedLayer:
    layer = draw(layers())
    return MappedLayer(layer, draw(st.none() | BODIES.map(lambda body: Dataflow(layer.name, body))))


NETWORKS = st.builds(Network, NAMES, st.lists(mapped_layers(), min_size=1, max_size=3).map(tuple))


@given(NETWORKS)
def test_network_reads_back(network: Network) -> None:
    again = parse_network(write_network(network))
    assert again == network
    assert [mapped.layer.given for mapped in again.layers] == [mapped.layer.given for mapped in network.layers]


@given(st.builds(Dataflow, NAMES, BODIES))
def test_dataflow_reads_back(dataflow: Dataflow) -> None:
    assert parse_dataflow(write_dataflow(dataflow)) == dataflow


def test_text_of_a_network() -> None:
    layer = Layer.of("Conv2d-1", "CONV", {"Y'": 4, "K": 8}, stride=(2, 1), dilation=(1, 3))
    product = Arithmetic("*", Arithmetic("+", SizeOf("R"), Number(1)), Number(2))
    dataflow = Dataflow("Conv2d-1", (Map(True, product, Number(1), "Y'"), Cluster(SizeOf("R"), "L")))
    model = MappedLayer(Layer.of("fc", "GEMM", {"M": 2}), None)
    assert (
        write_network(Network("net", (MappedLayer(layer, dataflow), model))).expandtabs(2)
        == """\
Network net {
  Layer Conv2d-1 {
    Type: CONV
    Stride { X: 1, Y: 2 }
    Dilation { X: 3, Y: 1 }
    Dimensions { Y': 4, K: 8 }
    Dataflow {
      SpatialMap((Sz(R)+1)*2,1) Y';
      Cluster(Sz(R), L);
    }
  }
  Layer fc {
    Type: GEMM
    Dimensions { M: 2 }
  }
}
"""
    )


@pytest.mark.parametrize("name", ["", "a b", "-a", "a}", "a//b"])
def test_names_that_the_language_cannot_hold(name: str) -> None:
    with pytest.raises(InputError) as caught:
        write_dataflow(Dataflow(name, ()))
    assert str(caught.value) == f"the name {name!r} cannot be written: names have letters, digits and _ . - in them"


@pytest.mark.reference
def test_mapping_files_in_use_survive_writing(reference_material: Path) -> None:
    for path in reference_material.glob("maestro/mappings/*.m"):
        network = read_network(path)
        assert parse_network(write_network(network)) == network
