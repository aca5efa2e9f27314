"""What an access costs: the energies of a technology, relative to one MAC."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dataflow.errors import InputError
from dataflow.text_files import closest, read_text
from dataflow.yaml_files import parse_yaml

Energy = Annotated[float, Field(ge=0, allow_inf_nan=False, strict=True)]


class Technology(BaseModel):
    """Energies per element, relative to one MAC: of an access to each memory, and of a crossing of a network.

    ``network`` is 0 and ``dram`` None where the source does not state them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1, strict=True)]
    mac: Energy = 1.0
    l1: Energy
    network: Energy = 0.0
    l2: Energy
    dram: Energy | None = None


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
    kind = "a text" if key == "name" else "a number of at least 0, the energy relative to one MAC"
    return f"{content[key]!r} should be {kind}"
