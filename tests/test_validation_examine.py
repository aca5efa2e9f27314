"""A case becomes a row, whatever happens in it; exceptions are noted with their place."""

from __future__ import annotations

import json

import pytest

import validation.examine
from analytical import NAMES
from dataflow.errors import InputError
from dataflow.layers import Layer
from dataflow.reader import parse_dataflow
from validation.claims import CLAIMS, Claim, Observation, Outcome
from validation.examine import described, examine, failed_generation, family, stored_case
from validation.generate import generate
from validation.store import CaseRecord
from validation.strategies import Case


def generated(number: int = 3) -> Case:
    ((_, case),) = generate(7, [number], 60)
    assert not isinstance(case, Exception)
    return case


def test_a_row_says_what_every_model_and_claim_found() -> None:
    case = generated()
    layer, dataflow, machine = case
    seen, row = Observation(*case), examine(3, case)
    assert (row.number, row.layer_type, row.macs, row.pes) == (3, layer.type, layer.macs, machine.pes)
    assert (row.levels, row.family) == (len(seen.mapping.levels), family(layer, dataflow))
    for model in ("simulated", "refined", "published"):
        assert getattr(row, f"{model}_cycles") == getattr(seen, model).cycles
        assert json.loads(getattr(row, model)) == getattr(seen, model).to_dict()
    assert json.loads(row.machine or "") == machine.to_dict()
    assert tuple(json.loads(row.assumptions or "")) == NAMES
    assert {name: outcome["holds"] for name, outcome in json.loads(row.claims or "").items()} == {
        claim.name: claim.check(seen).holds for claim in CLAIMS
    }
    assert row.error is None
    assert row.holds


@pytest.mark.parametrize("number", range(12))
def test_the_case_of_a_row_can_be_examined_again(number: int) -> None:
    """It is written as text and read again, sizes that were given and strides included."""
    row = examine(number, generated(number))
    assert examine(number, stored_case(row, "campaign.db")) == row


def test_a_row_without_a_case() -> None:
    with pytest.raises(InputError) as error:
        stored_case(failed_generation(4, ValueError("no")), "campaign.db")
    assert str(error.value) == "campaign.db: case 4 could not be generated: generation: ValueError: no"


def broken(*_arguments: object) -> None:
    raise ZeroDivisionError("not\ntoday")


def test_an_exception_of_a_model_is_noted_and_the_rest_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Claims that need the simulator raise with it; those about the refined model alone do not."""
    monkeypatch.setattr("validation.claims.observation.simulate_mapping", broken)
    row = examine(3, generated())
    assert (row.simulated, row.simulated_cycles) == (None, None)
    assert row.refined_cycles is not None
    lines = (row.error or "").splitlines()
    assert lines[0].startswith("simulated: ZeroDivisionError: not today (validation/claims/observation.py:")
    assert lines[1].startswith("claim refined counts: ZeroDivisionError: not today (")
    claims = json.loads(row.claims or "")
    assert claims["refined counts"] == {"holds": None, "measure": None, "detail": ""}
    assert claims["more lanes"]["holds"] is True
    assert not row.holds


def test_a_claim_that_fails_is_in_the_row(monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = Outcome(False, float("inf"), "it is so")
    monkeypatch.setattr(validation.examine, "CLAIMS", (Claim("never", "No.", "all", "", lambda _: outcome),))
    row = examine(3, generated())
    assert row.claims == '{"never":{"holds":false,"measure":null,"detail":"it is so"}}'
    assert (row.error, row.holds) == (None, False)


def test_an_interrupt_is_no_exception_of_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("validation.claims.observation.simulate_mapping", interrupted)
    with pytest.raises(KeyboardInterrupt):
        examine(3, generated())


def test_a_failed_generation() -> None:
    assert failed_generation(9, ValueError("no")) == CaseRecord(9, error="generation: ValueError: no")


def test_an_exception_is_described_with_the_innermost_place_of_the_project() -> None:
    with pytest.raises(InputError) as error:
        Layer.of("layer", "POOL", {})
    assert described(error.value).startswith(f"InputError: {error.value} (dataflow/layers.py:")
    assert described(ValueError("elsewhere")) == "ValueError: elsewhere"


@pytest.mark.parametrize(
    ("directives", "expected"),
    [
        ("", "plain-1"),
        ("SpatialMap(1,1) K;", "plain-1"),
        ("TemporalMap(1,1) Y';", "output-1"),
        ("SpatialMap(1,1) K; Cluster(2, P); TemporalMap(1,1) X';", "output-2"),
        ("SpatialMap(1,1) K; Cluster(2, P); SpatialMap(3,1) Y; Cluster(2, P);", "window-3"),
        ("TemporalMap(1,1) Y'; TemporalMap(3,3) X;", "window-1"),
    ],
)
def test_the_family_tells_how_windows_are_cut_and_the_levels(directives: str, expected: str) -> None:
    layer = Layer.of("conv", "CONV", {"K": 4, "R": 3, "S": 3, "Y": 9, "X": 9})
    assert family(layer, parse_dataflow(f"Dataflow d {{ {directives} }}")) == expected
