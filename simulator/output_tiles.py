"""Room for outputs: as many tiles as there are buffers, each free again when its last drain has left (§5.3)."""

from __future__ import annotations

from collections import deque

from simulator.channels import Clock, Counter, Waiting


class OutputTile:
    """An output tile: when its last drain so far has left, and how many more there are that are not known yet."""

    __slots__ = ("left", "pending")

    def __init__(self) -> None:
        self.left = 0
        self.pending = 0


class OutputTiles:
    """The latest tiles of a PE, a cluster's PEs, or a cluster, one more than there is room for."""

    def __init__(self, clock: Clock, room: int) -> None:
        self._tiles = deque([OutputTile() for _ in range(room + 1)], maxlen=room + 1)
        self._settled = Counter(clock)

    @property
    def current(self) -> OutputTile:
        """The tile that outputs are added to."""
        return self._tiles[-1]

    @property
    def lefts(self) -> tuple[int, ...]:
        """When the last drain of each tile has left, the current tile last."""
        return tuple([tile.left for tile in self._tiles])

    def begin(self) -> None:
        """Begin a tile."""
        self._tiles.append(OutputTile())

    def vacated(self) -> Waiting[int]:
        """Wait until it is known when the tile that has to make room has left, and return that cycle."""
        oldest = self._tiles[0]
        while oldest.pending:
            yield from self._settled.reach(self._settled.count + 1)
        return oldest.left

    def settle(self, tile: OutputTile) -> None:
        """Note that one more drain of a tile is known."""
        tile.pending -= 1
        self._settled.increment()
