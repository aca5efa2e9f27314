"""Reads MAESTRO mapping and model files and dataflow templates into the trees of `dataflow.directives`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedInput, VisitError
from lark.visitors import Transformer_NonRecursive, v_args

from dataflow.directives import Cluster, Dataflow, Directive, Map, MappedLayer, Network
from dataflow.errors import InputError, Position
from dataflow.expressions import Arithmetic, Expression, Number, SizeOf
from dataflow.layers import OPERATIONS, Layer
from dataflow.syntax_errors import raise_syntax_error
from dataflow.text_files import closest, read_text

#: Bounds far beyond any layer; they keep hostile files from exhausting memory or the interpreter's stack.
TERM_LIMIT = 100
VALUE_LIMIT = 10**18

_Kind = TypeVar("_Kind", Network, Dataflow)


def read_network(path: str | Path, *, compat_maestro: bool = False) -> Network:
    """Read the network in the file at ``path``; see `parse_network`. Raises `InputError` if it cannot be read."""
    return parse_network(read_text(path), str(path), compat_maestro=compat_maestro)


def parse_network(text: str, file: str = "<string>", *, compat_maestro: bool = False) -> Network:
    """Parse constants and one network; ``file`` is what positions and messages call the text.

    A layer without a Dataflow gets None for it; the dataflow of a layer carries the layer's name. Constants
    are replaced by their values. ``compat_maestro`` reads TRCONV as CONV, as the released MAESTRO does.
    Raises `InputError` at the position of whatever is wrong.
    """
    return _only(Network, "network", _parse(text, file, compat_maestro=compat_maestro), file)


def read_dataflow(path: str | Path) -> Dataflow:
    """Read the dataflow template in the file at ``path``; raises `InputError` if it cannot be read."""
    return parse_dataflow(read_text(path), str(path))


def parse_dataflow(text: str, file: str = "<string>", constants: Mapping[str, int] | None = None) -> Dataflow:
    """Parse constants and one ``Dataflow NAME { ... }``; without NAME it is called after the file.

    ``constants`` are values in place of those that the file states. Raises `InputError` at the position of whatever is
    wrong, and for a constant that the file does not have.
    """
    return _only(Dataflow, "dataflow", _parse(text, file, constants=constants), file)


def _only(kind: type[_Kind], label: str, found: Sequence[Network | Dataflow], file: str) -> _Kind:
    chosen: list[_Kind] = []
    for item in found:
        if not isinstance(item, kind):
            word = "dataflow" if isinstance(item, Dataflow) else "network"
            raise InputError(f"{word} {item.name} where only a {label} should stand", item.position)
        if chosen:
            raise InputError(f"a second {label}, {item.name}; a file holds one", item.position)
        chosen.append(item)
    if not chosen:
        raise InputError(f"there is no {label} in the file", file)
    return chosen[0]


@cache
def _parser() -> Lark:
    grammar = resources.files("dataflow").joinpath("grammar.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", maybe_placeholders=False)


def _parse(
    text: str, file: str, *, compat_maestro: bool = False, constants: Mapping[str, int] | None = None
) -> list[Network | Dataflow]:
    """Return the networks and dataflow templates of ``text`` in order."""
    parsing: Any = _parser().parse_interactive(text)
    try:
        parsing.exhaust_lexer()
        tree: Tree[Token] = parsing.feed_eof()
    except UnexpectedInput as error:
        raise_syntax_error(error, parsing.accepts(), text, file)
    builder = _Builder(file, constants or {}, compat_maestro=compat_maestro)
    try:
        found: list[Network | Dataflow] = builder.transform(tree)
    except VisitError as error:
        raise error.orig_exc from None
    builder.ensure_replaced()
    return found


@dataclass(frozen=True)
class _Entry:
    """``key: value`` inside a layer, or inside the braces of its Stride, Dilation or Dimensions."""

    key: str
    value: Any
    position: Position


@v_args(inline=True)
class _Builder(Transformer_NonRecursive[Token, Any]):
    """Turns the syntax tree into directives, bottom up and in the order of the text."""

    def __init__(self, file: str, replaced: Mapping[str, int], *, compat_maestro: bool) -> None:
        super().__init__(visit_tokens=False)
        self._file = file
        self._replaced = replaced
        self._compat_maestro = compat_maestro
        self._constants: dict[str, int] = {}

    def ensure_replaced(self) -> None:
        """Raise `InputError` where a constant was to be replaced that is not there."""
        for name in self._replaced:
            if name not in self._constants:
                known = f"its constants are {', '.join(self._constants)}" if self._constants else "it has none"
                raise InputError(f"no constant {name}; {known}{closest(name, self._constants)}", self._file)

    def start(self, *found: Network | Dataflow | None) -> list[Network | Dataflow]:
        return [item for item in found if item is not None]

    def constant(self, _keyword: Token, name: Token, value: Expression) -> None:
        if name in self._constants:
            raise InputError(f"constant {name} is defined a second time", self._at(name))
        stated = self._value(value, f"constant {name}", self._at(name))
        self._constants[str(name)] = self._replaced.get(str(name), stated)

    def network(self, keyword: Token, name: Token, *layers: MappedLayer) -> Network:
        if not layers:
            raise InputError(f"network {name} has no layers", self._at(keyword))
        return Network(str(name), layers, self._at(keyword))

    def layer(self, keyword: Token, name: Token, *entries: _Entry) -> MappedLayer:
        position = self._at(keyword)
        stated: dict[str, _Entry] = {}
        for entry in entries:
            if entry.key in stated:
                first = stated[entry.key].position.line
                raise InputError(f"layer {name}: a second {entry.key}; the first is in line {first}", entry.position)
            stated[entry.key] = entry
        for key, example in (("Type", "Type: CONV"), ("Dimensions", "Dimensions { K: 8, C: 8 }")):
            if key not in stated:
                raise InputError(f"layer {name} has no {key}; write for example {example}", position)
        layer = Layer.of(
            str(name),
            stated["Type"].value,
            stated["Dimensions"].value,
            stride=stated["Stride"].value if "Stride" in stated else (1, 1),
            dilation=stated["Dilation"].value if "Dilation" in stated else (1, 1),
            position=position,
        )
        if "Dataflow" not in stated:
            return MappedLayer(layer, None)
        return MappedLayer(layer, Dataflow(layer.name, stated["Dataflow"].value, stated["Dataflow"].position))

    def type(self, keyword: Token, name: Token) -> _Entry:
        if name not in OPERATIONS:
            hint = closest(name, OPERATIONS)
            raise InputError(f"unknown layer type {name}; the types are {', '.join(OPERATIONS)}{hint}", self._at(name))
        read_as = "CONV" if self._compat_maestro and name == "TRCONV" else str(name)
        return _Entry("Type", read_as, self._at(keyword))

    def stride(self, keyword: Token, sizes: list[_Entry]) -> _Entry:
        return self._pair(keyword, sizes)

    def dilation(self, keyword: Token, sizes: list[_Entry]) -> _Entry:
        return self._pair(keyword, sizes)

    def dimensions(self, keyword: Token, sizes: list[_Entry]) -> _Entry:
        return _Entry("Dimensions", {size.key: size.value for size in sizes}, self._at(keyword))

    def dataflow(self, keyword: Token, *directives: Directive) -> _Entry:
        return _Entry("Dataflow", directives, self._at(keyword))

    def template(self, keyword: Token, name: str, *directives: Directive) -> Dataflow:
        return Dataflow(name, directives, self._at(keyword))

    def template_name(self, name: Token | None = None) -> str:
        return Path(self._file).stem if name is None else str(name)

    def sizes(self, *sizes: _Entry) -> list[_Entry]:
        """Files in use repeat a size now and then: no harm as long as it is the same one."""
        first: dict[str, _Entry] = {}
        for size in sizes:
            known = first.setdefault(size.key, size)
            if size.value != known.value:
                raise InputError(f"{size.key} is {size.value} here and {known.value} before", size.position)
        return list(first.values())

    def size(self, dimension: Token, value: Expression) -> _Entry:
        name, position = _dimension(dimension), self._at(dimension)
        return _Entry(name, self._value(value, name, position), position)

    def map(self, keyword: Token, size: Expression, offset: Expression, dimension: Token) -> Map:
        return Map(keyword.type == "SPATIAL_MAP", size, offset, _dimension(dimension), self._at(keyword))

    def cluster(self, keyword: Token, size: Expression, kind: Token) -> Cluster:
        if kind not in ("P", "L"):
            raise InputError(f"unknown kind of cluster {kind}; the kinds are P and L", self._at(kind))
        return Cluster(size, str(kind), self._at(keyword))

    def arithmetic(self, left: Expression, symbol: Token, right: Expression) -> Arithmetic:
        made = Arithmetic(str(symbol), left, right, self._at(symbol))
        if len(_terms(made)) > TERM_LIMIT:
            raise InputError(f"an expression of more than {TERM_LIMIT} terms", self._at(symbol))
        return made

    def number(self, digits: Token) -> Number:
        if len(digits.lstrip("0")) >= len(str(VALUE_LIMIT)):
            raise InputError(f"a number of {len(digits)} digits; sizes are less than 10^18", self._at(digits))
        return Number(int(digits))

    def constant_use(self, name: Token) -> Number:
        if name not in self._constants:
            known = f"the constants are {', '.join(self._constants)}" if self._constants else "none is defined"
            hint = closest(name, self._constants)
            raise InputError(f"unknown constant {name}; {known}{hint}", self._at(name))
        return Number(self._constants[str(name)])

    def size_of(self, keyword: Token, dimension: Token) -> SizeOf:
        return SizeOf(_dimension(dimension), self._at(keyword))

    def _at(self, token: Token) -> Position:
        return Position(self._file, token.line or 1, token.column or 1)

    def _pair(self, keyword: Token, sizes: list[_Entry]) -> _Entry:
        """Return the (vertical, horizontal) values of a Stride or a Dilation."""
        stated = {"Y": 1, "X": 1}
        for size in sizes:
            if size.key not in stated:
                raise InputError(f"{keyword} has no {size.key}; its keys are X and Y", size.position)
            if size.value < 1:
                raise InputError(f"{keyword}: {size.key} is {size.value}; it is at least 1", size.position)
            stated[size.key] = size.value
        return _Entry(str(keyword), (stated["Y"], stated["X"]), self._at(keyword))

    def _value(self, expression: Expression, label: str, position: Position) -> int:
        """Return the value of an expression that no layer has to give meaning to."""
        for term in _terms(expression):
            if isinstance(term, SizeOf):
                raise InputError(f"{label}: {term} can stand only in maps and clusters; state a number", term.position)
        value = expression.evaluate({})
        if not 0 <= value < VALUE_LIMIT:
            raise InputError(f"{label} is {value}; it has to be at least 0 and less than 10^18", position)
        return value


def _terms(expression: Expression) -> list[Number | SizeOf]:
    if isinstance(expression, Arithmetic):
        return [*_terms(expression.left), *_terms(expression.right)]
    return [expression]


def _dimension(token: Token) -> str:
    return token.replace("’", "'").replace("′", "'")
