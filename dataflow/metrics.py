"""The answer sheet: the record that both models return for a layer."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Upstream:
    """Accesses to the buffer above a boundary, in elements."""

    input_read: int
    filter_read: int
    output_write: int
    output_read: int


@dataclass(frozen=True)
class Downstream:
    """Accesses to the buffers below a boundary, in elements, summed over units."""

    input_write: int
    filter_write: int
    output_drained: int


@dataclass(frozen=True)
class Network:
    """Elements that cross the distribution and the collection ports of a boundary.

    ``links`` are those that cross each link of the distribution network, by the link's name; empty where it is a bus,
    and where a model does not tell links apart. ``returned`` are the partial sums among those distributed.
    """

    distributed: int
    collected: int
    links: dict[str, int] = field(default_factory=dict)
    returned: int = 0


@dataclass(frozen=True)
class Extremes:
    """The least and the most of something over the non-empty steps of all clusters of a level."""

    least: int
    most: int


@dataclass(frozen=True)
class PerStep:
    """What single steps of a level's clusters move and compute.

    ``distributed`` and ``collected`` are elements that cross a cluster's two ports for one step, ``macs`` the MACs of
    the step's busiest unit (with all that is below it, where it is a cluster), and ``busiest_macs`` their sum over
    all steps.
    """

    distributed: Extremes
    collected: Extremes
    macs: Extremes
    busiest_macs: int


@dataclass(frozen=True)
class Boundary:
    """The interface between the level's cluster buffers and their units, summed over the level's clusters.

    Only ``per_step`` is no sum.
    """

    upstream: Upstream
    downstream: Downstream
    network: Network
    per_step: PerStep

    def to_dict(self) -> dict[str, Any]:
        """Return the counts as plain dictionaries; links and sums that return only where there are any."""
        found = asdict(self)
        for key in ("links", "returned"):
            if not found["network"][key]:
                del found["network"][key]
        return found


@dataclass(frozen=True)
class L1:
    """Accesses to the PEs' own scratchpads, in elements."""

    input_read: int
    filter_read: int
    output_read: int
    output_write: int

    @classmethod
    def of(cls, macs: int) -> L1:
        """Every MAC reads both operands and the partial sum, and writes the partial sum."""
        return cls(macs, macs, macs, macs)


@dataclass(frozen=True)
class Buffers:
    """Bytes that the dataflow needs in each scratchpad of a PE and in the L2."""

    l1_bytes: int
    l2_bytes: int


@dataclass(frozen=True)
class Dram:
    """Elements that pass between DRAM and L2, and the tensors that stay in the L2 once they are there.

    ``output_read`` are partial sums that were spilled and come back.
    """

    input_read: int
    filter_read: int
    output_read: int
    output_write: int
    resident: tuple[str, ...]


@dataclass(frozen=True)
class Metrics:
    """Time and traffic of a layer on a machine.

    ``steps[ℓ]`` counts the non-empty steps of all level-ℓ clusters together, ``boundaries[ℓ]`` their traffic.
    ``utilization`` is the share of all MACs that the array could have done in ``cycles``. ``stalls`` are the
    cycles that innermost clusters waited with work at hand, by cause, summed over those clusters (empty where not
    known): for data although the barrier was open (``transfer``), for the barrier although data were there
    (``barrier``), for an output tile to leave although neither was missing (``slot``). ``dram`` is None where there is
    none. ``accelerated`` is the share of steps that were not followed one by one; it is no part of the answer.
    """

    cycles: int
    compute_end: int
    steps: tuple[int, ...]
    boundaries: tuple[Boundary, ...]
    l1: L1
    buffers: Buffers
    utilization: float
    stalls: dict[str, int] = field(default_factory=dict)
    dram: Dram | None = None
    accelerated: float = field(default=0.0, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as plain dictionaries and lists, with the keys of the result file."""
        answer = {key: value for key, value in asdict(self).items() if key != "accelerated"}
        return answer | {
            "steps": list(self.steps),
            "boundaries": [boundary.to_dict() for boundary in self.boundaries],
        }
