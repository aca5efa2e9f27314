"""Single designs of a space: what they are, and files with which the other commands run them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import yaml

from dataflow.directives import MappedLayer, Network
from dataflow.errors import InputError
from dataflow.writer import write_network
from exploration.evaluate import Evaluation, evaluate
from exploration.space import Space
from metronome.files import write
from simulator.simulate import simulate_mapping

_FAULTS = {
    "illegal": "a dataflow does not compute its layer",
    "buffers": "tiles do not fit into the scratchpads",
    "area": "it is too large",
    "power": "it takes too much power",
}


def design_text(space: Space, number: int) -> Iterator[str]:
    """Yield lines that say what a design is, and what both models say of it."""
    evaluation = evaluate(space, number)
    yield f"design {number} of {space.name}, for {space.targets[evaluation.design.target][0]}"
    for key, value in evaluation.design.values.items():
        yield f"  {key} = {'as needed' if value is None else value}"
    for layer in evaluation.layers:
        yield f"  {layer.layer.name}: {space.instances[layer.instance].name}"
    if evaluation.fault is not None:
        yield f"not valid: {_FAULTS[evaluation.fault]}"
    if evaluation.outcome is None:
        return
    modelled, simulated = evaluation.outcome, evaluation.judged_by(simulate_mapping)
    numbers = [outcome.numbers(space.machine, space.technology) for outcome in (modelled, simulated)]
    yield f"{'':20}{space.model:>16}{'simulated':>16}"
    for name, number_of_model in numbers[0].items():
        if number_of_model is not None:
            yield f"{name:20}{_shown(number_of_model):>16}{_shown(numbers[1][name]):>16}"


def write_design(space: Space, number: int, folder: str) -> None:
    """Write a valid design: ``design-NUMBER.yaml``, its machine, and ``design-NUMBER.m``, its layers and dataflows."""
    evaluation = evaluate(space, number)
    stem = Path(folder) / f"design-{number}"
    machine = evaluation.machine.model_copy(update={"name": stem.name})
    write(yaml.safe_dump(machine.to_dict(), sort_keys=False), f"{stem}.yaml")
    write(write_network(_network(evaluation, stem.name)), f"{stem}.m")


def make_folder(folder: str, option: str) -> None:
    """Make a folder if there is none; raises `InputError` where that is not possible."""
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder} cannot be made: {(error.strerror or str(error)).lower()}", option) from None


def _network(evaluation: Evaluation, name: str) -> Network:
    layers = (
        MappedLayer(each.layer, replace(evaluation.space.instances[each.instance].dataflow, name=each.layer.name))
        for each in evaluation.layers
    )
    return Network(name, tuple(layers))


def _shown(value: float | int | None) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.6g}"
