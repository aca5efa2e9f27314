"""The machine: what a hardware file describes, checked and resolved."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticKnownError

#: Far beyond any machine; larger numbers are slips.
LARGEST = 10**18

Positive = Annotated[int, Field(ge=1, le=LARGEST, strict=True)]
NotNegative = Annotated[int, Field(ge=0, le=LARGEST, strict=True)]
Text = Annotated[str, Field(min_length=1, strict=True)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


#: The topologies of distribution networks, each with the keys that only it and some others have.
KEYS_OF_TOPOLOGIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "bus": (),
        "crossbar": ("port_width",),
        "tree": ("fanout", "link_widths", "hop"),
        "systolic": ("hop",),
        "mesh": ("columns", "link_widths", "hop"),
    }
)


class Distribution(_Part):
    """The port that sends elements down to a cluster's units, and the network behind it.

    ``bandwidth`` is what enters in elements/cycle, None for wires, on which any number takes no time; with
    ``filter_bandwidth`` filters have a network of their own, alike but for that. ``latency`` is cycles to arrive beyond
    those on the links. ``port_width`` and ``link_widths`` (by depth, the last for all deeper links) are in
    elements/cycle, ``hop`` in cycles per switch; None is as wide as the port, and for ``columns`` as many as make a
    square.
    """

    topology: Text = "bus"
    bandwidth: Positive | None
    filter_bandwidth: Positive | None = None
    latency: NotNegative = 0
    port_width: Positive | None = None
    link_widths: Annotated[tuple[Positive, ...], Field(min_length=1)] | None = None
    fanout: Annotated[int, Field(ge=2, le=1024, strict=True)] = 2
    hop: NotNegative = 1
    columns: Positive | None = None

    @property
    def width(self) -> int | None:
        """The elements that enter a cycle at most, filters of their own network included; None is any number."""
        return None if self.bandwidth is None else self.bandwidth + (self.filter_bandwidth or 0)

    @field_validator("topology")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in KEYS_OF_TOPOLOGIES:
            *others, last = (f"'{topology}'" for topology in KEYS_OF_TOPOLOGIES)
            raise PydanticKnownError("literal_error", {"expected": f"{', '.join(others)} or {last}"})
        return value

    @model_validator(mode="after")
    def _suits(self) -> Self:
        for key in (key for own in KEYS_OF_TOPOLOGIES.values() for key in own):
            stated = getattr(self, key) != type(self).model_fields[key].default
            if stated and key not in KEYS_OF_TOPOLOGIES[self.topology]:
                suited = (topology for topology, own in KEYS_OF_TOPOLOGIES.items() if key in own)
                raise ValueError(f"{key} is for topology {' or '.join(suited)}, not {self.topology}")
        return self


class Collection(_Part):
    """The port that takes outputs up from a cluster's units: elements/cycle, cycles to arrive, reduction.

    ``bandwidth`` None is wires: any number takes no time, and below the top there is no buffer behind them. Outputs
    stay in the units until the level above has collected them. With ``partial_sums`` "return" the buffer behind the
    port sends them back to the units that go on with them.
    """

    bandwidth: Positive | None
    latency: NotNegative = 0
    reduction: Literal["tree", "chain", "none"] = "tree"
    partial_sums: Literal["accumulate", "return"] = "accumulate"

    @model_validator(mode="after")
    def _have_a_buffer(self) -> Self:
        if self.partial_sums == "return" and self.bandwidth is None:
            raise ValueError("partial sums return from a buffer, which wires (bandwidth null) do not have behind them")
        return self

    @property
    def width(self) -> int | None:
        """The elements that leave a cycle at most; None is any number."""
        return self.bandwidth


class LevelNetwork(_Part):
    """The two networks of each cluster of a level."""

    distribution: Distribution
    collection: Collection


class Scratchpad(_Part):
    """A buffer's capacity in bytes; None is unbounded."""

    bytes: Positive | None = None


class L2(Scratchpad):
    """The buffer above the top level.

    With ``port_bandwidth``, in elements/cycle, all its traffic goes through one port. ``resident`` are the tensors that
    stay once they are there, chosen by what they save where it is None; of use only with a DRAM.
    """

    port_bandwidth: Positive | None = None
    resident: tuple[Literal["input", "filter", "output"], ...] | None = None


class RowBuffer(_Part):
    """Open pages of a DRAM: banks, a row's size in elements, and the extra cycles for a row that is open, or not."""

    banks: Positive = 8
    row_elements: Positive
    hit: NotNegative = 0
    miss: NotNegative


class Dram(_Part):
    """Memory behind the L2: elements/cycle of the bus that reads and writes share, and cycles to arrive."""

    bandwidth: Positive
    latency: NotNegative = 0
    row_buffer: RowBuffer | None = None


class Machine(_Part):
    """A resolved hardware description. ``levels``: outermost first, the last entry serves all deeper levels."""

    name: Text = "machine"
    pes: Positive
    lanes: Positive = 1
    element_bytes: Positive = 1
    clock_ghz: Annotated[float, Field(gt=0, allow_inf_nan=False, strict=True)] = 1.0
    buffering: Positive = 2
    filter_buffering: Positive | None = None
    output_buffering: Positive | None = None
    multicast: Annotated[bool, Field(strict=True)] = True
    l1: Scratchpad = Scratchpad()
    l2: L2 = L2()
    levels: Annotated[tuple[LevelNetwork, ...], Field(min_length=1)]
    dram: Dram | None = None
    sync: Literal["barrier", "dataflow"] = "barrier"
    technology: Text = "maestro-28nm"

    @field_validator("l1", "l2", mode="before")
    @classmethod
    def _unbounded(cls, value: object) -> object:
        return {} if value is None else value

    @model_validator(mode="after")
    def _sums_return_in_order(self) -> Self:
        returning = any(level.collection.partial_sums == "return" for level in self.levels)
        if returning and (self.dram is not None or self.l2.port_bandwidth is not None):
            raise ValueError("partial sums return to the units only without a dram and without l2.port_bandwidth")
        return self

    @property
    def filter_tiles(self) -> int:
        """Filter tiles of a unit: ``filter_buffering``, never more than of the operands as a whole."""
        return min(self.buffering, self.filter_buffering or self.buffering)

    @property
    def output_tiles(self) -> int:
        """Output tiles of a PE: ``output_buffering``, as many as of the operands where that is None."""
        return self.buffering if self.output_buffering is None else self.output_buffering

    def network(self, level: int) -> LevelNetwork:
        """Return the networks of the clusters of ``level`` (0 is the top)."""
        return self.levels[min(level, len(self.levels) - 1)]

    def to_dict(self) -> dict[str, Any]:
        """Return the machine as plain dictionaries and lists, in the shape of a hardware file."""
        return self.model_dump(mode="json")
