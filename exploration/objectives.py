"""What designs are judged by, and what makes them valid: exact numbers, all of them from three.

The three are cycles, energy relative to one MAC, and area in µm²; for several layers cycles and energies are summed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from dataflow.hardware import Machine
from dataflow.technology import Technology, exact


@dataclass(frozen=True)
class Objective:
    """Something to make as small, or as large, as possible.

    ``key`` is a quantity that is the smaller the better a design is, from cycles, energy and area: numbers or arrays.
    ``name`` is the number that is shown for it.
    """

    name: str
    key: Callable[[Any, Any, Any], Any]
    larger_is_better: bool = False
    needs_area: bool = False


OBJECTIVES: Mapping[str, Objective] = MappingProxyType(
    {
        "runtime": Objective("cycles", lambda cycles, energy, area: cycles),
        "throughput": Objective("macs_per_cycle", lambda cycles, energy, area: cycles, larger_is_better=True),
        "energy": Objective("energy", lambda cycles, energy, area: energy),
        "energy_delay": Objective("energy_delay", lambda cycles, energy, area: energy * cycles),
        "throughput_per_area": Objective(
            "macs_per_cycle_mm2",
            lambda cycles, energy, area: cycles * area,
            larger_is_better=True,
            needs_area=True,
        ),
        "area": Objective("area_mm2", lambda cycles, energy, area: area, needs_area=True),
        "power": Objective("power_mw", lambda cycles, energy, area: energy / cycles),
    }
)


@dataclass(frozen=True)
class Outcome:
    """What a design comes to: exact, area None where the technology does not say."""

    macs: int
    cycles: int
    energy: Fraction
    area: Fraction | None

    def keys(self, objectives: tuple[str, ...]) -> tuple[Any, ...]:
        """Return the objectives as quantities that are the smaller the better."""
        return tuple(OBJECTIVES[name].key(self.cycles, self.energy, self.area) for name in objectives)

    def numbers(self, machine: Machine, technology: Technology) -> dict[str, float | int | None]:
        """Return cycles, and what follows from the three, by the names that results have."""
        unit = None if technology.mac_pj is None else exact(technology.mac_pj)
        square = None if self.area is None else self.area / 10**6
        power = None if unit is None else self.energy * unit * exact(machine.clock_ghz) / self.cycles
        return {
            "cycles": self.cycles,
            "macs_per_cycle": self.macs / self.cycles,
            "energy": float(self.energy),
            "nanojoules": None if unit is None else float(self.energy * unit / 1000),
            "energy_delay": float(self.energy * self.cycles),
            "power_mw": None if power is None else float(power),
            "area_mm2": None if square is None else float(square),
            "macs_per_cycle_mm2": None if not square else float(self.macs / (self.cycles * square)),
        }


def power_scale(machine: Machine, technology: Technology) -> Fraction | None:
    """Return the mW of an energy of one MAC in each cycle; None where the technology does not state a MAC's energy."""
    return None if technology.mac_pj is None else exact(technology.mac_pj) * exact(machine.clock_ghz)
