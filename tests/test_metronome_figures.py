"""The roofline shows every layer below its roof, and is written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

import metronome as mt
from dataflow.errors import InputError
from dataflow.hardware import Machine
from metronome.figures import FORMATS, format_of, roof, roofline
from metronome.files import write_bytes
from metronome.main import app
from metronome.runs import Run

SIGNATURES = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}

NETWORK = """\
Network net {
  Layer narrow { Type: GEMM Dimensions { M: 8, N: 40, K: 60 } Dataflow { SpatialMap(1,1) M; TemporalMap(1,1) N; } }
  Layer deep { Type: GEMM Dimensions { M: 8, N: 4, K: 6 }
               Dataflow { SpatialMap(1,1) M; Cluster(2, P); SpatialMap(1,1) K; } }
  Layer holes { Type: GEMM Dimensions { M: 4, N: 2, K: 3 } Dataflow { SpatialMap(1,1) M; TemporalMap(1,2) N; } }
}
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("net") / "net.m"
    path.write_text(NETWORK, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def finished(file: Path) -> Run:
    return mt.run(mt.load(file), mt.hardware("reference-36", pes=4))


def _invoke(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["run", *map(str, arguments), "--quiet"])
    return result.exit_code, result.stderr


@pytest.mark.parametrize("picture_format", FORMATS)
def test_a_run_gives_the_same_picture_every_time(picture_format: str, finished: Run) -> None:
    picture = roofline(finished, picture_format)
    assert picture.startswith(SIGNATURES[picture_format])
    assert picture == roofline(finished, picture_format)


def test_layers_are_named_and_models_explained(finished: Run) -> None:
    """The text of an SVG stands in comments beside its outlines."""
    picture = roofline(finished, "svg").decode()
    shown = ("narrow", "deep", "simulated", "published model", "refined model", "net on reference-36", "MACs per cycle")
    assert [text for text in shown if f"<!-- {text} -->" not in picture] == []
    assert "<!-- holes -->" not in picture


def test_names_are_no_formulas(finished: Run) -> None:
    named = Run("a$b$", finished.machine, finished.layers)
    assert "<!-- a$b$ on reference-36 -->" in roofline(named, "svg").decode()


def test_a_run_without_a_legal_layer_has_a_roof(finished: Run) -> None:
    none = Run("none", finished.machine, finished.layers[-1:])
    assert not none.layers[0].legal
    assert roofline(none, "png").startswith(SIGNATURES["png"])


def test_the_roof_is_the_lower_of_pes_and_ports() -> None:
    """12 + 4 elements per cycle and 32 MACs per cycle meet at 2 MACs per element."""
    network = {"distribution": {"bandwidth": 12}, "collection": {"bandwidth": 4}}
    machine = Machine.model_validate({"pes": 8, "lanes": 4, "levels": [network]})
    assert [roof(machine, intensity) for intensity in (1, 2, 3)] == [16, 32, 32]


def test_simulated_layers_are_below_the_roof(finished: Run) -> None:
    costs = [layer.costs["simulator"] for layer in finished.layers if layer.legal]
    assert len(costs) == 2
    assert all(cost.macs_per_cycle <= roof(finished.machine, cost.macs_per_port_element) for cost in costs)


def test_the_command_writes_the_picture_that_the_name_asks_for(file: Path, tmp_path: Path) -> None:
    for picture_format in FORMATS:
        path = tmp_path / f"roof.{picture_format.upper()}"
        path.write_text("what stood here")
        assert _invoke(file, "--layer", "deep", "--hardware", "reference-36", "--figure", path) == (0, "")
        assert path.read_bytes().startswith(SIGNATURES[picture_format])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["roof.PDF", "roof.PNG", "roof.SVG"]


def test_a_figure_of_another_kind_is_refused(file: Path) -> None:
    with pytest.raises(InputError) as error:
        format_of("roof.gif")
    assert str(error.value) == "roof.gif: a figure's file name ends in .png, .svg or .pdf"
    assert _invoke(file, "--figure", "-") == (
        2,
        "metronome: -: a figure's file name ends in .png, .svg or .pdf\n",
    )


def test_a_figure_needs_a_place_of_its_own(file: Path, tmp_path: Path) -> None:
    path = tmp_path / "all.svg"
    message = f"metronome: {path}: --figure writes to the same place as the results; name two\n"
    assert _invoke(file, "--figure", path, "--csv", path) == (2, message)
    assert _invoke(file, "--figure", path, "--json", path) == (2, message)


def test_a_figure_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        write_bytes(b"", str(tmp_path / "no" / "roof.png"))
    assert str(error.value) == f"{tmp_path}/no/roof.png: cannot be written: no such file or directory"
    assert list(tmp_path.iterdir()) == []


def test_another_technology_changes_the_energy_and_nothing_else(file: Path, tmp_path: Path) -> None:
    """Eyeriss's costs: 1 for a MAC and an access to the L1, 2 for a crossing, 6 for an access to the L2."""
    own = tmp_path / "own.yaml"
    own.write_text("l1: 1\nnetwork: 2\nl2: 6\n", encoding="utf-8")
    machine = mt.hardware("reference-36", pes=4)
    workload = mt.load(file, layers=["narrow"])
    default, eyeriss, mine = (
        mt.run(workload, machine.model_copy(update={"technology": name})).to_dict()
        for name in (machine.technology, "eyeriss-65nm", str(own))
    )
    assert (eyeriss["technology"]["name"], mine["technology"]["name"]) == ("eyeriss-65nm", "own")
    energies = [each["layers"][0].pop("energy") for each in (default, eyeriss, mine)]
    assert energies[0] != energies[1] == energies[2]
    assert default["layers"][0]["simulator"] == eyeriss["layers"][0]["simulator"]
    written = tmp_path / "out.csv"
    chosen = ("--layer", "narrow", "--hardware", "reference-36", "--set", "pes=4", "--csv", written)
    assert _invoke(file, *chosen, "--technology", own) == (0, "")
    header, first, *_ = written.read_text(encoding="utf-8").splitlines()
    column = header.split(",").index("energy.total")
    assert float(first.split(",")[column]) == energies[1]["simulator"]["total"]


def test_an_unknown_technology_is_refused(file: Path) -> None:
    message = (
        "metronome: 'maestro-28': neither a shipped technology nor a file; "
        "the shipped technologies are eyeriss-65nm, maestro-28nm; did you mean maestro-28nm?\n"
    )
    assert _invoke(file, "--technology", "maestro-28") == (2, message)


def test_the_table_has_every_number_of_the_result_file(finished: Run) -> None:
    """Cells are called after the path of the key in the result file."""
    frame = finished.frame()
    deep = next(layer for layer in finished.to_dict()["layers"] if layer["name"] == "deep")
    row = frame[(frame["layer"] == "deep") & (frame["model"] == "published")].iloc[0]
    energy, cost = deep["energy"]["published"], deep["cost"]["published"]
    assert row["energy.components.l2"] == energy["components"]["l2"]
    assert row["energy.nanojoules.tensors.input"] == energy["nanojoules"]["tensors"]["input"]
    assert row["cost.levels[1].collection.average"] == cost["levels"][1]["collection"]["average"]
    assert row["cost.bounds.distribution[1]"] == cost["bounds"]["distribution"][1]
    assert row["cost.accesses.l1.output.read"] == cost["accesses"]["l1"]["output"]["read"]
