"""Room for outputs: as many tiles as there are buffers, each free again when its last drain has left (§5.3)."""

from __future__ import annotations

from collections import deque


class OutputTile:
    """An output tile: when its last drain so far has left, and how many more there are that are not known yet."""

    __slots__ = ("left", "pending")

    def __init__(self) -> None:
        self.left = 0
        self.pending = 0

    def twin(self) -> OutputTile:
        """Return a tile of its own in the same state."""
        found = OutputTile()
        found.left, found.pending = self.left, self.pending
        return found


class OutputTiles:
    """The latest tiles of a PE, a cluster's PEs or a cluster, one more than there is room for, the current one last."""

    __slots__ = ("_tiles",)

    def __init__(self, room: int) -> None:
        self._tiles = deque([OutputTile() for _ in range(room + 1)], maxlen=room + 1)

    @property
    def current(self) -> OutputTile:
        """The tile that outputs are added to."""
        return self._tiles[-1]

    @property
    def to_leave(self) -> OutputTile:
        """The tile that has to have left before another one begins."""
        return self._tiles[1]

    @property
    def lefts(self) -> tuple[int, ...]:
        """When the last drain of each tile has left, the current tile last."""
        return tuple([tile.left for tile in self._tiles])

    def twin(self) -> OutputTiles:
        """Return tiles of their own in the same state."""
        found = OutputTiles(0)
        found._tiles = deque([tile.twin() for tile in self._tiles], maxlen=self._tiles.maxlen)
        return found

    def begin(self) -> OutputTile:
        """Begin a tile; return the one that has to have left before."""
        self._tiles.append(OutputTile())
        return self._tiles[0]
