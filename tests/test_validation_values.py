"""What is said about numbers that are not NumPy's."""

from __future__ import annotations

import numpy as np
import pytest

from dataflow.hardware import Machine
from dataflow.layers import Layer
from dataflow.levels import bind
from dataflow.reader import parse_dataflow
from simulator.values import operands
from validation.values import LISTED, Wrong, element, verify


@pytest.mark.parametrize(
    ("terms", "work", "said"),
    [
        (0, (((2,), 1, ()),), ", to which nothing adds; PE 2 made 1"),
        (1, (), "; no PE made any product of it"),
        (9, (((0, 3), 9, ()),), ", the sum of 9 products; PE 0.3 made 9"),
        (2, (((0,), 2, ("a", "b", "c")),), ", the sum of 2 products; PE 0 made 2 without a, b, c"),
        (2, (((0,), 2, tuple("abcde")),), ", the sum of 2 products; PE 0 made 2 without a, b, c and 2 more"),
    ],
)
def test_a_wrong_element_in_words(
    terms: int, work: tuple[tuple[tuple[int, ...], int, tuple[str, ...]], ...], said: str
) -> None:
    assert str(Wrong("O[m 0]", 17, 21, terms, work)) == f"O[m 0]: 17, should be 21{said}"


def test_elements_are_named_by_their_axes() -> None:
    layer = Layer.of("c", "CONV", {"K": 4, "C": 2, "Y'": 3, "X'": 2, "R": 2})
    grouped = Layer.of("c", "NGCONV", {"G": 2, "K": 4, "Y'": 3, "X'": 2})
    assert element(layer, "output", 3 * 6 + 5) == "O[n 0, k 3, y' 2, x' 1]"
    assert element(layer, "input", 8 + 7) == "I[n 0, c 1, y 3, x 1]"
    assert element(layer, "filter", 1) == "F[k 0, c 0, r 1, s 0]"
    assert element(grouped, "output", 24) == "O[n 0, g 1, k 0, y' 0, x' 0]"


def test_the_first_wrong_elements_are_looked_into_and_all_are_counted() -> None:
    """Every second of 20 rows is left out."""
    port = {"bandwidth": 4}
    machine = Machine.model_validate({"pes": 1, "levels": [{"distribution": port, "collection": port}]})
    layer = Layer.of("g", "GEMM", {"M": 20})
    mapping = bind(layer, parse_dataflow("Dataflow d { TemporalMap(1,2) M; }"), 1)
    inputs, filters = operands(layer)
    verdict = verify(mapping, machine, inputs, filters)
    assert verdict.wrong_elements == 10
    assert [wrong.element for wrong in verdict.wrong] == [f"O[m {row}, n 0]" for row in range(1, 2 * LISTED, 2)]
    assert (verdict.equal, verdict.missing_operands) == (False, 0)
    assert np.array_equal(verdict.output[::2], inputs[::2] * filters)
