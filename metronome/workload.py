"""What to run: layers, each with the dataflow that is to compute it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from dataflow import catalog
from dataflow.directives import Dataflow, Network
from dataflow.errors import InputError
from dataflow.hardware import Machine
from dataflow.layers import Layer
from dataflow.reader import read_network


@dataclass(frozen=True)
class Task:
    """One layer under one dataflow."""

    layer: Layer
    dataflow: Dataflow


@dataclass(frozen=True)
class Workload:
    """A named sequence of tasks."""

    name: str
    tasks: tuple[Task, ...]


def load(
    workload: str | Path,
    *,
    dataflow: str | Path | Dataflow | None = None,
    layers: Sequence[str] = (),
    compat_maestro: bool = False,
) -> Workload:
    """Read a workload: the name of a shipped network, a layer table, or a MAESTRO file.

    ``dataflow`` (a name, a file or directives) computes every layer; without it each layer needs its own. Only
    layers whose name matches one of the glob patterns ``layers`` are kept, all if there are none.
    ``compat_maestro`` reads TRCONV as CONV. Raises `InputError`, also for a pattern that matches no layer.
    """
    network = _network(workload, compat_maestro=compat_maestro)
    chosen = catalog.dataflow(dataflow) if isinstance(dataflow, str | Path) else dataflow
    names = list(dict.fromkeys(mapped.layer.name for mapped in network.layers))
    for glob in layers:
        if not any(fnmatchcase(name, glob) for name in names):
            shown = ", ".join(names[:20]) + (", …" if len(names) > 20 else "")
            raise InputError(f"no layer of {network.name} matches {glob}; its layers are {shown}", "--layer")
    kept = [m for m in network.layers if not layers or any(fnmatchcase(m.layer.name, glob) for glob in layers)]
    tasks = []
    for mapped in kept:
        own = chosen or mapped.dataflow
        if own is None:
            raise InputError(
                f"layer {mapped.layer.name} has no dataflow; choose one with --dataflow: "
                f"{', '.join(catalog.names('dataflows'))}, or a file",
                mapped.layer.position or str(workload),
            )
        tasks.append(Task(mapped.layer, own))
    return Workload(network.name, tuple(tasks))


def hardware(name_or_path: str | Path, **values: object) -> Machine:
    """Return a shipped machine, or the one in a hardware file, with values replaced: ``hardware("…", pes=128)``.

    Values deeper in the file are given by key path: ``**{"levels.0.distribution.bandwidth": 32}``. Raises
    `InputError`.
    """
    return catalog.machine(
        name_or_path, [f"{key}={'null' if value is None else value}" for key, value in values.items()]
    )


def _network(workload: str | Path, *, compat_maestro: bool) -> Network:
    if Path(workload).suffix == ".m" and str(workload) not in catalog.names("networks"):
        return read_network(workload, compat_maestro=compat_maestro)
    return catalog.network(workload)
