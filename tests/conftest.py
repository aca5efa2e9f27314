"""What tests share: where the reference material of the design lies, and the same generated examples every time."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("metronome", derandomize=True, deadline=None, database=None)
settings.load_profile("metronome")

REFERENCE_MATERIAL = Path(__file__).resolve().parents[2] / "shared" / "reference"


@pytest.fixture(scope="session")
def reference_material() -> Path:
    """Return the folder of the design's reference material; skips the test where it is absent."""
    if not REFERENCE_MATERIAL.is_dir():
        pytest.skip("the reference material of the design is not on this machine")
    return REFERENCE_MATERIAL
