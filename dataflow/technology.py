"""What an access costs and what a part takes up: the energies and areas of a technology."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dataflow.errors import InputError
from dataflow.text_files import closest, read_text
from dataflow.yaml_files import parse_yaml

Energy = Annotated[float, Field(ge=0, allow_inf_nan=False, strict=True)]
Area = Annotated[float, Field(ge=0, allow_inf_nan=False, strict=True)]
Coefficient = Annotated[float, Field(allow_inf_nan=False, strict=True)]
Polynomial = Annotated[tuple[Coefficient, ...], Field(min_length=1, max_length=4)]

_AN_ENERGY = "a number of at least 0, the energy relative to one MAC"
_AN_AREA = "a number of at least 0, an area in µm²"
_COEFFICIENTS = "a list of 1 to 4 numbers, an area in µm² as the coefficients of 1, n, n² and n³"
_KINDS = {
    "name": "a text",
    "mac_pj": "a number above 0, the energy of a MAC in pJ",
    "pe_um2": _AN_AREA,
    "sram_um2_per_byte": _AN_AREA,
    "bus_um2": _COEFFICIENTS,
    "arbiter_um2": _COEFFICIENTS,
}


class Technology(BaseModel):
    """Energies per element, relative to one MAC, of an access to each memory and of a crossing of a network; areas.

    ``network`` is 0 where the source does not state it. None is not known, but for ``cluster_buffer``: without it, an
    access to a cluster buffer costs what one to the L1 does. ``mac_pj`` is the energy of a MAC in pJ. ``pe_um2`` is a
    PE's logic per lane; ``bus_um2`` and ``arbiter_um2`` are polynomials in the number of ports, constant first.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1, strict=True)]
    mac: Energy = 1.0
    l1: Energy
    network: Energy = 0.0
    cluster_buffer: Energy | None = None
    l2: Energy
    dram: Energy | None = None
    mac_pj: Annotated[float, Field(gt=0, allow_inf_nan=False, strict=True)] | None = None
    pe_um2: Area | None = None
    sram_um2_per_byte: Area | None = None
    bus_um2: Polynomial | None = None
    arbiter_um2: Polynomial | None = None


def exact(number: float) -> Fraction:
    """Return the decimal number that was written, not its binary neighbour."""
    return Fraction(repr(number))


def read_technology(path: str | Path) -> Technology:
    """Read the technology file at ``path``; without ``name`` it is called after the file.

    Raises `InputError` with the file and the key of whatever is wrong.
    """
    file = str(path)
    content = parse_yaml(read_text(path), file)
    keys = tuple(Technology.model_fields)
    if not isinstance(content, dict):
        raise InputError(f"a technology file has the keys {' '.join(keys)}", file)
    for key in content:
        if key not in keys:
            raise InputError(f"unknown key; the keys are {' '.join(keys)}{closest(key, keys)}", f"{file}: {key}")
    try:
        return Technology.model_validate({"name": Path(path).stem} | content)
    except ValidationError as error:
        key = str(error.errors()[0]["loc"][0])
        raise InputError(_fault(key, content), f"{file}: {key}") from None


def _fault(key: str, content: dict[str, Any]) -> str:
    if key not in content:
        return "is missing; an energy relative to one MAC should stand here"
    return f"{content[key]!r} should be {_KINDS.get(key, _AN_ENERGY)}"
