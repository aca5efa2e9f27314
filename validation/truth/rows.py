"""What a comparison with published figures comes to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One figure: ``measured`` in the simulator, ``published`` by ``source``, both in ``unit``.

    ``limit`` is the largest difference allowed, in the same unit; None where the data state none. ``decimals`` are
    those that are shown.
    """

    case: str
    name: str
    quantity: str
    unit: str
    measured: float
    published: float
    source: str
    limit: float | None = None
    note: str = ""
    decimals: int = 0

    @property
    def difference(self) -> float:
        """Measured less published."""
        return self.measured - self.published

    @property
    def percent(self) -> float | None:
        """The difference in percent of the published figure, None where that is 0."""
        return 100 * self.difference / self.published if self.published else None

    @property
    def holds(self) -> bool:
        """Whether the difference is within the limit, where there is one."""
        return self.limit is None or abs(self.difference) <= self.limit
