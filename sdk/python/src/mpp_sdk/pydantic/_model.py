"""``BaseModel``: a class whose annotations say what its objects hold."""

from __future__ import annotations

import json
import sys
import types
import typing
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Self

from mpp_sdk._types import encode, plain
from mpp_sdk.pydantic._errors import fault, ValidationError
from mpp_sdk.pydantic._fields import copied, FieldInfo, PrivateAttr, rules_of, UNDEFINED
from mpp_sdk.pydantic._reading import called, Faults, Reader, reader, ruled


class _Hook:
    """A validator, until its class is made."""

    def __init__(self, kind: str, mode: str, fields: tuple[str, ...], fn: Any) -> None:
        self.kind, self.mode, self.fields, self.fn = kind, mode, fields, fn

    def __get__(self, owner: Any, kind: type | None = None) -> Any:
        return self.fn.__get__(owner, kind)


def field_validator(*fields: str, mode: str = "after", check_fields: bool | None = None) -> Callable[[Any], Any]:  # noqa: ARG001 - its signature
    """A function that checks or changes fields: ``mode`` is ``after`` (the type is right already) or ``before``."""
    if mode not in {"after", "before", "plain"}:
        raise TypeError(f"field_validator(mode={mode!r}) is not there in the stand-in for pydantic: take before or after")
    return lambda fn: _Hook("field", mode, fields, fn)


def model_validator(*, mode: str) -> Callable[[Any], Any]:
    """A function that checks or changes a whole object: ``mode`` is ``after`` or ``before``."""
    if mode not in {"after", "before"}:
        raise TypeError(f"model_validator(mode={mode!r}) is not there in the stand-in for pydantic: take before or after")
    return lambda fn: _Hook("model", mode, (), fn)


def computed_field(fn: Any = None, **_options: Any) -> Any:
    """A property that stands in what is dumped."""
    if fn is None:
        return computed_field
    found = fn if isinstance(fn, property) else property(fn)
    if found.fget is not None:
        found.fget.__mpp_computed__ = True  # type: ignore[attr-defined]
    return found


class _Meta(type):
    """Collects fields when a class is made. Their types are read later: they may name classes that come later."""

    def __new__(cls, name: str, bases: tuple[type, ...], space: dict[str, Any], **options: Any) -> Any:
        hooks = [found for found in space.values() if isinstance(found, _Hook)]
        private = {key: space.pop(key) for key, found in list(space.items()) if isinstance(found, PrivateAttr)}
        own = space.get("__annotations__", {})
        values = {key: space.pop(key) for key in own if key in space and not key.startswith("_") and key != "model_config" and "ClassVar" not in str(own[key])}
        made: Any = super().__new__(cls, name, bases, space)
        made.__mpp_values__ = {**getattr(made, "__mpp_values__", {}), **values}
        made.__mpp_hooks__ = [*getattr(made, "__mpp_hooks__", ()), *hooks]
        made.__mpp_private__ = {**getattr(made, "__mpp_private__", {}), **private}
        made.__mpp_readers__ = None
        made.model_config = {**getattr(bases[0] if bases else made, "model_config", {}), **space.get("model_config", {}), **options}
        return made

    @property
    def model_fields(cls) -> dict[str, FieldInfo]:
        cls.model_rebuild()  # type: ignore[attr-defined]
        found: dict[str, FieldInfo] = cls.__mpp_fields__  # type: ignore[attr-defined]
        return found


class BaseModel(metaclass=_Meta):
    """An object whose fields are read from data, and refused where the data does not fit."""

    model_config: ClassVar[dict[str, Any]] = {}
    __mpp_fields__: ClassVar[dict[str, FieldInfo]] = {}
    __mpp_values__: ClassVar[dict[str, Any]]
    __mpp_hooks__: ClassVar[list[_Hook]]
    __mpp_private__: ClassVar[dict[str, PrivateAttr]]
    __mpp_readers__: ClassVar[dict[str, Reader] | None]

    def __init__(self, /, **data: Any) -> None:
        _fill(self, data)

    @classmethod
    def model_rebuild(cls, **_options: Any) -> None:
        """Read the types of the fields."""
        if cls.__mpp_readers__ is not None:
            return
        cls.__mpp_readers__ = readers = {}
        try:
            cls.__mpp_fields__ = {name: _field(cls, name, kind) for name, kind in _hints(cls).items() if _is_field(name, kind)}
            for name, field in cls.__mpp_fields__.items():
                readers[name] = _with_rules(reader(field.annotation), field)
        except NameError:
            cls.__mpp_readers__ = None
            raise

    @classmethod
    def model_validate(cls, obj: Any, **_options: Any) -> Self:
        """An object from a dict, or the same object."""
        if isinstance(obj, cls):
            return obj
        if not isinstance(obj, dict):
            if cls.model_config.get("from_attributes"):
                obj = {name: getattr(obj, name) for name in cls.model_fields if hasattr(obj, name)}
            else:
                raise ValidationError(cls.__name__, [fault("model_type", (), f"Input should be a valid dictionary or instance of {cls.__name__}", obj)])
        made = cls.__new__(cls)
        _fill(made, obj)
        return made

    @classmethod
    def model_validate_json(cls, json_data: str | bytes, **_options: Any) -> Self:
        try:
            found = json.loads(json_data)
        except ValueError as wrong:
            raise ValidationError(cls.__name__, [fault("json_invalid", (), f"Invalid JSON: {wrong}", json_data)]) from None
        return cls.model_validate(found)

    @classmethod
    def model_construct(cls, **values: Any) -> Self:
        """An object of values that nobody checks."""
        made = cls.__new__(cls)
        fields = {name: values.get(name, field.get_default(call_default_factory=True)) for name, field in cls.model_fields.items()}
        _own(made, fields, set(values), None)
        return made

    def model_dump(
        self, *, mode: str = "python", include: Any = None, exclude: Any = None, by_alias: bool = False, exclude_none: bool = False, exclude_unset: bool = False,
        exclude_defaults: bool = False, **_options: Any,
    ) -> dict[str, Any]:  # fmt: skip
        """The fields as a dict; ``mode="json"`` as JSON has them."""
        how: dict[str, Any] = {
            "mode": mode,
            "by_alias": by_alias,
            "exclude_none": exclude_none,
            "exclude_unset": exclude_unset,
            "exclude_defaults": exclude_defaults,
        }
        fields = type(self).model_fields
        out: dict[str, Any] = {}
        for name, value in _shown(self).items():
            field = fields.get(name)
            left_out = (include is not None and name not in include) or (exclude is not None and name in exclude) or (field is not None and field.exclude)
            left_out = left_out or (exclude_none and value is None) or (exclude_unset and name in fields and name not in self.model_fields_set)
            if left_out or (exclude_defaults and field is not None and not field.is_required() and value == field.get_default(call_default_factory=True)):
                continue
            out[field.alias if by_alias and field is not None and field.alias else name] = _dumped(value, how)
        return out

    def model_dump_json(self, *, indent: int | None = None, **options: Any) -> str:
        found = self.model_dump(mode="json", **options)
        return encode(found) if indent is None else json.dumps(found, indent=indent, ensure_ascii=False)

    @classmethod
    def model_json_schema(cls, **_options: Any) -> dict[str, Any]:
        """The JSON Schema, without titles."""
        from mpp_sdk.schemas import Schemas  # noqa: PLC0415 - only forms and builds want one

        return Schemas(is_open=True).root(cls)

    @classmethod
    def __mpp_schema__(cls, schemas: Any) -> dict[str, Any]:
        from mpp_sdk.schemas import constrained, own_text, with_default  # noqa: PLC0415 - see above

        properties, required = {}, []
        for name, field in cls.model_fields.items():
            schema = constrained(constrained(schemas.of(field.annotation), field.metadata, field.annotation), (field,), field.annotation)
            is_needed = field.is_required()
            if not is_needed and field.default_factory is None:
                schema = with_default(schema, field.annotation, field.default, is_needed=False)
            properties[field.alias or name] = schema
            if is_needed:
                required.append(field.alias or name)
        closed = {"additionalProperties": False} if cls.model_config.get("extra") == "forbid" else {}
        return {"type": "object", "properties": properties, **({"required": required} if required else {}), **own_text(cls), **closed}

    def model_copy(self, *, update: dict[str, Any] | None = None, deep: bool = False) -> Self:
        import copy  # noqa: PLC0415 - few do it

        made = type(self).__new__(type(self))
        values = copy.deepcopy(_values(self)) if deep else dict(_values(self))
        _own(made, {**values, **(update or {})}, self.model_fields_set | set(update or ()), self.__dict__.get("__mpp_extra__"))
        return made

    def model_post_init(self, context: Any, /) -> None:
        """For classes that override it."""

    @property
    def model_fields_set(self) -> set[str]:
        found: set[str] = self.__dict__["__mpp_set__"]
        return found

    @property
    def model_extra(self) -> dict[str, Any] | None:
        return self.__dict__.get("__mpp_extra__")

    def __setattr__(self, name: str, value: Any) -> None:
        kind = type(self)
        if name.startswith("_") or name not in kind.model_fields:
            object.__setattr__(self, name, value)
            return
        if kind.model_config.get("frozen"):
            raise ValidationError(kind.__name__, [fault("frozen_instance", (name,), "Instance is frozen", value)])
        if kind.model_config.get("validate_assignment"):
            value = _read_field(kind, name, value)
        self.__dict__[name] = value
        self.model_fields_set.add(name)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and isinstance(other, BaseModel) and _values(self) == _values(other)

    def __hash__(self) -> int:
        if not type(self).model_config.get("frozen"):
            raise TypeError(f"unhashable type: {type(self).__name__!r}")
        return hash((type(self), tuple(_values(self).values())))

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        yield from _values(self).items()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in _values(self).items())})"

    def __str__(self) -> str:
        return " ".join(f"{name}={value!r}" for name, value in _values(self).items())


# The names of the first version. Set here: inside the class they would hide `dict` from its annotations.
BaseModel.dict = BaseModel.model_dump  # type: ignore[attr-defined]
BaseModel.json = BaseModel.model_dump_json  # type: ignore[attr-defined]


def _hints(cls: type) -> dict[str, Any]:
    """The types of the fields, those of base classes first. Names are looked up in the module, never among the methods of the class."""
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        if issubclass(base, BaseModel) and base is not BaseModel:
            holder = types.SimpleNamespace(__annotations__=base.__dict__.get("__annotations__", {}))  # noqa: RUF063 - inspect would be loaded for it
            found.update(typing.get_type_hints(holder, vars(sys.modules[base.__module__]), {base.__name__: base}, include_extras=True))
    return found


def _is_field(name: str, kind: Any) -> bool:
    return not name.startswith("_") and name != "model_config" and typing.get_origin(kind) is not ClassVar and kind is not ClassVar


def _field(cls: Any, name: str, kind: Any) -> FieldInfo:
    value = cls.__mpp_values__.get(name, UNDEFINED)
    metadata: tuple[Any, ...] = ()
    if typing.get_origin(kind) is typing.Annotated:
        kind, *rest = typing.get_args(kind)
        metadata = tuple(rest)
    inner = next((one for one in metadata if isinstance(one, FieldInfo)), None)
    field = value if isinstance(value, FieldInfo) else FieldInfo(value)
    if inner is not None and field.is_required():
        field.default, field.default_factory = inner.default, inner.default_factory
    for word in ("alias", "description", "title", "examples", "json_schema_extra"):
        if inner is not None and getattr(field, word) is None:
            setattr(field, word, getattr(inner, word))
    field.annotation, field.metadata = kind, metadata
    return field


def _with_rules(read: Reader, field: FieldInfo) -> Reader:
    from mpp_sdk.pydantic._reading import annotated  # noqa: PLC0415 - a name of the module above

    read = annotated(read, field.metadata)
    rules = rules_of((field,))
    if not rules:
        return read

    def checked(value: Any) -> Any:
        value = read(value)
        ruled(value, rules)
        return value

    return checked


def _fill(made: Any, data: dict[str, Any]) -> None:
    """The one way into an object. Raises ``ValidationError`` with all faults."""
    kind = type(made)
    kind.model_rebuild()
    for hook in kind.__mpp_hooks__:
        if hook.kind == "model" and hook.mode == "before":
            try:
                data = called(_bound(hook, kind), data)
            except Faults as found:
                raise ValidationError(kind.__name__, found.found) from None
    values: dict[str, Any] = {}
    faults: list[dict[str, Any]] = []
    given: set[str] = set()
    used: set[str] = set()
    for name, field in kind.__mpp_fields__.items():
        key = field.alias if field.alias is not None and (field.alias in data or not kind.model_config.get("populate_by_name")) else name
        used.add(key)
        if key in data:
            given.add(name)
            try:
                values[name] = _judged(kind, name, data[key])
            except Faults as found:
                faults += found.below(key)
        elif field.is_required():
            faults.append(fault("missing", (key,), "Field required", data))
        else:
            values[name] = field.get_default(call_default_factory=True)
    extra = _extra(kind, data, used, faults)
    if faults:
        raise ValidationError(kind.__name__, faults)
    _own(made, values, given, extra)
    _after(made, kind)


def _extra(kind: Any, data: dict[str, Any], used: set[str], faults: list[dict[str, Any]]) -> dict[str, Any] | None:
    how = kind.model_config.get("extra", "ignore")
    others = {key: value for key, value in data.items() if key not in used}
    if how == "forbid":
        faults += [fault("extra_forbidden", (key,), "Extra inputs are not permitted", value) for key, value in others.items()]
    return others if how == "allow" else None


def _after(made: Any, kind: Any) -> None:
    for hook in kind.__mpp_hooks__:
        if hook.kind == "model" and hook.mode == "after":
            try:
                called(hook.fn, made)
            except Faults as found:
                raise ValidationError(kind.__name__, found.found) from None
    made.model_post_init(None)


def _judged(kind: Any, name: str, value: Any) -> Any:
    hooks = [hook for hook in kind.__mpp_hooks__ if hook.kind == "field" and (name in hook.fields or "*" in hook.fields)]
    for hook in hooks:
        if hook.mode == "before":
            value = called(_bound(hook, kind), value)
    if not any(hook.mode == "plain" for hook in hooks):
        value = kind.__mpp_readers__[name](value)
    for hook in hooks:
        if hook.mode != "before":
            value = called(_bound(hook, kind), value)
    return value


def _read_field(kind: Any, name: str, value: Any) -> Any:
    try:
        return _judged(kind, name, value)
    except Faults as found:
        raise ValidationError(kind.__name__, found.below(name)) from None


def _bound(hook: _Hook, kind: type) -> Callable[..., Any]:
    """The validator as a function of one value, whether it is a class method, and whether it wants the second argument or not."""
    fn = hook.fn.__get__(None, kind) if isinstance(hook.fn, (classmethod, staticmethod)) else hook.fn.__get__(kind)
    code = getattr(fn, "__func__", fn).__code__
    count = code.co_argcount - (1 if hasattr(fn, "__func__") else 0)
    return (lambda value: fn(value, None)) if count > 1 else fn


def _own(made: Any, values: dict[str, Any], given: set[str], extra: dict[str, Any] | None) -> None:
    made.__dict__.update({**values, **(extra or {})})
    made.__dict__["__mpp_set__"] = given | set(extra or ())
    made.__dict__["__mpp_extra__"] = extra
    for name, private in type(made).__mpp_private__.items():
        made.__dict__[name] = private.default_factory() if private.default_factory is not None else copied(private.default)


def _values(made: BaseModel) -> dict[str, Any]:
    names = (*type(made).model_fields, *(made.model_extra or ()))
    return {name: made.__dict__[name] for name in names}


def _shown(made: BaseModel) -> dict[str, Any]:
    """The fields, and the properties that are fields too."""
    computed = [
        name
        for base in reversed(type(made).__mro__)
        for name, found in vars(base).items()
        if isinstance(found, property) and getattr(found.fget, "__mpp_computed__", False)
    ]
    return {**_values(made), **{name: getattr(made, name) for name in computed}}


def _dumped(value: Any, how: dict[str, Any]) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(**how)
    if isinstance(value, dict):
        return {_dumped(key, how): _dumped(one, how) for key, one in value.items()}
    is_json = how["mode"] == "json"
    if isinstance(value, (list, tuple, set, frozenset)) and not hasattr(value, "_fields"):
        items = [_dumped(one, how) for one in value]
        return items if is_json else type(value)(items)
    if not is_json:
        return value
    found = plain(value)
    return found if found is value or isinstance(found, (str, int, float, bool)) else _dumped(found, how)
