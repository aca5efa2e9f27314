"""Results as pandas tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pandas as pd

from dataflow.key_paths import flat
from dataflow.metrics import Metrics

if TYPE_CHECKING:
    from metronome.runs import LayerRun, Run


def frame(run: Run) -> pd.DataFrame:
    """Return one row per layer and model; a layer that is illegal has one row without numbers.

    What the result file has under ``energy`` and ``cost`` is in columns called after the path of the key, such as
    ``energy.components.l2`` and ``cost.levels[0].distribution.average``.

    Counts are whole numbers (``Int64``, missing where a row has none), also beside rows without them.
    """
    rows = [row for layer in run.layers for row in _rows(layer)]
    names = dict.fromkeys(name for row in rows for name in row)
    return pd.DataFrame({name: _column([row.get(name) for row in rows]) for name in names})


def _column(values: list[Any]) -> pd.Series[Any]:
    """Return a column that holds whole numbers exactly: left to itself, pandas makes floats of them beside gaps."""
    whole = [value for value in values if type(value) is int]
    if not whole:
        return pd.Series(values)
    return pd.Series(values, dtype="Int64" if max(whole) < 2**63 else object)


def _rows(layer: LayerRun) -> Iterator[dict[str, Any]]:
    head = {"layer": layer.name, "type": layer.type, "macs": layer.macs, "legal": layer.legal}
    if layer.simulator is None:
        yield head | {"model": None, "error": (layer.error or {}).get("message")}
        return
    for model, metrics in {"simulator": layer.simulator, **layer.analytical}.items():
        yield head | {"model": model} | _numbers(metrics, layer.simulator) | _costs(layer, model)


def _costs(layer: LayerRun, model: str) -> dict[str, Any]:
    if model not in layer.costs:
        return {}
    found = layer.costs[model]
    return dict(flat({"energy": found.energy.to_dict(), "cost": found.to_dict()}))


def _numbers(metrics: Metrics, simulated: Metrics) -> dict[str, Any]:
    numbers: dict[str, Any] = {
        "cycles": metrics.cycles,
        "compute_end": metrics.compute_end,
        "difference_percent": difference(metrics.cycles, simulated.cycles),
        "utilization": metrics.utilization,
    }
    for level, boundary in enumerate(metrics.boundaries):
        numbers[f"steps[{level}]"] = metrics.steps[level]
        numbers |= flat(boundary.to_dict(), f"boundary[{level}]")
    numbers |= {f"l1.{key}": value for key, value in vars(metrics.l1).items()}
    numbers |= vars(metrics.buffers)
    return numbers | {f"stalls.{cause}": cycles for cause, cycles in metrics.stalls.items()}


def difference(analysed: int, simulated: int) -> float:
    """Return by how many percent of the simulated value the analysed one is larger."""
    return 100 * (analysed - simulated) / simulated if simulated else 0.0
