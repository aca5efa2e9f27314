"""Finds the networks, dataflows, machines and technologies that are shipped, by name, and a user's own by path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from stat import S_ISDIR
from types import MappingProxyType
from typing import Literal, get_args

from dataflow.directives import Dataflow, Network
from dataflow.errors import InputError
from dataflow.hardware import Machine
from dataflow.hardware_files import read_machine
from dataflow.network_files import read_network_table
from dataflow.reader import read_dataflow, read_network
from dataflow.technology import Technology, read_technology
from dataflow.text_files import closest, read_text

Kind = Literal["networks", "dataflows", "hardware", "technology"]

_SUFFIXES: Mapping[Kind, str] = MappingProxyType(
    {"networks": ".yaml", "dataflows": ".m", "hardware": ".yaml", "technology": ".yaml"}
)
_LABELS: Mapping[Kind, tuple[str, str]] = MappingProxyType(
    {
        "networks": ("network", "networks"),
        "dataflows": ("dataflow", "dataflows"),
        "hardware": ("machine", "machines"),
        "technology": ("technology", "technologies"),
    }
)
_COMMENT = ("#", "//")
_MEANT_FOR = "for:"


def kinds() -> tuple[Kind, ...]:
    """Return the kinds of things that are shipped."""
    return get_args(Kind)


def names(kind: Kind) -> list[str]:
    """Return the shipped names of a kind, sorted."""
    return list(_shipped(kind))


def describe(kind: Kind, name: str) -> str:
    """Return the first comment line of a shipped file; raises `InputError` where nothing shipped has the name."""
    return next(iter(_head(_only_shipped(kind, name))), "")


def layer_types(name: str) -> tuple[str, ...]:
    """Return the layer types that a shipped dataflow is meant for, as its line ``// for: …`` says.

    Raises `InputError` where no shipped dataflow has the name.
    """
    lines = _head(_only_shipped("dataflows", name))
    return next((tuple(line.removeprefix(_MEANT_FOR).split()) for line in lines if line.startswith(_MEANT_FOR)), ())


def network(name_or_path: str | Path) -> Network:
    """Return a shipped network, or the one in a file: a MAESTRO file (``.m``), any other is read as a layer table.

    This and the functions below raise `InputError` for what is neither shipped nor a file, and for a file with faults.
    """
    path = _find("networks", name_or_path)
    return read_network(path) if path.suffix == ".m" else read_network_table(path)


def dataflow(name_or_path: str | Path) -> Dataflow:
    """Return a shipped dataflow, or the template in a file."""
    return read_dataflow(_find("dataflows", name_or_path))


def dataflow_text(name_or_path: str | Path) -> tuple[str, str]:
    """Return the text of a dataflow's file, and the file's name."""
    path = _find("dataflows", name_or_path)
    return read_text(path), str(path)


def machine(name_or_path: str | Path, overrides: Sequence[str] = ()) -> Machine:
    """Return a shipped machine, or the one in a hardware file, with ``key.path=value`` overrides."""
    return read_machine(_find("hardware", name_or_path), overrides)


def technology(name_or_path: str | Path) -> Technology:
    """Return a shipped technology, or the one in a file."""
    return read_technology(_find("technology", name_or_path))


@cache
def _shipped(kind: Kind) -> Mapping[str, Path]:
    folder = Path(str(resources.files("configs") / kind))
    return MappingProxyType({path.stem: path for path in sorted(folder.glob(f"*{_SUFFIXES[kind]}"))})


def _only_shipped(kind: Kind, name: str) -> Path:
    shipped = _shipped(kind)
    if name not in shipped:
        raise _unknown(kind, name, f"no {_LABELS[kind][0]} of this name is shipped")
    return shipped[name]


def _find(kind: Kind, name_or_path: str | Path) -> Path:
    """Return the shipped file of that name, which wins over a file in the current folder, or the path itself."""
    shipped = _shipped(kind)
    if isinstance(name_or_path, str) and name_or_path in shipped:
        return shipped[name_or_path]
    try:
        mode = Path(name_or_path).stat().st_mode
    except (OSError, ValueError):
        raise _unknown(kind, str(name_or_path), f"neither a shipped {_LABELS[kind][0]} nor a file") from None
    if S_ISDIR(mode):
        raise _unknown(kind, str(name_or_path), "is a directory; a name or a file is needed")
    return Path(name_or_path)


def _unknown(kind: Kind, name: str, fault: str) -> InputError:
    known = names(kind)
    hint = closest(Path(name).stem, known)
    return InputError(f"{fault}; the shipped {_LABELS[kind][1]} are {', '.join(known)}{hint}", repr(name))


def _head(path: Path) -> list[str]:
    """Return the lines of the comment that a file begins with, without their marks."""
    found = []
    for line in read_text(path).splitlines():
        mark = next((mark for mark in _COMMENT if line.startswith(mark)), None)
        if mark is None:
            break
        found.append(line.removeprefix(mark).strip())
    return found
