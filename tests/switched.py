"""Layers under dataflows on machines with any switches of their networks, buffers and synchronization on."""

from __future__ import annotations

from hypothesis import strategies as st

from validation.strategies import Case, dataflows, layers, rich_machines


@st.composite
def rich_cases(draw: st.DrawFn, max_macs: int = 500) -> Case:
    """Draw a case of at most so many MACs, on up to eight PEs."""
    layer = draw(layers(max_macs=max_macs))
    machine = draw(rich_machines(st.integers(1, 8)))
    return layer, draw(dataflows(layer, machine)), machine
