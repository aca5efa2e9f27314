"""Key paths: what they look like, and that nothing is lost."""

from __future__ import annotations

from dataflow.key_paths import flat


def test_keys_are_joined_by_points_and_places_stand_in_brackets() -> None:
    nest = {"cycles": 7, "boundaries": [{"upstream": {"input_read": 8}}, {"upstream": {}}], "units": (2, 3)}
    assert list(flat(nest)) == [
        ("cycles", 7),
        ("boundaries[0].upstream.input_read", 8),
        ("units[0]", 2),
        ("units[1]", 3),
    ]


def test_a_value_that_is_no_nest_stands_alone() -> None:
    assert list(flat(None, "error")) == [("error", None)]
