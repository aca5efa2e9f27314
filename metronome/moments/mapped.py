"""What commands that look at moments share: one layer, mapped on a machine, and a window of its time."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from dataflow.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.hardware import Machine
    from dataflow.levels import Mapping
    from simulator.events import Path, Window

#: steps that are traced without a window: a file of some ten megabytes
MOST_STEPS = 50_000


class MappedLayer(NamedTuple):
    """A layer, mapped, on a machine."""

    name: str
    mapping: Mapping
    machine: Machine


def mapped_layer(
    pattern: str, workload: str, dataflow: str | None, hardware: str, set_: Sequence[str] | None
) -> MappedLayer:
    """Return the one layer that a pattern names; raises `InputError` where that is none, or several."""
    from dataflow import catalog
    from metronome.explain import chosen
    from metronome.workload import load

    machine = catalog.machine(hardware, set_ or ())
    if dataflow is None and workload in catalog.names("networks"):
        dataflow = "kcp_ws"
    found = chosen(load(workload, dataflow=dataflow), machine, pattern)
    if len(found) > 1:
        raise InputError(f"{len(found)} layers match, {', '.join(name for name, _ in found[:8])}; name one", pattern)
    ((name, mapping),) = found
    return MappedLayer(name, mapping, machine)


def window_of(mapping: Mapping, first: int | None, last: int | None, step: str | None, cluster: str | None) -> Window:
    """Return the window that options ask for; raises `InputError` for one that cannot be."""
    from simulator.events import Window

    if first is not None and last is not None and last < first:
        raise InputError(f"{last} is before --from {first}", "--to")
    begin, end = _steps(step)
    return Window(first or 0, last, begin, end, _path(mapping, cluster))


def _steps(step: str | None) -> tuple[int, int | None]:
    if step is None:
        return 0, None
    match = re.fullmatch(r"([0-9]{1,18})(?:-([0-9]{1,18}))?", step)
    if match is None or int(match[2] or match[1]) < int(match[1]):
        raise InputError(f"{step} is no step, such as 12, and no range, such as 12-15", "--step")
    return int(match[1]), int(match[2] or match[1])


def _path(mapping: Mapping, cluster: str | None) -> Path:
    if cluster is None:
        return ()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})*", cluster) is None:
        raise InputError(f"{cluster} is no path, such as 3, or 0.3 for unit 3 of unit 0", "--cluster")
    path, units = tuple(map(int, cluster.split("."))), mapping.units[:-1]
    if len(path) > len(units) or any(unit >= width for unit, width in zip(path, units, strict=False)):
        shape = " of ".join(f"{width} clusters" for width in reversed(units)) or "no clusters below the top"
        raise InputError(f"there is no cluster {cluster}; this dataflow has {shape}", "--cluster")
    return path


def refuse_large(layer: MappedLayer, most: int = MOST_STEPS) -> None:
    """Refuse to trace every step of a layer that has too many of them."""
    from simulator.simulate import simulate_mapping

    metrics = simulate_mapping(layer.mapping, layer.machine)
    if sum(metrics.steps) > most:
        middle = metrics.cycles // 2
        raise InputError(
            f"{sum(metrics.steps):,} steps in {metrics.cycles:,} cycles are too many for a file; trace a window, for "
            f"example --from {middle} --to {middle + 100}",
            layer.name,
        )
