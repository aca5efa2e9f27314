"""What an analysis takes for granted, each by name."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from dataflow.errors import InputError


@dataclass(frozen=True)
class Assumptions:
    """Simplifications of the machine, True where made; each can be made alone.

    restart_reuse: tiles are fetched again, and outputs leave, at every step of the level above.
    restart_pipeline: the pipeline of a level fills and drains again at every step of the level above.
    lockstep: transfer, compute and drain of successive steps go hand in hand; a step takes as long as the slowest.
    worst_unit: every unit that is active is as slow and moves as much as the largest one.
    no_reduction_delay: adding partial sums on the way takes no time.
    steady_drain: the PEs never wait for an output tile to leave.
    """

    restart_reuse: bool = False
    restart_pipeline: bool = False
    lockstep: bool = False
    worst_unit: bool = False
    no_reduction_delay: bool = False
    steady_drain: bool = False

    def with_(self, **changes: bool) -> Assumptions:
        """Return these assumptions with some made or dropped; raises `InputError` for a name that there is not."""
        for name in changes:
            if name not in NAMES:
                raise InputError(f"unknown assumption; the assumptions are {', '.join(NAMES)}", name)
        return replace(self, **changes)


NAMES = tuple(field.name for field in fields(Assumptions))

#: Those of the MAESTRO paper: each level on its own, one step of the level above at a time.
PUBLISHED = Assumptions(*(True for _ in NAMES))

#: None: the schedule as it is.
REFINED = Assumptions()
