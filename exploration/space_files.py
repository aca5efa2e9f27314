"""Reads space files: YAML files that say which designs there are and what is wanted of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

from analytical.sweeping import BUFFERS, SWEPT_PORT
from dataflow import catalog
from dataflow.directives import Network
from dataflow.errors import InputError
from dataflow.hardware import Machine
from dataflow.layers import Layer
from dataflow.levels import bind
from dataflow.reader import parse_dataflow, read_network
from dataflow.technology import Technology, exact
from dataflow.text_files import closest, read_text
from dataflow.yaml_files import parse_yaml
from exploration.objectives import OBJECTIVES
from exploration.ranges import values_of
from exploration.space import MODELS, MOST_DESIGNS, SIZES, Axis, Instance, Limits, Space, Template

T = TypeVar("T")

_KEYS = (
    "name",
    "workload",
    "layers",
    "scope",
    "dataflows",
    "dataflow_per_layer",
    "hardware",
    "technology",
    "model",
    "ranges",
    "constraints",
    "objectives",
)
_CHOSEN_BY = ("runtime", "energy", "energy_delay")
_EXAMPLE = "a space file has the keys workload, dataflows and ranges at least"


def read_space(path: str | Path) -> Space:
    """Read the space file at ``path``.

    Names of networks, dataflows, machines and technologies are those that are shipped, or files, seen from the folder
    of the space file. Raises `InputError` with the file and the key of whatever is wrong.
    """
    return parse_space(read_text(path), str(path), Path(path).parent)


def parse_space(text: str, file: str, folder: Path) -> Space:
    """Return the space that a text describes; see `read_space`."""
    tree = parse_yaml(text, file)
    if not isinstance(tree, dict):
        raise InputError(f"{_EXAMPLE}", file)
    return _Reader(tree, file, folder).space()


class _Reader:
    """Reads one tree."""

    def __init__(self, tree: dict[str, Any], file: str, folder: Path) -> None:
        self._tree = tree
        self._file = file
        self._folder = folder
        self._known(tree, _KEYS, "")

    def space(self) -> Space:
        machine, technology = self._machine()
        best_by = self._one_of("dataflow_per_layer", _CHOSEN_BY, None)
        space = Space(
            name=self._text("name", Path(self._file).stem),
            targets=self._targets(),
            templates=self._templates(),
            machine=machine,
            technology=technology,
            axes=self._axes(machine),
            limits=self._limits(machine, technology),
            objectives=self._objectives(machine, technology),
            best_by=best_by,
            model=self._one_of("model", tuple(MODELS), "refined") or "refined",
        )
        if space.designs > MOST_DESIGNS:
            raise InputError(f"{space.designs} designs are more than {MOST_DESIGNS}", self._at("ranges"))
        self._ensure_bound(space)
        return space

    def _targets(self) -> tuple[tuple[str, tuple[Layer, ...]], ...]:
        network = self._found("workload", self._text("workload", None))
        globs = self._texts("layers", ["*"])
        layers = [mapped.layer for mapped in network.layers]
        for number, glob in enumerate(globs):
            if not any(fnmatchcase(layer.name, glob) for layer in layers):
                shown = ", ".join(layer.name for layer in layers[:20]) + (", …" if len(layers) > 20 else "")
                message = f"no layer of {network.name} matches {glob}; its layers are {shown}"
                raise InputError(message, self._at(f"layers[{number}]"))
        kept = [layer for layer in layers if any(fnmatchcase(layer.name, glob) for glob in globs)]
        if self._one_of("scope", ("layer", "network"), "layer") == "network":
            return ((network.name, tuple(kept)),)
        return tuple((layer.name, (layer,)) for layer in kept)

    def _templates(self) -> tuple[Template, ...]:
        rows = self._tree.get("dataflows")
        if isinstance(rows, str):
            rows = [rows]
        if not isinstance(rows, list) or not rows:
            raise InputError("a list of dataflows, names or files, should stand here", self._at("dataflows"))
        return tuple(self._template(row, f"dataflows[{number}]") for number, row in enumerate(rows))

    def _template(self, row: object, where: str) -> Template:
        content: dict[str, Any] = {"template": row} if isinstance(row, str) else self._section(row, where)
        self._known(content, ("template", "parameters"), f"{where}.")
        named = content.get("template")
        if not isinstance(named, str):
            raise InputError("the name or the file of a dataflow should stand here", self._at(f"{where}.template"))
        text, file = self._located(lambda: catalog.dataflow_text(self._path("dataflows", named)), f"{where}.template")
        parameters = self._section(content.get("parameters") or {}, f"{where}.parameters")
        values = tuple(
            (name, self._whole(stated, f"{where}.parameters.{name}", least=0)) for name, stated in parameters.items()
        )
        parse_dataflow(text, file, {name: each[0] for name, each in values})  # faults are told, whatever the layers are
        name = named if named in catalog.names("dataflows") else Path(named).stem
        return Template(name, Path(file).name, text, values)

    def _machine(self) -> tuple[Machine, Technology]:
        named = self._text("hardware", "reference-256")
        machine = self._located(lambda: catalog.machine(self._path("hardware", named)), "hardware")
        stated = self._text("technology", machine.technology)
        found = self._located(lambda: catalog.technology(self._path("technology", stated)), "technology")
        return machine.model_copy(update={"technology": stated}), found

    def _axes(self, machine: Machine) -> tuple[Axis, ...]:
        ranges = self._section(self._tree.get("ranges"), "ranges")
        keys = ["pes", *BUFFERS, "lanes", *ranges, *SIZES]
        own = {"pes": machine.pes, "lanes": machine.lanes, "l1.bytes": machine.l1.bytes, "l2.bytes": machine.l2.bytes}
        found = []
        for key in ranges:
            match = SWEPT_PORT.fullmatch(key)
            if key not in (*own, *BUFFERS) and not (match and int(match[1]) < len(machine.levels)):
                known = (*own, *BUFFERS, "levels.N.distribution.bandwidth", "levels.N.collection.latency")
                hint = closest(key, known)
                message = f"is no range; pes, lanes, {', '.join((*BUFFERS, *SIZES))}, and bandwidths and latencies"
                raise InputError(f"{message} of the machine's levels are{hint}", self._at(f"ranges.{key}"))
        for key in dict.fromkeys(keys):
            if key in ranges:
                found.append(Axis(key, self._range(key, ranges[key])))
            elif key in own:
                found.append(Axis(key, (own[key],)))
        return tuple(axis for axis in found if axis.key not in SIZES) + tuple(
            axis for size in SIZES for axis in found if axis.key == size
        )

    def _range(self, key: str, stated: object) -> tuple[int | None, ...]:
        where = f"ranges.{key}"
        return values_of(
            stated, self._at(where), least=0 if key.endswith("latency") else 1, sizes=key in SIZES, null=key in SIZES
        )

    def _whole(self, stated: object, where: str, *, least: int) -> tuple[int, ...]:
        return tuple(value for value in values_of(stated, self._at(where), least=least) if value is not None)

    def _limits(self, machine: Machine, technology: Technology) -> Limits:
        stated = self._section(self._tree.get("constraints") or {}, "constraints")
        self._known(stated, ("area_mm2", "power_mw", "buffers"), "constraints.")
        numbers: dict[str, Fraction | None] = {}
        for key in ("area_mm2", "power_mw"):
            value = stated.get(key)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or value <= 0):
                raise InputError(f"{value!r} should be a number above 0", self._at(f"constraints.{key}"))
            numbers[key] = None if value is None else exact(value)
        if stated.get("buffers", "fit") not in ("fit", "ignore"):
            raise InputError(f"{stated['buffers']!r} should be fit or ignore", self._at("constraints.buffers"))
        area, power = numbers["area_mm2"], numbers["power_mw"]
        if area is not None:
            self._ensure_areas(machine, technology, "constraints.area_mm2")
        if power is not None and technology.mac_pj is None:
            message = f"technology {technology.name} does not state mac_pj, the energy of a MAC"
            raise InputError(message, self._at("constraints.power_mw"))
        return Limits(None if area is None else area * 10**6, power, stated.get("buffers", "fit") == "fit")

    def _objectives(self, machine: Machine, technology: Technology) -> tuple[str, ...]:
        names = self._texts("objectives", ["runtime", "energy"])
        for number, name in enumerate(names):
            where = f"objectives[{number}]"
            if name not in OBJECTIVES:
                known = f"the objectives are {', '.join(OBJECTIVES)}{closest(name, OBJECTIVES)}"
                raise InputError(f"unknown objective {name}; {known}", self._at(where))
            if name in names[:number]:
                raise InputError(f"{name} is an objective already", self._at(where))
            if OBJECTIVES[name].needs_area:
                self._ensure_areas(machine, technology, where)
        return tuple(names)

    def _ensure_areas(self, machine: Machine, technology: Technology, where: str) -> None:
        """Raise `InputError` where areas are asked for and cannot be known."""
        if any(port.width is None for level in machine.levels for port in (level.distribution, level.collection)):
            message = f"machine {machine.name} has a bandwidth of null: the area of any number of wires is not known"
            raise InputError(message, self._at(where))
        for key in ("pe_um2", "sram_um2_per_byte", "bus_um2", "arbiter_um2"):
            if getattr(technology, key) is None:
                raise InputError(f"technology {technology.name} does not state {key}", self._at(where))

    def _ensure_bound(self, space: Space) -> None:
        """Raise `InputError` for a template that means nothing for a layer, whatever its parameters and the PEs.

        Where each layer has its best dataflow, one template that means something is enough.
        """
        families: dict[Template, list[Instance]] = {}
        for instance in space.instances:
            families.setdefault(instance.template, []).append(instance)
        every = list(families.values()) if space.best_by is None else [list(space.instances)]
        layers = [layer for _, of_target in space.targets for layer in of_target]
        most = max(value or 1 for value in space.axes[0].values)
        for instances in every:
            for layer in layers:
                _ensure_one_binds(layer, instances, most)

    def _found(self, key: str, named: str) -> Network:
        path = self._path("networks", named)
        is_mapping = isinstance(path, Path) and path.suffix == ".m"
        return self._located(lambda: read_network(path) if is_mapping else catalog.network(path), key)

    def _path(self, kind: catalog.Kind, named: str) -> str | Path:
        """Return a shipped name as it is, and anything else as a file, seen from the space file."""
        return named if named in catalog.names(kind) or not (self._folder / named).exists() else self._folder / named

    def _located(self, read: Callable[[], T], key: str) -> T:
        try:
            return read()
        except InputError as error:
            if isinstance(error.where, str) and error.where.startswith("'"):
                raise InputError(f"{error.where}: {error.message}", self._at(key)) from None
            raise

    def _text(self, key: str, default: str | None) -> str:
        value = self._tree.get(key, default)
        if value is None:
            raise InputError(f"this key is missing; {_EXAMPLE}", self._at(key))
        if not isinstance(value, str) or not value:
            raise InputError(f"{value!r} should be a text", self._at(key))
        return value

    def _texts(self, key: str, default: list[str]) -> list[str]:
        value = self._tree.get(key, default)
        found = [value] if isinstance(value, str) else value
        if not isinstance(found, list) or not found or not all(isinstance(each, str) for each in found):
            raise InputError("a list of texts should stand here", self._at(key))
        return found

    def _one_of(self, key: str, known: tuple[str, ...], default: str | None) -> str | None:
        value = self._tree.get(key, default)
        if value is not None and value not in known:
            hint = closest(value, known) if isinstance(value, str) else ""
            raise InputError(f"{value!r} should be {', '.join(known[:-1])} or {known[-1]}{hint}", self._at(key))
        return value

    def _section(self, value: object, where: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise InputError("keys and values should stand here", self._at(where))
        return value

    def _known(self, section: Mapping[str, Any], keys: tuple[str, ...], prefix: str) -> None:
        for key in section:
            if key not in keys:
                raise InputError(
                    f"unknown key; the keys here are {', '.join(keys)}{closest(key, keys)}", self._at(prefix + key)
                )

    def _at(self, key: str) -> str:
        return f"{self._file}: {key}"


def _ensure_one_binds(layer: Layer, instances: Sequence[Instance], pes: int) -> None:
    problem: InputError | None = None
    for instance in instances:
        try:
            bind(layer, instance.dataflow, pes)
        except InputError as error:
            problem = problem or error
        else:
            return
    if problem is not None:
        raise InputError(f"layer {layer.name}: {problem.message}", problem.where)
