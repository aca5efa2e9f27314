"""`metronome run --values`: what is said about the numbers, what is read and what is written."""

from __future__ import annotations

import io
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

import simulator.tiles
from dataflow.layers import Layer
from metronome.main import app
from simulator.values import operands
from validation.reference_values import output

NET = """\
Network net {
  Layer conv {
    Type: CONV
    Dimensions { K: 2, C: 2, R: 2, Y: 5 }
    Dataflow { SpatialMap(1,1) K; TemporalMap(2,1) Y; TemporalMap(1,1) C; }
  }
  Layer gemm {
    Type: GEMM
    Dimensions { M: 2, N: 1, K: 3 }
    Dataflow { SpatialMap(1,1) M; Cluster(2, P); SpatialMap(1,1) K; }
  }
}
"""
HOLES = NET.replace("SpatialMap(1,1) M;", "SpatialMap(1,2) M;")
SMALL = """\
pes: 4
levels: [{distribution: {bandwidth: 4, latency: 1}, collection: {bandwidth: 4, latency: 1}}]
"""
EQUAL = {
    "conv": "conv: all 8 outputs equal NumPy's (every step simulated)\n",
    "gemm": "gemm: all 2 outputs equal NumPy's (every step simulated)\n",
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder of small files."""
    for name, text in {"net.m": NET, "holes.m": HOLES, "small.yaml": SMALL, "text.npy": "text"}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    np.save(tmp_path / "input.npy", np.array([[1, 2, 3], [4, 5, 6]], np.int8))
    np.save(tmp_path / "filter.npy", np.array([[1], [10], [100]], np.uint16))
    np.save(tmp_path / "floats.npy", np.ones((2, 3)))
    np.save(tmp_path / "objects.npy", np.array([[{}, 1, 2]], object), allow_pickle=True)
    (tmp_path / "cut.npy").write_bytes((tmp_path / "input.npy").read_bytes()[:-1])
    np.savez(tmp_path / "many.npz", a=np.ones(1))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str, workload: str = "net.m") -> Result:
    """Call the program with the small machine."""
    return CliRunner().invoke(app, ["run", workload, "--hardware", "small.yaml", *arguments])


def test_every_layer_says_that_its_outputs_are_numpys() -> None:
    result = run("--values")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.endswith("".join(EQUAL.values()))


def test_without_the_option_nothing_is_said_about_numbers() -> None:
    assert "NumPy" not in run().stdout
    assert "values" not in json.loads(run("--json", "-").stdout)["layers"][0]


def test_quiet_says_nothing_about_what_is_right() -> None:
    result = run("--values", "--quiet")
    assert (result.exit_code, result.output) == (0, "")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_result_file_has_the_verdict_beside_the_same_results(workers: str) -> None:
    plain, carried = (json.loads(run(*more, "--json", "-").stdout) for more in ((), ("--values", "--workers", workers)))
    verdicts = [layer.pop("values") for layer in carried["layers"]]
    for layer in (*plain["layers"], *carried["layers"]):  # with numbers in it every step is followed
        del layer["accelerated"]
    assert carried == plain
    assert verdicts == [
        {
            "equal": True,
            "accelerated": False,
            "outputs": outputs,
            "wrong_elements": 0,
            "wrong": [],
            "missing_operands": 0,
            "missing": [],
        }
        for outputs in (8, 2)
    ]


def test_an_illegal_layer_has_no_numbers() -> None:
    """Legality is checked first: the message about it says what is wrong."""
    result = run("--values", workload="holes.m")
    assert (result.exit_code, "misses work" in result.stderr) == (1, True)
    assert result.stdout.endswith(EQUAL["conv"])


def test_operands_come_from_files_and_the_output_goes_to_one() -> None:
    """(1 2 3) · (1 10 100) and (4 5 6) · (1 10 100)."""
    result = run(
        "--layer", "gemm", "--values", "--inputs", "input.npy", "--filters", "filter.npy", "--outputs", "o.npy"
    )
    assert (result.exit_code, result.stderr) == (0, "")
    found = np.load("o.npy", allow_pickle=False)
    assert (found.tolist(), found.dtype) == ([[321], [654]], np.int64)
    assert list(Path().glob(".metronome*")) == []


@pytest.mark.parametrize(("arguments", "seed"), [((), 0), (("--seed", "7"), 7)])
def test_operands_without_a_file_are_drawn_with_the_seed(arguments: tuple[str, ...], seed: int) -> None:
    run("--layer", "gemm", "--values", "--outputs", "o.npy", *arguments)
    layer = Layer.of("gemm", "GEMM", {"M": 2, "N": 1, "K": 3})
    assert np.array_equal(np.load("o.npy"), output(layer, *operands(layer, seed=seed)))


def test_the_output_may_go_to_a_pipe(folder: Path) -> None:
    os.mkfifo("pipe")
    reader = os.open("pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert run("--layer", "gemm", "--values", "--quiet", "--outputs", "pipe").exit_code == 0
        assert np.load(io.BytesIO(os.read(reader, 10_000))).shape == (2, 1)
    finally:
        os.close(reader)


GEMM = ("--layer", "gemm", "--values")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--seed", "1"), "--seed is about numbers; it needs --values"),
        (("--inputs", "input.npy"), "--inputs is about numbers; it needs --values"),
        (("--outputs", "o.npy"), "--outputs is about numbers; it needs --values"),
        (("--values", "--seed", "-1"), "--seed is -1; it has to be at least 0"),
        (("--values", "--filters", "x.npy"), "--filters is for one layer, not 2; choose it with --layer"),
        (("--values", "--outputs", "x.npy"), "--outputs is for one layer, not 2; choose it with --layer"),
        ((*GEMM, "--inputs", "none.npy"), "none.npy: no such file"),
        ((*GEMM, "--inputs", "."), ".: is a directory; a .npy file is needed"),
        (
            (*GEMM, "--inputs", "text.npy"),
            "text.npy: not an array in a .npy file: EOF: reading magic string, expected 8 bytes got 4",
        ),
        (
            (*GEMM, "--inputs", "objects.npy"),
            "objects.npy: not an array in a .npy file: Object arrays cannot be loaded when allow_pickle=False",
        ),
        ((*GEMM, "--inputs", "floats.npy"), "layer gemm: inputs are of type float64; integers are needed"),
        (
            (*GEMM, "--filters", "input.npy"),
            "layer gemm: filters have the shape (2, 3), not (3, 1) (K 3, N 1)",
        ),
        ((*GEMM, "--outputs", "none/o.npy"), "none/o.npy: cannot be written: no such file or directory"),
    ],
)
def test_bad_input_is_refused_in_one_line(arguments: tuple[str, ...], message: str) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", f"metronome: {message}\n")


@pytest.mark.parametrize("file", ["cut.npy", "many.npz", "net.m"])
def test_other_files_are_not_arrays(file: str) -> None:
    result = run(*GEMM, "--inputs", file)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"metronome: {file}: not an array in a .npy file: ")
    assert result.stderr.count("\n") == 1


def test_wrong_outputs_are_listed_by_name_and_end_with_1(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of inputs that two units get, only the first unit's are sent: not row 1, and not what PE 0.1 needs of row 0."""
    moved = simulator.tiles.Comparison.moved

    def forgetful(self: Any, tensor: str) -> Any:
        found = moved(self, tensor)
        groups = [(units & 1, number) for units, number in found.groups]
        return replace(found, groups=groups) if tensor == "input" and found.units == 0b11 else found

    monkeypatch.setattr(simulator.tiles.Comparison, "moved", forgetful)
    arguments = ("--layer", "gemm", "--values", "--inputs", "input.npy", "--filters", "filter.npy")
    result = run(*arguments)
    assert result.exit_code == 1
    wrong = (
        "gemm: 2 of 2 outputs differ from NumPy's\n"
        "  O[m 0, n 0]: 301, should be 321, the sum of 3 products; PE 0.0 made 2; PE 0.1 made 1 without I[m 0, k 1]\n"
        "  O[m 1, n 0]: 0, should be 654, the sum of 3 products; "
        "PE 1.0 made 2 without I[m 1, k 0], I[m 1, k 2]; PE 1.1 made 1 without I[m 1, k 1]\n"
        "gemm: PEs lacked 4 operands, first PE 0.1 I[m 0, k 1]\n"
    )
    assert result.stderr == wrong
    assert run(*arguments, "--quiet").stderr == wrong
    verdict = json.loads(run(*arguments, "--json", "-").stdout)["layers"][0]["values"]
    assert (verdict["equal"], verdict["wrong_elements"], verdict["missing_operands"]) == (False, 2, 4)
    assert verdict["wrong"][0] == {
        "element": "O[m 0, n 0]",
        "value": 301,
        "expected": 321,
        "terms": 3,
        "work": [{"pe": "0.0", "products": 2, "missing": []}, {"pe": "0.1", "products": 1, "missing": ["I[m 0, k 1]"]}],
    }
    assert verdict["missing"][0] == {"pe": "0.1", "element": "I[m 0, k 1]"}
