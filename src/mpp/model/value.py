"""The frozen value: every hand-over type of the product is one.

It is a dataclass to all who look at it. Its methods are shared by all classes but for the initialiser: a command defines four hundred
of them before it does anything, and the usual way compiles six functions for each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields
from operator import attrgetter
from typing import NoReturn, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass(init=False, repr=False, eq=False, match_args=False)
class _Usual:
    """Any class of the usual way."""

    any: int


_USUAL = fields(_Usual)[0]._field_type  # type: ignore[attr-defined] # noqa: SLF001 - the mark of a field that is no ClassVar has no public name
_CHANGEABLE = (list, dict, set)


@dataclass_transform(frozen_default=True, kw_only_default=True)
def value(cls: type[T]) -> type[T]:
    """Make ``cls`` a frozen, slotted, keyword-only dataclass."""
    own = frozenset(cls.__dict__)
    made, rows = _slotted(cls)
    get = _getter([row.name for row in rows if row.compare])

    def is_equal(self: object, other: object) -> bool:
        return get(self) == get(other) if other.__class__ is self.__class__ else NotImplemented

    def hashed(self: object) -> int:
        return hash(get(self))

    shared: dict[str, object] = {
        "__init__": _initialiser(made, rows), "__eq__": is_equal, "__hash__": hashed, "__repr__": _shown, "__setattr__": _no_change, "__delattr__": _no_change,
        "__getstate__": _state, "__setstate__": _restore,
    }  # fmt: skip
    for name, item in shared.items():
        # What a class says itself stays, such as that a secret shows itself to nobody.
        if name not in own:
            setattr(made, name, item)
    return made


def _slotted(cls: type[T]) -> tuple[type[T], tuple[Field[object], ...]]:
    """The class once more, with a slot for each field, and its fields as ``dataclasses`` tells them.

    ``dataclass`` does the same in three times the time, and where there is no docstring in ten: it makes one of the signature.
    """
    if any("__dataclass_fields__" in base.__dict__ for base in cls.__mro__[1:]):
        raise TypeError(f"{cls.__name__}: a value is made of its own fields alone")
    own = dict(cls.__dict__)
    rows = {name: _field(name, kind, own.pop(name, MISSING)) for name, kind in own.get("__annotations__", {}).items()}
    for unwanted in ("__dict__", "__weakref__"):
        own.pop(unwanted, None)
    made: type[T] = type(cls)(cls.__name__, cls.__bases__, own | {"__slots__": tuple(rows), "__dataclass_fields__": rows})  # type: ignore[misc] # the class of a class makes classes
    made.__qualname__ = cls.__qualname__
    return made, tuple(rows.values())


def _field(name: str, kind: object, given: object) -> Field[object]:
    row: Field[object] = given if isinstance(given, Field) else field(default=given)  # type: ignore[arg-type] # any object is a default
    if given.__class__ in _CHANGEABLE:
        raise ValueError(f"the default of {name} would be shared by all values: give a default_factory")
    row.name, row.type, row.kw_only, row._field_type = name, kind, True, _USUAL  # type: ignore[attr-defined] # noqa: SLF001 - as above
    return row


def _initialiser(made: type, rows: Sequence[Field[object]]) -> object:
    """An initialiser that is compiled for the first value of its class: most classes that a command loads never have one, and to compile is most of their price."""

    def first(self: object, /, **given: object) -> None:
        compiled = _compiled(made, rows)
        # Two threads may both come here first; then the same is compiled twice.
        type.__setattr__(made, "__init__", compiled)
        compiled(self, **given)

    return first


def _compiled(made: type, rows: Iterable[Field[object]]) -> Callable[..., None]:
    """``def __init__(self, *, a, b=default)``, which sets each slot past the guard of the class."""
    # Attack on oneself: a field of the name ``missing`` stood in front of the mark, and was always empty.
    scope: dict[str, object] = {"missing_": MISSING}
    heads, body = ["self"], ["  pass"]
    for number, row in enumerate(rows):
        scope[f"set{number}"] = getattr(made, row.name).__set__
        given = row.name
        if row.default is not MISSING:
            scope[f"default{number}"] = row.default
            given = f"{row.name}=default{number}"
        elif row.default_factory is not MISSING:
            scope[f"make{number}"] = row.default_factory
            given = f"{row.name}=missing_"
            body.append(f"  {row.name} = make{number}() if {row.name} is missing_ else {row.name}")
        heads.append(given)
        body.append(f"  set{number}(self, {row.name})")
    if len(heads) > 1:
        heads.insert(1, "*")
    # Names of fields are identifiers of our own source.
    exec(f"def __init__({', '.join(heads)}):\n" + "\n".join(body), scope)  # noqa: S102
    return scope["__init__"]  # type: ignore[return-value] # the function that was just defined


def _getter(names: list[str]) -> Callable[[object], object]:
    """All fields that are compared, as one tuple; of a single field, it alone says the same."""
    return attrgetter(*names) if names else lambda _: ()


def _shown(self: object) -> str:
    inner = ", ".join(f"{row.name}={getattr(self, row.name)!r}" for row in fields(self) if row.repr)  # type: ignore[arg-type] # as above
    return f"{type(self).__qualname__}({inner})"


def _no_change(_self: object, name: str, *_item: object) -> NoReturn:
    raise FrozenInstanceError(f"cannot change field {name!r}")


def _state(self: object) -> list[object]:
    return [getattr(self, row.name) for row in fields(self)]  # type: ignore[arg-type] # as above


def _restore(self: object, state: list[object]) -> None:
    for row, item in zip(fields(self), state, strict=True):  # type: ignore[arg-type] # as above
        object.__setattr__(self, row.name, item)
