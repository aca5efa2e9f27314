"""The published figures (``published.yaml``), checked and typed, and the machine files that go with them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from dataflow.hardware import Machine
from dataflow.hardware_files import read_machine
from dataflow.text_files import read_text
from dataflow.yaml_files import parse_yaml

Stationary = Literal["output", "filter", "input"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Gemm(_Part):
    """The sizes of a matrix product M × K by K × N."""

    M: int
    N: int
    K: int


class SystolicCase(_Part):
    """Cycles of a GEMM on an ``array`` of rows and columns.

    ``first_cycle`` is the number that the source gives to the first cycle when it names the last one, 1 where it gives
    their number. ``drains`` is False where it leaves the drain of every fold out; ``registered`` arrays have registers
    at their edges. ``limit`` is in cycles.
    """

    name: str
    source: str
    note: str
    stationary: Stationary
    array: tuple[int, int]
    gemm: Gemm
    cycles: int
    first_cycle: Literal[0, 1] = 1
    drains: bool = True
    registered: bool = False
    limit: int


class Sets(_Part):
    """How channels and filters are spread over sets of PEs: q channels in a PE, r and t sets."""

    q: int
    r: int
    t: int


class EyerissLayer(_Part):
    """A layer on the chip: the parameters of its mapping, and what was measured for the whole batch.

    ``traffic_as`` is another mapping whose traffic was measured, where it is not that of the stated one.
    """

    name: str
    m: int
    n: int
    e: int
    p: int
    q: int
    r: int
    t: int
    milliseconds: float
    megabytes: float
    active_pes: int
    traffic_as: Sets | None = None


class Eyeriss(_Part):
    """AlexNet on Eyeriss. ``mean_limit_percent`` is for the mean magnitude of the layers' errors in latency."""

    source: str
    batch: int
    mean_limit_percent: float
    layers: tuple[EyerissLayer, ...]


class ReductionLayer(_Part):
    """A 3 × 3 convolution of ``side`` × ``side`` inputs without padding, and its cycles."""

    name: str
    K: int
    C: int
    side: int
    cycles: int


class ReductionTree(_Part):
    """VGG-16 in virtual neurons."""

    source: str
    layers: tuple[ReductionLayer, ...]


class Published(_Part):
    """All published figures."""

    systolic: tuple[SystolicCase, ...]
    eyeriss: Eyeriss
    reduction_tree: ReductionTree


def _folder() -> Path:
    return Path(str(resources.files("validation") / "truth"))


@cache
def published() -> Published:
    """Return the published figures."""
    path = _folder() / "published.yaml"
    return Published.model_validate(parse_yaml(read_text(path), str(path)))


def machine(name: str, overrides: Sequence[str] = ()) -> Machine:
    """Return a machine of ``validation/truth/machines`` with ``key=value`` overrides."""
    return read_machine(_folder() / "machines" / f"{name}.yaml", overrides)
