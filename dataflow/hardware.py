"""The machine: what a hardware file describes, checked and resolved."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

#: Far beyond any machine; larger numbers are slips.
LARGEST = 10**18

Positive = Annotated[int, Field(ge=1, le=LARGEST, strict=True)]
NotNegative = Annotated[int, Field(ge=0, le=LARGEST, strict=True)]
Text = Annotated[str, Field(min_length=1, strict=True)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Distribution(_Part):
    """The port that sends elements down to a cluster's units: elements/cycle, and cycles to arrive."""

    topology: Literal["bus"] = "bus"
    bandwidth: Positive
    latency: NotNegative = 0


class Collection(_Part):
    """The port that takes outputs up from a cluster's units: elements/cycle, cycles to arrive, reduction."""

    bandwidth: Positive
    latency: NotNegative = 0
    reduction: Literal["tree", "chain", "none"] = "tree"


class LevelNetwork(_Part):
    """The two networks of each cluster of a level."""

    distribution: Distribution
    collection: Collection


class Scratchpad(_Part):
    """A buffer's capacity in bytes; None is unbounded."""

    bytes: Positive | None = None


class Machine(_Part):
    """A resolved hardware description. ``levels``: outermost first, the last entry serves all deeper levels."""

    name: Text = "machine"
    pes: Positive
    lanes: Positive = 1
    element_bytes: Positive = 1
    clock_ghz: Annotated[float, Field(gt=0, allow_inf_nan=False, strict=True)] = 1.0
    buffering: Positive = 2
    multicast: Annotated[bool, Field(strict=True)] = True
    l1: Scratchpad = Scratchpad()
    l2: Scratchpad = Scratchpad()
    levels: Annotated[tuple[LevelNetwork, ...], Field(min_length=1)]
    dram: None = None
    sync: Literal["barrier"] = "barrier"
    technology: Text = "maestro-28nm"

    @field_validator("l1", "l2", mode="before")
    @classmethod
    def _unbounded(cls, value: object) -> object:
        return Scratchpad() if value is None else value

    def network(self, level: int) -> LevelNetwork:
        """Return the networks of the clusters of ``level`` (0 is the top)."""
        return self.levels[min(level, len(self.levels) - 1)]

    def to_dict(self) -> dict[str, Any]:
        """Return the machine as plain dictionaries and lists, in the shape of a hardware file."""
        return self.model_dump(mode="json")
