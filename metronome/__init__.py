"""Metronome: simulate spatial DNN accelerators cycle by cycle, and hold an analytical model against that.

The few names of the public Python API; each is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from metronome.runs import Run, run
    from metronome.workload import Workload, hardware, load

__all__ = ["Run", "Workload", "hardware", "load", "run"]

_HOMES = {
    "hardware": ("metronome.workload", "hardware"),
    "load": ("metronome.workload", "load"),
    "run": ("metronome.runs", "run"),
    "Run": ("metronome.runs", "Run"),
    "Workload": ("metronome.workload", "Workload"),
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _HOMES[name]
    return getattr(import_module(module), attribute)
