"""Says what is wrong with the syntax of a file of directives, and what could stand there instead."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NoReturn

from lark.exceptions import UnexpectedInput, UnexpectedToken

from dataflow.errors import InputError
from dataflow.text_files import closest, position_at

_WORDS = {
    "CONSTANT": "Constant",
    "NETWORK": "Network",
    "LAYER": "Layer",
    "TYPE": "Type",
    "STRIDE": "Stride",
    "DILATION": "Dilation",
    "DIMENSIONS": "Dimensions",
    "DATAFLOW": "Dataflow",
    "TEMPORAL_MAP": "TemporalMap",
    "SPATIAL_MAP": "SpatialMap",
    "CLUSTER": "Cluster",
    "NAME": "a name",
    "TYPE_NAME": "a layer type",
    "CLUSTER_KIND": "P or L",
    "DIMENSION": "a dimension",
    "NUMBER": "a whole number",
    "CONSTANT_NAME": "the name of a constant",
    "SIZE_OF": "Sz(…)",
    "PLUS": "an operator",
    "COLON": "':'",
    "COMMA": "','",
    "SEMICOLON": "';'",
    "LPAR": "'('",
    "RPAR": "')'",
    "LBRACE": "'{'",
    "RBRACE": "'}'",
    "$END": "the end of the file",
}


def raise_syntax_error(error: UnexpectedInput, accepted: Collection[str], text: str, file: str) -> NoReturn:
    """Raise `InputError`: what was found, and what the parser would have ``accepted`` instead."""
    at_end = isinstance(error, UnexpectedToken) and error.token.type == "$END"
    start = len(text.rstrip()) if at_end else error.pos_in_stream or 0
    word = re.compile(r"[0-9]+\.[0-9]+|[\w'’′]+").match(text, start)
    character = text[start : start + 1]
    if at_end:
        found = "the end of the file"
    elif word:
        found = f"'{word.group()}'"
    else:
        found = f"'{character}'" if character.isprintable() else f"the character U+{ord(character):04X}"
    expected = [words for terminal, words in _WORDS.items() if terminal in accepted]
    listed = " or ".join(filter(None, (", ".join(expected[:-1]), expected[-1])))
    hint = closest(word.group(), expected) if word else ""
    raise InputError(f"found {found} where {listed} should stand{hint}", position_at(text, start, file)) from None
