"""What the closed form takes for granted, each by name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Assumptions:
    """The simplifications of the published model, True where made.

    restart_reuse: tiles are fetched again, and outputs leave, at every step of the level above.
    restart_pipeline: the pipeline fills and drains again at every step of the level above.
    worst_unit: every active unit is as slow and as large as the largest one.
    no_reduction_delay: adding partial sums on the way takes no time.
    steady_drain: an output slot never makes a computation wait; a drain only has to fit beside it.
    """

    restart_reuse: bool = True
    restart_pipeline: bool = True
    worst_unit: bool = True
    no_reduction_delay: bool = True
    steady_drain: bool = True


#: The assumptions of the MAESTRO paper.
PUBLISHED = Assumptions()
