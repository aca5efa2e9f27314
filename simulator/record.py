"""What happened, as the clusters note it down."""

from __future__ import annotations

from collections import Counter

from simulator.activities import Activity
from simulator.tiles import Origin


class Record:
    """How often each activity happened at each level, cycles waited by cause, and the latest ends.

    What is noted counts ``weight`` times. ``compute_end`` and ``end`` are by a clock that stood still for ``skipped``
    cycles, and places by a layer of which what was skipped had no width: they are ``displaced`` (() by nothing).
    ``simulated`` steps were followed one by one.
    """

    def __init__(self, levels: int) -> None:
        self.activities: list[Counter[Activity]] = [Counter() for _ in range(levels)]
        self.stalls: Counter[str] = Counter({"transfer": 0, "barrier": 0, "slot": 0})
        self.weight = 1
        self.compute_end = 0
        self.end = 0
        self.skipped = 0
        self.displaced: Origin = ()
        self.simulated = 0

    def step(self, level: int, activity: Activity) -> None:
        """Note a step of a cluster."""
        self.activities[level][activity] += self.weight
        self.simulated += 1

    def stall(self, cause: str, cycles: int) -> None:
        """Note for how long units had work but waited."""
        self.stalls[cause] += self.weight * cycles

    @property
    def accelerated(self) -> float:
        """The share of steps that were not followed one by one."""
        steps = sum(activities.total() for activities in self.activities)
        return (steps - self.simulated) / steps if steps else 0.0
