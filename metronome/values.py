"""`metronome run --values`: which numbers to compute with, and what to tell about those that come out."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import typer
from numpy.typing import NDArray

from dataflow.errors import InputError
from dataflow.hardware import Machine
from dataflow.layers import Layer
from dataflow.levels import Mapping
from metronome import files
from metronome.workload import Workload
from simulator.values import operands
from validation.values import Verdict, path_name, verify

if TYPE_CHECKING:
    from metronome.runs import LayerRun

Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Numbers:
    """The operands of a run: arrays for its only layer, or drawn with ``seed`` for each."""

    seed: int = 0
    inputs: Integers | None = None
    filters: Integers | None = None

    def of(self, layer: Layer) -> tuple[Integers, Integers]:
        """Return input and filter of ``layer``; raises `InputError` for arrays that do not fit it."""
        return operands(layer, self.inputs, self.filters, self.seed)

    def verify(self, mapping: Mapping, machine: Machine) -> Verdict:
        """Execute a layer with them."""
        return verify(mapping, machine, *self.of(mapping.layer))


@dataclass(frozen=True)
class Request:
    """The options of the command line that belong to ``--values``."""

    values: bool
    seed: int | None = None
    inputs: str | None = None
    filters: str | None = None
    outputs: str | None = None


def ask(request: Request, workload: Workload) -> Numbers | None:
    """Return what a command line asks for, None if that is no numbers at all; raises `InputError` if it cannot be."""
    given = {"--seed": request.seed, "--inputs": request.inputs, "--filters": request.filters}
    given |= {"--outputs": request.outputs}
    for option, value in given.items():
        if value is not None and not request.values:
            raise InputError(f"{option} is about numbers; it needs --values")
        if value is not None and option != "--seed" and len(workload.tasks) > 1:
            raise InputError(f"{option} is for one layer, not {len(workload.tasks)}; choose it with --layer")
    if request.seed is not None and request.seed < 0:
        raise InputError(f"--seed is {request.seed}; it has to be at least 0")
    if not request.values:
        return None
    arrays = [None if path is None else read(path) for path in (request.inputs, request.filters)]
    numbers = Numbers(request.seed or 0, *arrays)
    if request.inputs is not None or request.filters is not None:
        for task in workload.tasks:
            numbers.of(task.layer)
    if request.outputs is not None:
        files.ensure_writable(request.outputs)
    return numbers


def read(path: str) -> Integers:
    """Return the array in a .npy file; raises `InputError` where there is none."""
    try:
        with Path(path).open("rb") as stream:
            array: Integers = np.lib.format.read_array(stream, allow_pickle=False)
    except FileNotFoundError:
        raise InputError("no such file", path) from None
    except IsADirectoryError:
        raise InputError("is a directory; a .npy file is needed", path) from None
    except (ValueError, EOFError, MemoryError) as error:
        raise InputError(f"not an array in a .npy file: {str(error).partition(chr(10))[0]}", path) from None
    except OSError as error:
        raise InputError(f"the file cannot be read: {error.strerror}", path) from None
    return array


def save_output(layers: Iterable[LayerRun], path: str) -> None:
    """Write the output of the only layer that has one to a .npy file."""
    for layer in layers:
        if layer.values is not None:
            stream = io.BytesIO()
            np.lib.format.write_array(stream, layer.values.output, allow_pickle=False)
            files.write_bytes(stream.getvalue(), path)


def report_values(layers: Iterable[LayerRun], *, quiet: bool) -> int:
    """Say which layers' outputs are right, and to standard error which are wrong; return the exit status."""
    status = 0
    for layer in layers:
        if layer.values is not None and not (layer.values.equal and quiet):
            status = max(status, 0 if layer.values.equal else 1)
            for line in told(layer):
                typer.echo(line, err=not layer.values.equal)
    return status


def told(layer: LayerRun) -> Iterator[str]:
    """Yield the lines that say whether the outputs are NumPy's, and if not, which are not and what PEs lacked."""
    verdict = layer.values
    if verdict is None:
        return
    outputs = verdict.output.size
    if verdict.equal:
        yield f"{layer.name}: all {outputs:,} outputs equal NumPy's (every step simulated)"
        return
    if verdict.wrong_elements:
        yield f"{layer.name}: {verdict.wrong_elements:,} of {outputs:,} outputs differ from NumPy's"
        yield from (f"  {wrong}" for wrong in verdict.wrong)
        left = verdict.wrong_elements - len(verdict.wrong)
        if left:
            yield f"  and {left:,} more"
    if verdict.missing_operands:
        path, name = verdict.missing[0]
        yield f"{layer.name}: PEs lacked {verdict.missing_operands:,} operands, first PE {path_name(path)} {name}"


def to_dict(verdict: Verdict) -> dict[str, Any]:
    """Return the verdict's entry of the result file."""
    return {
        "equal": verdict.equal,
        "accelerated": False,
        "outputs": verdict.output.size,
        "wrong_elements": verdict.wrong_elements,
        "wrong": [
            {
                "element": wrong.element,
                "value": wrong.value,
                "expected": wrong.expected,
                "terms": wrong.terms,
                "work": [
                    {"pe": path_name(path), "products": products, "missing": list(missing)}
                    for path, products, missing in wrong.work
                ],
            }
            for wrong in verdict.wrong
        ],
        "missing_operands": verdict.missing_operands,
        "missing": [{"pe": path_name(path), "element": name} for path, name in verdict.missing],
    }
