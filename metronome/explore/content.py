"""What an exploration found, for tables, figures and files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from importlib.metadata import version
from typing import Any

from exploration.areas import Areas
from exploration.blocks import TALLY, Tally
from exploration.candidates import energy_parts
from exploration.fronts import Point
from exploration.objectives import Outcome
from exploration.space import Space
from exploration.verify import Checked, Errors, Verification


@dataclass(frozen=True)
class TargetFound:
    """What was found for a target: the number of valid designs, the front, and others drawn at random.

    ``verification`` is None where nothing was simulated.
    """

    index: int
    valid: int
    front: tuple[Point, ...]
    sample: tuple[tuple[int, int, int, int], ...]
    verification: Verification | None = None

    @cached_property
    def simulated(self) -> dict[int, Checked]:
        """The designs of the front that were simulated, by number."""
        return {} if self.verification is None else {each.number: each for each in self.verification.front}


@dataclass(frozen=True)
class Found:
    """What an exploration found. ``tally`` is None for a search, which accounts for what it ``tried`` only."""

    space: Space
    tally: Tally | None
    tried: int
    targets: tuple[TargetFound, ...]

    @cached_property
    def parts(self) -> tuple[int, int | None]:
        """Into how many parts the energy of a MAC and a µm² are divided; None where areas are not known."""
        areas = Areas(self.space)
        return energy_parts(self.space.technology), areas.parts if areas.known else None

    def outcome(self, target: int, cycles: int, energy: int, area: int) -> Outcome:
        """Return what a design of a target comes to."""
        macs = sum(layer.macs for layer in self.space.targets[target][1])
        energies, areas = self.parts
        return Outcome(macs, cycles, Fraction(energy, energies), None if areas is None else Fraction(area, areas))

    def numbers(self, target: int, point: Point) -> dict[str, float | int | None]:
        """Return the numbers of a point of a front."""
        outcome = self.outcome(target, point.cycles, point.energy, point.area)
        return outcome.numbers(self.space.machine, self.space.technology)

    def values(self, number: int) -> dict[str, Any]:
        """Return the dataflow and the values of the axes of a design."""
        design = self.space.design(number)
        named = "best per layer" if design.instance is None else self.space.instances[design.instance].name
        return {"dataflow": named, **design.values}

    def rows(self, found: TargetFound) -> list[dict[str, Any]]:
        """Return a row per point of a target's front."""
        ranks = {
            name: found.verification.ranks(name) for name in self.space.objectives if found.verification is not None
        }
        rows = []
        for point in found.front:
            row = {
                "target": self.space.targets[found.index][0],
                "design": point.number,
                **self.values(point.number),
                **self.numbers(found.index, point),
                "ties": point.ties,
            }
            checked = found.simulated.get(point.number)
            if checked is not None and found.verification is not None:
                row["simulated_cycles"] = checked.simulated.cycles
                row["error"] = checked.error
                row["optimal"] = point.number in found.verification.optimal
                for name, of_designs in ranks.items():
                    row[f"rank_{name}"], row[f"simulated_rank_{name}"] = of_designs[point.number]
            rows.append(row)
        return rows

    def to_dict(self) -> dict[str, Any]:
        """Return the content of the result file."""
        tally = None if self.tally is None else {name: getattr(self.tally, name) for name in TALLY}
        return {
            "schema": 1,
            "metronome": version("metronome"),
            "space": {"name": self.space.name, "designs": self.space.designs, **self.space.signature()},
            "designs": tally,
            "tried": self.tried,
            "targets": [
                {
                    "name": self.space.targets[found.index][0],
                    "valid": found.valid,
                    "front": [
                        row | {"hardware": self.space.machine_of(self.space.design(row["design"]).values).to_dict()}
                        for row in self.rows(found)
                    ],
                    "verification": None if found.verification is None else verification_dict(found.verification),
                }
                for found in self.targets
            ],
        }


def verification_dict(verification: Verification) -> dict[str, Any]:
    """Return what simulation says of a front, for JSON."""
    return {
        "front": errors_dict(verification.front),
        "sample": errors_dict(verification.sample),
        "chance": verification.chance,
        "biased": verification.biased,
        "optimal_by_simulation": verification.kept,
        "beyond_limits_by_simulation": verification.beyond,
        "missed": list(verification.missed),
    }


def errors_dict(checked: Sequence[Checked]) -> dict[str, Any] | None:
    """Return the errors of some designs, for JSON."""
    errors = Errors.of(checked)
    return None if errors is None else dict(vars(errors))
