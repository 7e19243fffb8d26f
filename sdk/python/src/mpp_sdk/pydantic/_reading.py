"""From any value to the type of a field, with the conversions that pydantic makes by default."""

from __future__ import annotations

import enum
import types
import typing
from collections.abc import Callable
from typing import Any

from mpp_sdk._types import decoder
from mpp_sdk.errors import InvalidArgument
from mpp_sdk.pydantic._errors import fault, ValidationError
from mpp_sdk.pydantic._fields import Broken, judge, rules_of

Reader = Callable[[Any], Any]


class Faults(Exception):
    """Faults below a place."""

    def __init__(self, found: list[dict[str, Any]]) -> None:
        super().__init__()
        self.found = found

    def below(self, place: Any) -> list[dict[str, Any]]:
        return [{**one, "loc": (place, *one["loc"])} for one in self.found]


def stop(kind: str, message: str, value: Any) -> Faults:
    return Faults([fault(kind, (), message, value)])


def _text(value: Any) -> Any:
    if isinstance(value, str):
        return value.value if isinstance(value, enum.Enum) else value
    raise stop("string_type", "Input should be a valid string", value)


def _integer(value: Any) -> Any:
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, float):
        raise stop("int_from_float", "Input should be a valid integer, got a number with a fractional part", value)
    if not isinstance(value, str):
        raise stop("int_type", "Input should be a valid integer", value)
    try:
        return int(value.strip())
    except ValueError:
        raise stop("int_parsing", "Input should be a valid integer, unable to parse string as an integer", value) from None


def _number(value: Any) -> Any:
    if isinstance(value, (int, float)):
        return float(value)
    if not isinstance(value, str):
        raise stop("float_type", "Input should be a valid number", value)
    try:
        return float(value.strip())
    except ValueError:
        raise stop("float_parsing", "Input should be a valid number, unable to parse string as a number", value) from None


_TRUE, _FALSE = frozenset(("true", "1", "yes", "y", "on", "t")), frozenset(("false", "0", "no", "n", "off", "f"))


def _truth(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    word = value.lower() if isinstance(value, str) else str(value) if isinstance(value, (int, float)) and value in {0, 1} else ""
    word = word.removesuffix(".0")
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise stop("bool_parsing", "Input should be a valid boolean, unable to interpret input", value)


_PLAIN: dict[Any, Reader] = {str: _text, int: _integer, float: _number, bool: _truth}


def reader(kind: Any) -> Reader:
    """The function that makes a value of type ``kind``; it raises ``Faults``."""
    plain = _PLAIN.get(kind) if isinstance(kind, type) else None
    if plain is not None:
        return plain
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return annotated(reader(args[0]), args[1:])
    if origin in {typing.Union, types.UnionType}:
        return _union(args)
    if origin in {list, set, frozenset} or (origin is tuple and len(args) == 2 and args[1] is Ellipsis):
        return _list(reader(args[0]), origin)
    if origin is dict:
        return _dict(reader(args[0]), reader(args[1]))
    if isinstance(kind, type) and hasattr(kind, "model_validate"):
        return lambda value: _model(kind, value)
    return _other(kind)


def annotated(read: Reader, metadata: tuple[Any, ...]) -> Reader:
    """With the rules of ``Annotated``, and its ``BeforeValidator`` and ``AfterValidator``."""
    rules = rules_of(metadata)
    before = [one.func for one in metadata if type(one).__name__ == "BeforeValidator"]
    after = [one.func for one in metadata if type(one).__name__ == "AfterValidator"]
    if not rules and not before and not after:
        return read

    def checked(value: Any) -> Any:
        for change in before:
            value = called(change, value)
        value = read(value)
        ruled(value, rules)
        for change in after:
            value = called(change, value)
        return value

    return checked


def ruled(value: Any, rules: dict[str, Any]) -> None:
    try:
        judge(value, rules)
    except Broken as broken:
        kind = broken.kind if not isinstance(value, str) else {"too_short": "string_too_short", "too_long": "string_too_long"}.get(broken.kind, broken.kind)
        raise stop(kind, str(broken), value) from None


def called(change: Callable[..., Any], *args: Any) -> Any:
    """A validator of the author's; what it refuses, it refuses with ``ValueError`` or an assertion."""
    try:
        return change(*args)
    except ValidationError as found:
        raise Faults(found.errors()) from None
    except ValueError as found:
        raise stop("value_error", f"Value error, {found}", args[0]) from None
    except AssertionError as found:
        raise stop("assertion_error", f"Assertion failed, {found}", args[0]) from None


def _model(kind: Any, value: Any) -> Any:
    try:
        return kind.model_validate(value)
    except ValidationError as found:
        raise Faults(found.errors()) from None


def _list(read: Reader, make: type) -> Reader:
    def items(value: Any) -> Any:
        if not isinstance(value, (list, tuple, set, frozenset)):
            raise stop(f"{make.__name__}_type", f"Input should be a valid {make.__name__}", value)
        out, faults = [], []
        for at, one in enumerate(value):
            try:
                out.append(read(one))
            except Faults as found:
                faults += found.below(at)
        if faults:
            raise Faults(faults)
        return out if make is list else make(out)

    return items


def _dict(name: Reader, read: Reader) -> Reader:
    def pairs(value: Any) -> Any:
        if not isinstance(value, dict):
            raise stop("dict_type", "Input should be a valid dictionary", value)
        out, faults = {}, []
        for key, one in value.items():
            try:
                out[name(key)] = read(one)
            except Faults as found:
                faults += found.below(key)
        if faults:
            raise Faults(faults)
        return out

    return pairs


def _union(args: tuple[Any, ...]) -> Reader:
    """A value that already is of one of the types stays; else the first that takes it."""
    readers = [(one, reader(one)) for one in args if one is not type(None)]
    optional = type(None) in args

    def first(value: Any) -> Any:
        if value is None and optional:
            return None
        faults: list[dict[str, Any]] = []
        exact = [read for kind, read in readers if isinstance(kind, type) and type(value) is kind]
        for read in (*exact, *(read for _, read in readers)):
            try:
                return read(value)
            except Faults as found:
                faults += found.found
        raise Faults(faults)

    return first


def _other(kind: Any) -> Reader:
    """What the SDK itself reads: dates, choices, data classes and so on; a class that it does not know is taken as it is."""
    try:
        read = decoder(kind)
    except TypeError:
        if not isinstance(kind, type):
            raise
        read = _instance(kind)

    def other(value: Any) -> Any:
        try:
            return read(value)
        except InvalidArgument as found:
            place = tuple(found.path.split("/")) if found.path else ()
            raise Faults([fault("value_error", place, f"Input {found.message}", value)]) from None

    return other


def _instance(kind: type) -> Reader:
    def same(value: Any) -> Any:
        if isinstance(value, kind):
            return value
        raise InvalidArgument(f"must be an instance of {kind.__name__}")

    return same
