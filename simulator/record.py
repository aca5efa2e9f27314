"""What happened, as the clusters note it down."""

from __future__ import annotations

from collections import Counter

from simulator.sequence import Activity


class Record:
    """How often each activity happened at each level, cycles waited by cause, and the latest ends.

    ``compute_end`` and ``end`` are on the clock, which stood still for ``skipped`` cycles.
    """

    def __init__(self, levels: int) -> None:
        self.activities: list[Counter[Activity]] = [Counter() for _ in range(levels)]
        self.stalls: Counter[str] = Counter({"transfer": 0, "barrier": 0, "slot": 0})
        self.compute_end = 0
        self.end = 0
        self.skipped = 0

    def stall(self, cause: str, cycles: int) -> None:
        """Note for how long units had work but waited."""
        if cycles > 0:
            self.stalls[cause] += cycles
