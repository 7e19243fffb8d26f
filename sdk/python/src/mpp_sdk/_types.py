"""From JSON to the types of a function, and back.

``decoder`` makes, once, a function for a type; a call only runs them. The host has checked the arguments against the schema that
``mpp_sdk.describe`` made from the same types; a decoder still refuses what it cannot turn into its type.
"""

from __future__ import annotations

import enum
import json
import sys
import types
import typing
from collections import abc
from collections.abc import Callable
from typing import Any

from mpp_sdk.errors import InvalidArgument

Decoder = Callable[[Any], Any]

INT_LEAST, INT_MOST = -(2**63), 2**64 - 1
"""Integers that JSON carries here. Reason: call contract C-4."""


class Unsupported(TypeError):
    """A type that cannot stand in the signature of a tool."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def wrong(wanted: str, found: Any) -> InvalidArgument:
    names = {str: "a text", bool: "true or false", int: "an integer", float: "a number", list: "a list", dict: "an object", type(None): "null"}
    return InvalidArgument(f"must be {wanted}, not {names.get(type(found), type(found).__name__)}")


def _str(value: Any) -> Any:
    if type(value) is str:
        return value
    raise wrong("a text", value)


def _int(value: Any) -> Any:
    if type(value) is int:
        return value
    if type(value) is float and value.is_integer():
        return int(value)
    raise wrong("an integer", value)


def _float(value: Any) -> Any:
    if type(value) is float:
        return value
    if type(value) is int:
        return float(value)
    raise wrong("a number", value)


def _bool(value: Any) -> Any:
    if value is True or value is False:
        return value
    raise wrong("true or false", value)


def _none(value: Any) -> Any:
    if value is None:
        return None
    raise wrong("null", value)


def _any(value: Any) -> Any:
    return value


_PLAIN: dict[Any, Decoder] = {str: _str, int: _int, float: _float, bool: _bool, type(None): _none, None: _none, Any: _any, object: _any}
_LISTS = {list, abc.Sequence, abc.MutableSequence, abc.Iterable, abc.Collection}
_SETS = {set, abc.Set, abc.MutableSet}
_DICTS = {dict, abc.Mapping, abc.MutableMapping}


def decoder(kind: Any) -> Decoder:
    """The function that makes a value of type ``kind`` from JSON."""
    found = _PLAIN.get(kind) if _hashable(kind) else None
    if found is not None:
        return found
    origin = typing.get_origin(kind)
    if origin is not None:
        return _generic(kind, origin, typing.get_args(kind))
    if isinstance(kind, typing.TypeVar):
        return decoder(kind.__bound__ or Any)
    if hasattr(kind, "__supertype__"):  # NewType
        return decoder(kind.__supertype__)
    if hasattr(kind, "__value__") and type(kind).__name__ == "TypeAliasType":
        return decoder(kind.__value__)
    if isinstance(kind, type):
        return _class(kind)
    raise unsupported(kind)


def unsupported(kind: Any) -> Unsupported:
    shown = getattr(kind, "__qualname__", None) or str(kind)
    return Unsupported(
        f"the type {shown} cannot travel as JSON", "write str, int, float, bool, list[...], dict[str, ...], Literal[...], an Enum, a dataclass or a TypedDict"
    )


def _hashable(kind: Any) -> bool:
    try:
        hash(kind)
    except TypeError:
        return False
    return True


def _generic(kind: Any, origin: Any, args: tuple[Any, ...]) -> Decoder:
    if origin is typing.Annotated or origin in {typing.Required, typing.NotRequired} or getattr(typing, "ReadOnly", None) is origin:
        return decoder(args[0])
    if origin is typing.Literal:
        return literal(args)
    if origin in {typing.Union, types.UnionType}:
        return _union(args)
    if origin is tuple:
        return _tuple(args)
    if origin in _LISTS:
        return _list(decoder(args[0]), list)
    if origin in _SETS:
        return _list(decoder(args[0]), set)
    if origin is frozenset:
        return _list(decoder(args[0]), frozenset)
    if origin in _DICTS:
        return _dict(args)
    if isinstance(origin, type):
        return _class(origin)
    raise unsupported(kind)


def _class(kind: type) -> Decoder:
    bare: dict[type, Any] = {list: list[Any], dict: dict[str, Any], tuple: tuple[Any, ...], set: set[Any], frozenset: frozenset[Any]}
    if kind in bare:
        return decoder(bare[kind])
    if kind in _LISTS | _SETS | _DICTS:
        return _dict((Any, Any)) if kind in _DICTS else _list(_any, set if kind in _SETS else list)
    found = _made_of_fields(kind) or _texts(kind)
    if found is None:
        raise unsupported(kind)
    return found


def _made_of_fields(kind: type) -> Decoder | None:
    """For classes of authors: choices, and those with fields."""
    if issubclass(kind, enum.Enum):
        return _enum(kind)
    if typing.is_typeddict(kind):
        return _typed_dict(kind)
    if hasattr(kind, "model_validate"):
        return _model(kind)
    if hasattr(kind, "__dataclass_fields__"):
        return _dataclass(kind)
    return _named_tuple(kind) if issubclass(kind, tuple) and hasattr(kind, "_fields") else None


def _texts(kind: type) -> Decoder | None:
    """Types that travel as a text. Looked up by name, so that their modules are not loaded for tools that do not use them."""
    name = f"{kind.__module__}.{kind.__qualname__}"
    make: Callable[[str], Any] | None = None
    if name in {"datetime.datetime", "datetime.date", "datetime.time"}:
        make = kind.fromisoformat  # type: ignore[attr-defined]
    elif name in {"uuid.UUID", "decimal.Decimal", "_decimal.Decimal"} or name.startswith(("pathlib.", "pathlib._local.")):
        make = kind
    elif kind is bytes:
        make, name = _base64, "bytes.base64"
    if make is None:
        return None
    return lambda value: value if isinstance(value, kind) else _made(make, _text_of(value, name), name.rpartition(".")[2])


def _base64(text: str) -> bytes:
    """The bytes of the one base64 text that stands for them."""
    from binascii import a2b_base64, b2a_base64  # noqa: PLC0415 - few tools take bytes

    found = a2b_base64(text, strict_mode=True)
    if b2a_base64(found, newline=False) != text.encode("utf-8"):
        raise ValueError("there is another base64 text for these bytes")
    return found


def _text_of(value: Any, name: str) -> str:
    if type(value) is str:
        return value
    if type(value) in {int, float} and name.endswith("Decimal"):
        return str(value)
    raise wrong("a text", value)


def _made(make: Callable[[str], Any], text: str, word: str) -> Any:
    try:
        return make(text)
    except (ValueError, ArithmeticError):
        raise InvalidArgument(f"is no {word}") from None


def literal(args: tuple[Any, ...]) -> Decoder:
    known = {(type(one), one): one for one in args}

    def decode(value: Any) -> Any:
        key = (type(value), value)
        if _hashable(key) and key in known:
            return known[key]
        raise InvalidArgument(f"must be one of {', '.join(json.dumps(one) for one in args)}")

    return decode


def _enum(kind: type[enum.Enum]) -> Decoder:
    known = {(type(plain(one.value)), plain(one.value)): one for one in kind}

    def decode(value: Any) -> Any:
        if isinstance(value, kind):
            return value
        key = (type(value), value)
        if _hashable(key) and key in known:
            return known[key]
        raise InvalidArgument(f"must be one of {', '.join(json.dumps(plain(one.value)) for one in kind)}")

    return decode


def _union(args: tuple[Any, ...]) -> Decoder:
    """The first that fits; what fits exactly comes before what fits by conversion."""
    decoders = [decoder(one) for one in args]
    exact = {one: _PLAIN[one] for one in args if _hashable(one) and one in {str, int, float, bool}}
    others = [read for one, read in zip(args, decoders, strict=True) if one is not type(None)]
    optional = type(None) in args
    only = others[0] if len(others) == 1 else None

    def decode(value: Any) -> Any:
        if value is None and optional:
            return None
        if only is not None:
            return only(value)
        if type(value) in exact:
            return value
        faults = []
        for read in others:
            try:
                return read(value)
            except InvalidArgument as fault:
                faults.append(fault)
        deepest = max(faults, key=lambda one: len(one.path))
        raise deepest

    return decode


def _list(read: Decoder, make: Callable[[list[Any]], Any]) -> Decoder:
    def decode(value: Any) -> Any:
        if type(value) is not list and (make is list or not isinstance(value, (tuple, set, frozenset))):
            raise wrong("a list", value)
        out: list[Any] = []
        try:
            for one in value:
                out.append(read(one))  # noqa: PERF401 - its length says where it stopped
        except InvalidArgument as fault:
            raise fault.at(len(out)) from None
        return out if make is list else make(out)

    return decode


def _tuple(args: tuple[Any, ...]) -> Decoder:
    if len(args) == 2 and args[1] is Ellipsis:
        return _list(decoder(args[0]), tuple)
    decoders = [decoder(one) for one in args if one != ()]

    def decode(value: Any) -> Any:
        if not isinstance(value, (list, tuple)) or len(value) != len(decoders):
            raise InvalidArgument(f"must be a list of {len(decoders)}")
        out: list[Any] = []
        try:
            for read, one in zip(decoders, value, strict=True):
                out.append(read(one))
        except InvalidArgument as fault:
            raise fault.at(len(out)) from None
        return tuple(out)

    return decode


def _dict(args: tuple[Any, ...]) -> Decoder:
    name, read = key_decoder(args[0]), decoder(args[1])

    def decode(value: Any) -> Any:
        if type(value) is not dict:
            raise wrong("an object", value)
        out = {}
        for key, one in value.items():
            try:
                out[name(key)] = read(one)
            except InvalidArgument as fault:
                raise fault.at(key) from None
        return out

    return decode


def key_decoder(kind: Any) -> Decoder:
    """Keys of JSON are texts: a function that reads one as ``kind``."""
    if kind is int:
        return lambda key: _made(int, key, "integer")
    if kind in {str, Any} or isinstance(kind, (type, typing.TypeVar)) or typing.get_origin(kind) in {typing.Literal, typing.Annotated}:
        return decoder(kind)
    raise Unsupported("the keys of an object are texts", "write dict[str, ...]")


def hints_of(kind: Any) -> dict[str, Any]:
    """The types of the fields of a class, constraints included."""
    return typing.get_type_hints(kind, include_extras=True)


def _fields(value: Any, readers: dict[str, Decoder], needed: frozenset[str], *, extra: bool = False) -> dict[str, Any]:
    if type(value) is not dict:
        raise wrong("an object", value)
    out = {}
    for key, one in value.items():
        read = readers.get(key)
        if read is None:
            if extra:
                continue
            raise InvalidArgument("is not known").at(key)
        try:
            out[key] = read(one)
        except InvalidArgument as fault:
            raise fault.at(key) from None
    missing = needed - out.keys()
    if missing:
        raise InvalidArgument("is missing").at(min(missing))
    return out


class _Lazy:
    """Decoders of the fields of a class that may hold itself."""

    __slots__ = ("kind", "needed", "readers")
    known: typing.ClassVar[dict[type, _Lazy]] = {}

    def __init__(self, kind: type, needed: frozenset[str]) -> None:
        self.kind, self.needed, self.readers = kind, needed, dict[str, Decoder]()

    @classmethod
    def of(cls, kind: type, needed: Callable[[], frozenset[str]], names: Callable[[], Any]) -> _Lazy:
        found = cls.known.get(kind)
        if found is None:
            found = cls.known[kind] = cls(kind, needed())
            hints = hints_of(kind)
            try:
                found.readers.update({name: decoder(hints[name]) for name in names()})
            except (Unsupported, NameError):
                del cls.known[kind]
                raise
        return found

    def read(self, value: Any) -> dict[str, Any]:
        return _fields(value, self.readers, self.needed)


def _dataclass(kind: type) -> Decoder:
    fields = {name: one for name, one in kind.__dataclass_fields__.items() if one._field_type.name == "_FIELD" and one.init}  # type: ignore[attr-defined]  # noqa: SLF001 - dataclasses.fields loads inspect

    def needed() -> frozenset[str]:
        return frozenset(name for name, one in fields.items() if is_needed(one))

    lazy = _Lazy.of(kind, needed, lambda: fields)
    return lambda value: value if isinstance(value, kind) else _built(kind, lazy.read(value))


def is_needed(field: Any) -> bool:
    """Whether a field of a dataclass has no default. The mark for "none" is of dataclasses, which are loaded where one is."""
    missing = sys.modules["dataclasses"].MISSING
    return field.default is missing and field.default_factory is missing


def _built(kind: Callable[..., Any], fields: dict[str, Any]) -> Any:
    try:
        return kind(**fields)
    except ValueError as fault:  # of a __post_init__ that checks
        raise InvalidArgument(f"is refused: {fault}") from None


def _typed_dict(kind: type) -> Decoder:
    return _Lazy.of(kind, lambda: required_keys(kind), lambda: hints_of(kind)).read


def required_keys(kind: Any) -> frozenset[str]:
    """The keys of a TypedDict that must be there. Where annotations are texts, the class itself does not know of NotRequired."""
    marks = {name: typing.get_origin(hint) for name, hint in hints_of(kind).items()}
    return frozenset(name for name, mark in marks.items() if mark is typing.Required or (mark is not typing.NotRequired and name in kind.__required_keys__))


def _named_tuple(kind: type) -> Decoder:
    """A list, as JSON has it; an object is taken too."""
    names: tuple[str, ...] = kind._fields  # type: ignore[attr-defined]
    lazy = _Lazy.of(kind, lambda: frozenset(names) - kind._field_defaults.keys(), lambda: names)  # type: ignore[attr-defined]

    def decode(value: Any) -> Any:
        if type(value) is list:
            if len(value) > len(names):
                raise InvalidArgument(f"has more than {len(names)} items")
            value = dict(zip(names, value, strict=False))
        return kind(**lazy.read(value))

    return decode


def _model(kind: type) -> Decoder:
    """A model of pydantic, or of its stand-in."""

    def decode(value: Any) -> Any:
        try:
            return kind.model_validate(value)  # type: ignore[attr-defined]
        except ValueError as fault:
            raise InvalidArgument(f"is refused: {fault}") from None

    return decode


def plain(value: Any) -> Any:
    """``value`` as something that JSON has; also the ``default`` of the encoder, for values that it does not know."""
    if isinstance(value, enum.Enum):
        return plain(value.value)
    if value is None or isinstance(value, (str, int, float, bool, list, dict, tuple)):
        return value
    return _unusual(value)


def _unusual(value: Any) -> Any:
    dump = getattr(value, "model_dump", None)
    if dump is not None and not isinstance(value, type):
        return dump(mode="json")
    fields = getattr(value, "__dataclass_fields__", None)
    if fields is not None and not isinstance(value, type):
        return {name: getattr(value, name) for name in fields if hasattr(value, name)}
    if isinstance(value, (set, frozenset)):
        return sorted(value) if all(isinstance(one, str) for one in value) else list(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        from mpp_sdk._host import to_base64  # noqa: PLC0415 - few tools give bytes

        return to_base64(bytes(value))
    if hasattr(value, "isoformat"):
        return value.isoformat()
    name = type(value).__module__.partition(".")[0]
    if name in {"uuid", "decimal", "_decimal", "pathlib", "fractions"}:
        return str(value)
    if isinstance(value, (abc.Mapping, abc.Iterable)):
        return dict(value) if isinstance(value, abc.Mapping) else list(value)
    raise TypeError(f"a {type(value).__name__} cannot be given back: it does not travel as JSON")


encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=plain).encode
"""A value as JSON, compact; ``ValueError`` for what JSON does not have."""
