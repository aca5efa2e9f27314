"""Which elements move when the simulator says how many do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.movements import Movement, claimed

#: Units 0 and 1 want element 5, unit 1 element 7, units 0 and 70 element 9.
WANTED = [(0, 5), (0, 9), (1, 5), (1, 7), (70, 9)]
FAR = 1 << 70


def moved(*movements: Movement) -> list[tuple[int, int]]:
    units, elements = (np.array(each) for each in zip(*WANTED, strict=True))
    return [want for want, carried in zip(WANTED, claimed(units, elements, movements), strict=True) if carried]


def alike(*movements: tuple[int, int]) -> list[Movement]:
    return [(units, units, number) for units, number in movements]


@pytest.mark.parametrize(
    ("movements", "found"),
    [
        (alike((0b11, 1), (0b10, 1), (FAR | 1, 1)), WANTED),
        (alike((0b1, 2), (0b10, 2), (FAR, 1)), WANTED),
        (alike((0b11, 1), (FAR | 1, 1)), [(0, 5), (0, 9), (1, 5), (70, 9)]),
        (alike((0b11, 1), (0b10, 0), (FAR | 1, 1)), [(0, 5), (0, 9), (1, 5), (70, 9)]),
        (alike((0b1, 1)), [(0, 5)]),
        (alike((0b1, 1), (0b10, 1), (0b10, 1)), [(0, 5), (1, 5), (1, 7)]),
        (alike((0b100, 9)), []),
        ([(0b11, 0b01, 1), *alike((0b10, 1))], [(0, 5), (1, 7)]),
        ([], []),
    ],
    ids=[
        "as they are wanted",
        "to each unit alone",
        "one left out",
        "one without elements",
        "in ascending order",
        "what others want as well is taken from them",
        "what nobody wants",
        "one that does not reach a unit",
        "nothing",
    ],
)
def test_wanted_elements_move_as_far_as_movements_have_room(
    movements: list[Movement], found: list[tuple[int, int]]
) -> None:
    assert moved(*movements) == found


@given(st.sets(st.tuples(st.integers(0, 130), st.integers(0, 6)), min_size=1), st.booleans())
def test_all_that_is_wanted_moves_when_there_is_room_for_just_that(
    wanted: set[tuple[int, int]], multicast: bool
) -> None:
    """Whichever units want it, with a movement for each set of units or for each unit; one less leaves one out."""
    units, elements = (np.array(each) for each in zip(*sorted(wanted), strict=True))
    takers: dict[int, int] = {}
    for unit, element in wanted:
        takers[element] = takers.get(element, 0) | 1 << unit
    sets = list(takers.values()) if multicast else [1 << unit for unit, _ in wanted]
    movements = alike(*((mask, 1) for mask in sets))
    assert claimed(units, elements, movements).all()
    assert claimed(units, elements, movements[1:]).sum() == len(wanted) - sets[0].bit_count()
