"""Constants of dataflow files, and values given in their place."""

from __future__ import annotations

import pytest

from dataflow.directives import Map
from dataflow.errors import InputError
from dataflow.expressions import Number
from dataflow.reader import parse_dataflow

CONSTANTS = "Constant tile 4;\nConstant step tile;\nDataflow tiled { TemporalMap(tile,step) K; }"


@pytest.mark.parametrize(("given", "size", "offset"), [({}, 4, 4), ({"step": 2}, 4, 2), ({"tile": 7}, 7, 7)])
def test_constants_are_replaced_where_they_are_defined(given: dict[str, int], size: int, offset: int) -> None:
    """What is defined by a replaced constant follows it."""
    (directive,) = parse_dataflow(CONSTANTS, "t.m", given).directives
    assert isinstance(directive, Map)
    assert (directive.size, directive.offset) == (Number(size), Number(offset))


def test_a_constant_that_is_not_there_cannot_be_replaced() -> None:
    with pytest.raises(InputError) as error:
        parse_dataflow(CONSTANTS, "t.m", {"tiles": 3})
    assert str(error.value) == "t.m: no constant tiles; its constants are tile, step; did you mean tile?"
    with pytest.raises(InputError) as error:
        parse_dataflow("Dataflow plain { TemporalMap(1,1) K; }", "t.m", {"tile": 3})
    assert str(error.value) == "t.m: no constant tile; it has none"
