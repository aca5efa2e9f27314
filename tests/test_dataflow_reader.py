"""Reading mapping files, model files and dataflow templates, and saying what is wrong with them."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow.directives import Cluster, Dataflow, Map
from dataflow.errors import InputError, Position
from dataflow.expressions import Arithmetic, Number, SizeOf
from dataflow.reader import parse_dataflow, parse_network, read_dataflow, read_network

EXAMPLE = """\
// A comment
Constant Tile 4;   /// another
Constant Half Tile / 2;
Network net {
  Layer Conv2d-1 {
    Type: CONV
    Stride { X: 1, Y: 2 } Dilation { Y: 2, X: 2 }
    Dimensions { N 4, K: 96,C 3 , R: 11, S 11, Y: 227, X: Tile*50, }
    Dataflow {
      SpatialMap(Tile,Half) Y’;
      TemporalMap (Sz(R), 1) Y;
      Cluster(Sz(Y′) / 2, L);
      SpatialMap(1,1) X';
    }
  }
  Layer fc { Type: GEMM; Dimensions { M: 2, N 3, K 4 }; }
}
"""


def wrong(text: str) -> str:
    with pytest.raises(InputError) as caught:
        parse_network(text, "f.m")
    return str(caught.value)


def layer(entries: str) -> str:
    return f"Network n {{\nLayer a {{ Type: CONV Dimensions {{ K: 4 }}\n{entries} }} }}"


def directives(text: str) -> str:
    return layer(f"Dataflow {{ {text} }}")


def test_layer_has_its_sizes_strides_and_position() -> None:
    first = parse_network(EXAMPLE, "f.m").layers[0].layer
    assert (first.name, first.type) == ("Conv2d-1", "CONV")
    assert first.given == {"N": 4, "K": 96, "C": 3, "R": 11, "S": 11, "Y": 227, "X": 200}
    assert (first.stride, first.dilation) == ((2, 1), (2, 2))
    assert first.position == Position("f.m", 5, 3)


def test_directives_hold_no_constants_and_plain_primes() -> None:
    found = parse_network(EXAMPLE, "f.m").layers[0].dataflow
    assert found == Dataflow(
        "Conv2d-1",
        (
            Map(True, Number(4), Number(2), "Y'"),
            Map(False, SizeOf("R"), Number(1), "Y"),
            Cluster(Arithmetic("/", SizeOf("Y'"), Number(2)), "L"),
            Map(True, Number(1), Number(1), "X'"),
        ),
    )


def test_every_node_knows_its_position() -> None:
    network = parse_network(EXAMPLE, "f.m")
    found = network.layers[0].dataflow
    assert found is not None
    places = [node.position for node in (network, found, *found.directives)]
    assert [(place.line, place.column) for place in places if place] == [
        (4, 1),
        (9, 5),
        (10, 7),
        (11, 7),
        (12, 7),
        (13, 7),
    ]
    cluster = found.directives[2]
    assert isinstance(cluster.size, Arithmetic)
    assert (str(cluster.size.position), str(cluster.size.left.position)) == ("f.m:12:22", "f.m:12:15")  # type: ignore[union-attr]


def test_layer_of_a_model_file_has_no_dataflow() -> None:
    assert parse_network(EXAMPLE).layers[1].dataflow is None


def test_products_bind_before_sums_and_both_from_the_left() -> None:
    found = parse_dataflow("Dataflow d { TemporalMap(10-4-3+2*8/3, (1+2)*Sz(K)) K; }")
    (only,) = found.directives
    assert isinstance(only, Map)
    assert only.size.evaluate({}) == 10 - 4 - 3 + 2 * 8 // 3
    assert only.offset.evaluate({"K": 5}) == 15


def test_maestro_compatibility_reads_transposed_convolutions_as_plain_ones() -> None:
    text = layer("").replace("CONV", "TRCONV")
    assert parse_network(text).layers[0].layer.type == "TRCONV"
    assert parse_network(text, compat_maestro=True).layers[0].layer.type == "CONV"


def test_sizes_repeated_alike_and_layers_of_the_same_name_are_accepted() -> None:
    one = "Layer a { Type: CONV Dimensions { K: 4, K: 4 } }"
    network = parse_network(f"Network n {{ {one} {one} }}")
    assert [mapped.layer.given for mapped in network.layers] == [{"K": 4}, {"K": 4}]


def test_dataflow_template() -> None:
    text = "Constant T 2; Dataflow kcp-ws.v2 { TemporalMap(T,T) K; }"
    assert parse_dataflow(text) == Dataflow("kcp-ws.v2", (Map(False, Number(2), Number(2), "K"),))


def test_dataflow_template_without_a_name_has_the_file_s(tmp_path: Path) -> None:
    path = tmp_path / "weights.m"
    path.write_text("\ufeffDataflow {\r\n}\r\n", encoding="utf-8")
    assert read_dataflow(path) == Dataflow("weights", ())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Network", "f.m:1:8: found the end of the file where a name should stand"),
        ("Network n {\n", "f.m:1:12: found the end of the file where Layer or '}' should stand"),
        (
            "Netwrok n {",
            "f.m:1:1: found 'Netwrok' where Constant, Network, Dataflow or the end of the file should stand; "
            "did you mean Network?",
        ),
        (
            "Constant A-B 5;",
            "f.m:1:11: found '-' where a whole number, the name of a constant, Sz(…) or '(' should stand",
        ),
        ("Constant A 5", "f.m:1:13: found the end of the file where an operator or ';' should stand"),
        (
            "\x00",
            "f.m:1:1: found the character U+0000 where Constant, Network, Dataflow or the end of the file should stand",
        ),
        (
            layer("Padding: 3"),
            "f.m:3:1: found 'Padding' where Type, Stride, Dilation, Dimensions, Dataflow, ';' or '}' should stand",
        ),
        ("Network n { Layer a { Type CONV } }", "f.m:1:28: found 'CONV' where ':' should stand"),
        (layer("Stride { X: 1 Y: 1 }"), "f.m:3:15: found 'Y' where an operator, ',' or '}' should stand"),
        (
            directives("SpatialMapp(1,1) K;"),
            "f.m:3:12: found 'SpatialMapp' where TemporalMap, SpatialMap, Cluster or '}' should stand; "
            "did you mean SpatialMap?",
        ),
        (directives("SpatialMap(1,1) K }"), "f.m:3:30: found '}' where ';' should stand"),
        (directives("SpatialMap(1) K;"), "f.m:3:24: found ')' where an operator or ',' should stand"),
        (
            directives("SpatialMap(2.5,1) K;"),
            "f.m:3:23: found '2.5' where a whole number, the name of a constant, Sz(…) or '(' should stand",
        ),
        (directives("SpatialMap(Sz(K,1) K;"), "f.m:3:27: found ',' where ')' should stand"),
    ],
)
def test_syntax_errors(text: str, message: str) -> None:
    assert wrong(text) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "f.m: there is no network in the file"),
        ("Network n { }", "f.m:1:1: network n has no layers"),
        ("Dataflow d { }", "f.m:1:1: dataflow d where only a network should stand"),
        (layer("") + layer("").replace("Network n", "Network m"), "f.m:3:5: a second network, m; a file holds one"),
        ("Constant A 1; Constant A 1;", "f.m:1:24: constant A is defined a second time"),
        ("Constant A 1-2;", "f.m:1:10: constant A is -1; it has to be at least 0 and less than 10^18"),
        (f"Constant A {'9' * 5000};", "f.m:1:12: a number of 5000 digits; sizes are less than 10^18"),
        (
            "Network n { Layer a { Type: conv2d } }",
            "f.m:1:29: unknown layer type conv2d; the types are CONV, NGCONV, DSCONV, TRCONV, GEMM; did you mean CONV?",
        ),
        ("Network n { Layer a { } }", "f.m:1:13: layer a has no Type; write for example Type: CONV"),
        (
            "Network n { Layer a { Type: CONV } }",
            "f.m:1:13: layer a has no Dimensions; write for example Dimensions { K: 8, C: 8 }",
        ),
        (layer("Type: GEMM"), "f.m:3:1: layer a: a second Type; the first is in line 2"),
        (layer("Stride { Z: 1 }"), "f.m:3:10: Stride has no Z; its keys are X and Y"),
        (layer("Dilation { Y: 0 }"), "f.m:3:12: Dilation: Y is 0; it is at least 1"),
        (layer("").replace("K: 4", "K: 4, K: 5"), "f.m:2:41: K is 5 here and 4 before"),
        (layer("").replace("K: 4", "K: 0"), "f.m:2:1: layer a: K is 0; a size is at least 1"),
        (
            layer("").replace("K: 4", "K: Sz(C)"),
            "f.m:2:38: K: Sz(C) can stand only in maps and clusters; state a number",
        ),
        (layer("").replace("K: 4", "K: 4/0"), "f.m:2:39: 4/0: division by zero"),
        (directives("SpatialMap(Tile,1) K;"), "f.m:3:23: unknown constant Tile; none is defined"),
        (
            "Constant Tile 4;" + directives("SpatialMap(Tiel,1) K;"),
            "f.m:3:23: unknown constant Tiel; the constants are Tile; did you mean Tile?",
        ),
        (directives("Cluster(4, Q);"), "f.m:3:23: unknown kind of cluster Q; the kinds are P and L"),
        (
            directives(f"SpatialMap({'+'.join(['1'] * 101)}, 1) K;"),
            "f.m:3:222: an expression of more than 100 terms",
        ),
    ],
)
def test_contents_that_make_no_sense(text: str, message: str) -> None:
    assert wrong(text) == message


def test_template_is_expected_where_a_network_stands() -> None:
    with pytest.raises(InputError, match=r"^f\.m:1:1: network n where only a dataflow should stand$"):
        parse_dataflow(layer(""), "f.m")


def test_deep_nesting_is_no_problem() -> None:
    depth = 20_000
    found = parse_dataflow(f"Dataflow d {{ TemporalMap({'(' * depth}1{')' * depth}, 1) K; }}")
    assert found.directives == (Map(False, Number(1), Number(1), "K"),)
    assert wrong(directives("SpatialMap(" + "(" * depth)).startswith(f"f.m:3:{24 + depth}: found '}}' where ")


PIECES = st.sampled_from([*"{}();:,+-*/.'’ \n\0é1", "Network n {", "Layer a {", "Type: CONV", "Sz"])


@given(st.lists(PIECES).map("".join))
def test_any_text_is_read_or_refused_with_an_input_error(text: str) -> None:
    with suppress(InputError):
        parse_network(text)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_network(tmp_path / "no.m")
    assert str(caught.value) == f"{tmp_path}/no.m: no such file"


def test_directory_instead_of_a_file(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_network(tmp_path)
    assert str(caught.value) == f"{tmp_path}: is a directory; a file is needed"


def test_file_that_is_not_text(tmp_path: Path) -> None:
    path = tmp_path / "binary.m"
    path.write_bytes(b"Network n {\n  \xff\xfe }")
    with pytest.raises(InputError) as caught:
        read_network(path)
    assert str(caught.value) == f"{path}:2:3: not a text file in UTF-8: the byte 0xff cannot stand here"


def test_file_that_is_far_too_large(tmp_path: Path) -> None:
    path = tmp_path / "large.m"
    path.write_bytes(b" " * (4 * 2**20 + 1))
    with pytest.raises(InputError) as caught:
        read_network(path)
    assert str(caught.value) == f"{path}: the file is larger than 4 MiB"


@pytest.mark.reference
def test_all_mapping_files_in_use_are_read(reference_material: Path) -> None:
    paths = [*sorted(reference_material.glob("maestro/mappings/*.m")), reference_material / "worked" / "worked.m"]
    layers = {path.stem: len(read_network(path).layers) for path in paths}
    assert len(layers) == 20
    assert (layers["Resnet50_kcp_ws"], layers["UNet_RS"], layers["worked"]) == (66, 23, 33)


@pytest.mark.reference
def test_constants_of_a_mapping_file_in_use(reference_material: Path) -> None:
    (mapped,) = read_network(reference_material / "maestro" / "mappings" / "GEMM_Example.m").layers
    assert mapped.layer.given == {"K": 100, "M": 100, "N": 100}
    assert mapped.dataflow is not None
    assert str(mapped.dataflow.directives[3]) == "Cluster(100, P)"


@pytest.mark.reference
def test_large_mapping_file_is_read_in_less_than_a_second(reference_material: Path) -> None:
    start = perf_counter()
    read_network(reference_material / "maestro" / "mappings" / "Resnet50_kcp_ws.m")
    assert perf_counter() - start < 1
