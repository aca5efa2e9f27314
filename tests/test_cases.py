"""Every case in tests/cases, derived by hand in its JSON, through every model that is exact."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from analytical import analyze_mapping
from dataflow.hardware import Machine
from dataflow.hardware_files import read_machine
from dataflow.levels import Mapping
from dataflow.metrics import Metrics
from dataflow.reader import read_network
from metronome.main import app
from simulator.simulate import simulate_mapping
from validation.claims import CLAIMS, Observation
from validation.reference import enumerate_layer

FOLDER = Path(__file__).parent / "cases"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))
MODELS: dict[str, Callable[[Mapping, Machine], Metrics]] = {
    "simulator": simulate_mapping,
    "refined": analyze_mapping,
    "reference": enumerate_layer,
}


def observed(name: str, overrides: tuple[str, ...] = ()) -> Observation:
    """Return the case on its machine, with values of the machine replaced."""
    (mapped,) = read_network(FOLDER / f"{name}.m").layers
    assert mapped.dataflow is not None
    return Observation(mapped.layer, mapped.dataflow, read_machine(FOLDER / f"{name}.yaml", overrides))


def recorded(name: str) -> dict[str, Any]:
    case: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return case


def found(model: str, case: Observation, keys: set[str]) -> dict[str, Any]:
    """Return what a model finds for ``keys`` of the result; the refined model knows no stalls."""
    result = MODELS[model](case.mapping, case.machine).to_dict()
    return {key: result[key] for key in keys if (model, key) != ("refined", "stalls")}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", NAMES)
def test_every_model_gives_what_was_derived(name: str, model: str) -> None:
    expected = recorded(name)["expected"]
    result = found(model, observed(name), set(expected))
    assert result == {key: expected[key] for key in result}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", [name for name in NAMES if "against" in recorded(name)])
def test_every_model_gives_what_was_derived_for_the_other_machine(name: str, model: str) -> None:
    against = recorded(name)["against"]
    other = observed(name, tuple(against["overrides"]))
    assert found(model, other, set(against["expected"])) == against["expected"]


@pytest.mark.parametrize("name", NAMES)
def test_every_case_keeps_every_claim(name: str) -> None:
    case = observed(name)
    assert [(claim.name, claim.check(case).detail) for claim in CLAIMS if claim.check(case).holds is False] == []


def test_every_case_is_complete() -> None:
    assert NAMES
    assert sorted(path.name for path in FOLDER.iterdir()) == sorted(
        ["README.md", *(f"{name}.{ending}" for name in NAMES for ending in ("json", "m", "yaml"))]
    )


@pytest.mark.parametrize("name", NAMES)
def test_every_case_says_what_it_is_and_where_its_numbers_come_from(name: str) -> None:
    case = recorded(name)
    assert set(case) - {"against"} == {"derivation", "expected"}
    assert len(" ".join(case["derivation"])) > 100
    assert {"cycles", "steps", "boundaries", "stalls"} <= set(case["expected"])
    layer = observed(name).layer
    assert (layer.name, read_network(FOLDER / f"{name}.m").name) == (name, name)


@pytest.mark.parametrize("name", NAMES)
def test_the_command_line_runs_every_case(name: str) -> None:
    arguments = ["run", str(FOLDER / f"{name}.m"), "--hardware", str(FOLDER / f"{name}.yaml"), "--json", "-"]
    result = CliRunner().invoke(app, arguments)
    (layer,) = json.loads(result.stdout)["layers"]
    assert (result.exit_code, layer["simulator"]["cycles"]) == (0, recorded(name)["expected"]["cycles"])


def test_a_buffer_may_read_less_than_it_received() -> None:
    """Where units are idle, "passed on" is false, and the claim does not cover the case."""
    case = observed("idle_units_keep_their_tiles")
    above, below = case.simulated.boundaries
    assert (above.downstream.input_write, below.upstream.input_read) == (6, 5)
    (claim,) = [claim for claim in CLAIMS if claim.name == "passed on"]
    assert claim.check(case).holds is None


@pytest.mark.parametrize("name", ["more_pes_are_slower", "reduction_is_slower_than_none"])
def test_more_hardware_may_be_slower(name: str) -> None:
    less = observed(name, tuple(recorded(name)["against"]["overrides"]))
    assert observed(name).simulated.cycles > less.simulated.cycles


def test_more_pes_may_read_more() -> None:
    reads = [
        observed("more_pes_read_more", pes).simulated.boundaries[0].upstream.input_read for pes in [(), ("pes=1",)]
    ]
    assert reads == [5, 4]
