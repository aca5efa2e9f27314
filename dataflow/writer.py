"""Writes networks and dataflow templates as files that the reader and, but for our extensions, MAESTRO take."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from dataflow.directives import Dataflow, MappedLayer, Network
from dataflow.errors import InputError
from dataflow.layers import Layer

_NAME = re.compile(r"\w[\w.-]*")


def write_network(network: Network) -> str:
    """Return the text of ``network``: reading it gives an equal network.

    Layers are written with the sizes they were stated with. A dataflow inside a layer has no name in the file
    and is read back under the layer's. Raises `InputError` for a name that the language cannot hold.
    """
    layers = (line for mapped in network.layers for line in _layer(mapped))
    return "\n".join([*_block(f"Network {_name(network.name)}", layers), ""])


def write_dataflow(dataflow: Dataflow) -> str:
    """Return the text of a dataflow template: reading it gives an equal dataflow.

    Raises `InputError` for a name that the language cannot hold.
    """
    return "\n".join([*_block(f"Dataflow {_name(dataflow.name)}", _directives(dataflow)), ""])


def _layer(mapped: MappedLayer) -> Iterator[str]:
    layer = mapped.layer
    return _block(f"Layer {_name(layer.name)}", [*_entries(layer), *_mapping(mapped.dataflow)])


def _entries(layer: Layer) -> Iterator[str]:
    yield f"Type: {layer.type}"
    for label, (vertical, horizontal) in (("Stride", layer.stride), ("Dilation", layer.dilation)):
        if (vertical, horizontal) != (1, 1):
            yield f"{label} {_sizes({'X': horizontal, 'Y': vertical})}"
    yield f"Dimensions {_sizes(layer.given)}"


def _mapping(dataflow: Dataflow | None) -> Iterable[str]:
    return () if dataflow is None else _block("Dataflow", _directives(dataflow))


def _directives(dataflow: Dataflow) -> Iterator[str]:
    return (f"{directive};" for directive in dataflow.directives)


def _block(head: str, body: Iterable[str]) -> Iterator[str]:
    yield f"{head} {{"
    yield from (f"\t{line}" for line in body)
    yield "}"


def _sizes(sizes: Mapping[str, int]) -> str:
    return "{ " + ", ".join(f"{key}: {value}" for key, value in sizes.items()) + " }"


def _name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise InputError(f"the name {name!r} cannot be written: names have letters, digits and _ . - in them")
    return name
