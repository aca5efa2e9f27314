"""A space of designs: what is computed, by which dataflows, on which machines, within which limits.

Designs are numbered. The digits of a number, the first one counting most, are the positions of its values along the
axes: the target (a layer, or the network), the dataflow, the number of PEs, the numbers of buffers, what decides only
about time (lanes and ports), and the sizes of the scratchpads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from itertools import product
from math import prod
from typing import Any

from analytical import PUBLISHED, REFINED, Assumptions
from analytical.sweeping import BUFFERS
from dataflow.directives import Dataflow
from dataflow.errors import InputError
from dataflow.hardware import Machine
from dataflow.layers import Layer
from dataflow.reader import parse_dataflow
from dataflow.technology import Technology

SIZES = ("l1.bytes", "l2.bytes")

#: beyond these numbers, counts of designs do not fit into 64 bits
MOST_DESIGNS = 10**18

MODELS: Mapping[str, Assumptions] = {"refined": REFINED, "published": PUBLISHED}


@dataclass(frozen=True)
class Template:
    """A dataflow file, and by the name of a constant in it the values that it is to have."""

    name: str
    file: str
    text: str
    parameters: tuple[tuple[str, tuple[int, ...]], ...] = ()


@dataclass(frozen=True)
class Instance:
    """A template with values for its parameters."""

    template: Template
    constants: tuple[tuple[str, int], ...]

    @property
    def name(self) -> str:
        """The template's name, and the values."""
        stated = ", ".join(f"{name}={value}" for name, value in self.constants)
        return f"{self.template.name}({stated})" if stated else self.template.name

    @property
    def dataflow(self) -> Dataflow:
        """The directives; raises `InputError` for a text with faults."""
        return _parsed(self.template.text, self.template.file, self.constants)


@lru_cache(maxsize=1024)
def _parsed(text: str, file: str, constants: tuple[tuple[str, int], ...]) -> Dataflow:
    return parse_dataflow(text, file, dict(constants))


@dataclass(frozen=True)
class Axis:
    """The values of one key of a hardware file; None is an unbounded scratchpad."""

    key: str
    values: tuple[int | None, ...]


@dataclass(frozen=True)
class Limits:
    """What a valid design may take: µm², mW, and whether tiles have to fit; None is no limit."""

    area_um2: Fraction | None = None
    power_mw: Fraction | None = None
    fit: bool = True


@dataclass(frozen=True)
class Design:
    """One design: what it is for, its dataflow (None: each layer has its best), and the values of the axes."""

    number: int
    target: int
    instance: int | None
    values: Mapping[str, int | None]


@dataclass(frozen=True)
class Space:
    """All of a space file, resolved.

    ``targets`` are what objectives are for: names, each with its layers. ``best_by`` is the objective by which each
    layer of a target chooses its dataflow, None where one dataflow serves all. ``axes`` are in the order of the digits
    of a design's number: pes, `BUFFERS` that are swept, lanes, ports, and the two of `SIZES`.
    """

    name: str
    targets: tuple[tuple[str, tuple[Layer, ...]], ...]
    templates: tuple[Template, ...]
    machine: Machine
    technology: Technology
    axes: tuple[Axis, ...]
    limits: Limits
    objectives: tuple[str, ...]
    best_by: str | None = None
    model: str = "refined"

    def signature(self) -> dict[str, Any]:
        """Return what makes the space what it is, for JSON: two spaces with the same have the same designs."""
        return {
            "targets": [
                [name, [[each.name, each.type, dict(each.sizes), each.stride, each.dilation] for each in layers]]
                for name, layers in self.targets
            ],
            "templates": [[each.name, each.text, each.parameters] for each in self.templates],
            "machine": self.machine.to_dict(),
            "technology": self.technology.model_dump(mode="json"),
            "axes": [[axis.key, axis.values] for axis in self.axes],
            "limits": [str(self.limits.area_um2), str(self.limits.power_mw), self.limits.fit],
            "objectives": self.objectives,
            "best_by": self.best_by,
            "model": self.model,
        }

    @property
    def assumptions(self) -> Assumptions:
        """What the analytical model assumes."""
        return MODELS[self.model]

    @cached_property
    def instances(self) -> tuple[Instance, ...]:
        """The dataflows of all templates."""
        return tuple(
            Instance(template, tuple(zip((name for name, _ in template.parameters), values, strict=True)))
            for template in self.templates
            for values in product(*(values for _, values in template.parameters))
        )

    @property
    def groups(self) -> int:
        """The number of dataflows that are told apart: 1 where each layer has its best."""
        return 1 if self.best_by is not None else len(self.instances)

    def candidates(self, group: int) -> range:
        """Return the dataflows among which the layers of a group choose."""
        return range(len(self.instances)) if self.best_by is not None else range(group, group + 1)

    @cached_property
    def buffer_axes(self) -> tuple[Axis, ...]:
        """The axes that say how many buffers there are."""
        return tuple(axis for axis in self.axes if axis.key in BUFFERS)

    @cached_property
    def time_axes(self) -> tuple[Axis, ...]:
        """The axes that decide about nothing but time, and area: lanes and ports."""
        return tuple(axis for axis in self.axes if axis.key not in (*BUFFERS, *SIZES, "pes"))

    @cached_property
    def sizes(self) -> tuple[Axis, Axis]:
        """The axes of the L1's and the L2's bytes."""
        return self.axes[-2], self.axes[-1]

    @cached_property
    def radices(self) -> tuple[int, ...]:
        """The number of values of each digit of a design's number."""
        return (len(self.targets), self.groups, *(len(axis.values) for axis in self.axes))

    @property
    def designs(self) -> int:
        """How many designs there are."""
        return prod(self.radices)

    @cached_property
    def rows(self) -> int:
        """How many times there are to work out: designs that differ only in sizes share one."""
        return self.designs // self.pairs

    @cached_property
    def l2_groups(self) -> tuple[tuple[int | None, tuple[int, ...]], ...]:
        """The places of L2 sizes that are alike in all but area and what fits, each with one of these sizes.

        Behind an L2 that chooses what stays in it for want of room there is a DRAM: then every size is another machine.
        """
        values = self.sizes[1].values
        if self.machine.dram is None or self.machine.l2.resident is not None:
            return ((self.machine.l2.bytes, tuple(range(len(values)))),)
        return tuple((value, (place,)) for place, value in enumerate(values))

    @cached_property
    def pairs(self) -> int:
        """Combinations of sizes."""
        return prod(len(axis.values) for axis in self.sizes)

    @cached_property
    def times(self) -> int:
        """Combinations of lanes and ports."""
        return prod(len(axis.values) for axis in self.time_axes)

    def digits(self, number: int) -> tuple[int, ...]:
        """Return the positions along target, dataflow and axes."""
        found = []
        for radix in reversed(self.radices):
            number, digit = divmod(number, radix)
            found.append(digit)
        return tuple(reversed(found))

    def number(self, digits: tuple[int, ...]) -> int:
        """Return the number of the design with these positions."""
        number = 0
        for radix, digit in zip(self.radices, digits, strict=True):
            number = number * radix + digit
        return number

    def design(self, number: int) -> Design:
        """Return a design by its number; raises `InputError` where there is none."""
        if not 0 <= number < self.designs:
            raise InputError(f"there is no design {number}; there are {self.designs}, numbered from 0", self.name)
        target, group, *places = self.digits(number)
        values = {axis.key: axis.values[place] for axis, place in zip(self.axes, places, strict=True)}
        return Design(number, target, None if self.best_by is not None else group, values)

    def machine_of(self, values: Mapping[str, int | None]) -> Machine:
        """Return the space's machine with these values."""
        content = self.machine.to_dict()
        for key, value in values.items():
            place = content
            *path, last = key.split(".")
            for part in path:
                place = place[int(part)] if isinstance(place, list) else place[part]
            place[last] = value
        return Machine.model_validate(content)
