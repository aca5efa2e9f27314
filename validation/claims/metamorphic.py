"""Claims about two runs: what may not change, or only in one direction, when the machine or the names do.

The runs of changed machines and dataflows are those of the refined model: it is fast, and that it equals the
simulator is a claim of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from dataflow.hardware import LevelNetwork, Machine
from validation.claims.claim import OUTSIDE, Claim, Outcome, no_more
from validation.claims.observation import Observation


def _networks(machine: Machine, port: str, **changes: Callable[[Any], Any]) -> Machine:
    """Return the machine with every level's ``port`` (distribution or collection) changed, key by key."""

    def changed(network: LevelNetwork) -> LevelNetwork:
        old = getattr(network, port)
        new = old.model_copy(update={key: change(getattr(old, key)) for key, change in changes.items()})
        return network.model_copy(update={port: new})

    return machine.model_copy(update={"levels": tuple(map(changed, machine.levels))})


def _never_slower(what: str, better: Callable[[Machine], Iterable[Machine]]) -> Callable[[Observation], Outcome]:
    """Return a check that no ``better`` machine is slower; machines that are equal to the case's do not count."""

    def check(case: Observation) -> Outcome:
        machines = [machine for machine in better(case.machine) if machine != case.machine]
        outcomes = [no_more(case.refined.cycles, case.on(machine).cycles, what) for machine in machines]
        return max(outcomes, key=lambda outcome: outcome.measure or 0, default=OUTSIDE)

    return check


def _wider(machine: Machine) -> Iterable[Machine]:
    for port in ("distribution", "collection"):
        yield _networks(machine, port, bandwidth=lambda bandwidth: bandwidth + 1)


def _nearer(machine: Machine) -> Iterable[Machine]:
    for port in ("distribution", "collection"):
        yield _networks(machine, port, latency=lambda latency: max(0, latency - 1))


def _deeper(machine: Machine) -> Iterable[Machine]:
    yield machine.model_copy(update={"buffering": machine.buffering + 1})


def _more_lanes(machine: Machine) -> Iterable[Machine]:
    yield machine.model_copy(update={"lanes": machine.lanes + 1})


def _multicast(machine: Machine) -> Iterable[Machine]:
    yield machine.model_copy(update={"multicast": True})


def _claim(name: str, statement: str, domain: str, better: Callable[[Machine], Iterable[Machine]]) -> Claim:
    return Claim(name, statement, domain, "at most (ratio of cycles ≤ 1)", _never_slower(name, better))


CLAIMS = (
    _claim(
        "more bandwidth",
        "One element per cycle more, on all distribution or on all collection ports, never makes a layer slower.",
        "legal dataflows",
        _wider,
    ),
    _claim(
        "less latency",
        "One cycle of latency less, on all distribution or on all collection ports, never makes a layer slower.",
        "legal dataflows, machines with latency",
        _nearer,
    ),
    _claim("deeper buffers", "One tile more per buffer never makes a layer slower.", "legal dataflows", _deeper),
    _claim("more lanes", "One lane more per PE never makes a layer slower.", "legal dataflows", _more_lanes),
    _claim(
        "multicast", "Multicast never makes a layer slower.", "legal dataflows, machines without multicast", _multicast
    ),
)
