"""Metronome: simulate spatial DNN accelerators cycle by cycle, and hold an analytical model against that.

The few names of the public Python API; each is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analytical import PUBLISHED, REFINED, analyze
    from analytical.cost import cost
    from dataflow.catalog import technology
    from dataflow.errors import InputError
    from dataflow.levels import bind
    from metronome.runs import Options, Run, check, run
    from metronome.workload import Workload, hardware, load
    from simulator.simulate import simulate

__all__ = [
    "PUBLISHED",
    "REFINED",
    "InputError",
    "Options",
    "Run",
    "Workload",
    "analyze",
    "bind",
    "check",
    "cost",
    "hardware",
    "load",
    "run",
    "simulate",
    "technology",
]

_HOMES = {
    "PUBLISHED": "analytical",
    "REFINED": "analytical",
    "InputError": "dataflow.errors",
    "Options": "metronome.runs",
    "Run": "metronome.runs",
    "Workload": "metronome.workload",
    "analyze": "analytical",
    "bind": "dataflow.levels",
    "check": "metronome.runs",
    "cost": "analytical.cost",
    "hardware": "metronome.workload",
    "load": "metronome.workload",
    "run": "metronome.runs",
    "simulate": "simulator.simulate",
    "technology": "dataflow.catalog",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
