"""Fields of models, and what may be demanded of their values."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any


class _Undefined:
    """Stands for "there is no default"; None is one."""

    def __repr__(self) -> str:
        return "PydanticUndefined"

    def __bool__(self) -> bool:
        return False


UNDEFINED = _Undefined()
_RULES = ("gt", "ge", "lt", "le", "multiple_of", "min_length", "max_length", "pattern")


class FieldInfo:
    """What ``Field`` says."""

    __slots__ = (
        "alias",
        "annotation",
        "default",
        "default_factory",
        "deprecated",
        "description",
        "examples",
        "exclude",
        "json_schema_extra",
        "metadata",
        "rules",
        "title",
    )

    def __init__(self, default: Any = UNDEFINED, **options: Any) -> None:
        self.default = UNDEFINED if default is ... else default
        self.default_factory: Callable[[], Any] | None = options.pop("default_factory", None)
        self.alias: str | None = options.pop("alias", None) or options.pop("validation_alias", None)
        self.description: str | None = options.pop("description", None)
        self.title: str | None = options.pop("title", None)
        self.examples: list[Any] | None = options.pop("examples", None)
        self.exclude: bool = bool(options.pop("exclude", False))
        self.deprecated: Any = options.pop("deprecated", None)
        self.json_schema_extra: Any = options.pop("json_schema_extra", None)
        options["pattern"] = options.pop("pattern", None) or options.pop("regex", None)
        for old, new in (("min_items", "min_length"), ("max_items", "max_length")):
            if old in options:
                options[new] = options.pop(old)
        self.rules: dict[str, Any] = {name: options.pop(name) for name in _RULES if options.get(name) is not None}
        self.annotation: Any = None
        self.metadata: tuple[Any, ...] = ()
        for passed_over in (
            "pattern",
            "serialization_alias",
            "repr",
            "init",
            "strict",
            "frozen",
            "discriminator",
            "validate_default",
            "alias_priority",
            "kw_only",
        ):
            options.pop(passed_over, None)
        if options:
            raise TypeError(f"Field({', '.join(options)}) is not there in the stand-in for pydantic")

    def __getattr__(self, name: str) -> Any:
        if name in _RULES:
            return self.rules.get(name)
        raise AttributeError(name)

    def is_required(self) -> bool:
        return self.default is UNDEFINED and self.default_factory is None

    def get_default(self, *, call_default_factory: bool = False) -> Any:
        if self.default_factory is not None:
            return self.default_factory() if call_default_factory else None
        return copied(self.default)

    def __repr__(self) -> str:
        return f"FieldInfo(annotation={self.annotation!r}, required={self.is_required()}, default={self.default!r})"


def copied(value: Any) -> Any:
    """A default that can change is each object's own."""
    if isinstance(value, (list, dict, set)):
        import copy  # noqa: PLC0415 - few models have one

        return copy.deepcopy(value)
    return value


def Field(default: Any = UNDEFINED, **options: Any) -> Any:  # noqa: N802 - the name of pydantic
    """A default, words, and limits of a field."""
    return FieldInfo(default, **options)


class PrivateAttr:
    """A default of an attribute that is no field."""

    def __init__(self, default: Any = UNDEFINED, *, default_factory: Callable[[], Any] | None = None) -> None:
        self.default, self.default_factory = default, default_factory


def rules_of(metadata: tuple[Any, ...]) -> dict[str, Any]:
    """All that ``Annotated`` demands: of ``Field``, and of objects with the same attributes."""
    found: dict[str, Any] = {}
    for one in metadata:
        for name in _RULES:
            value = getattr(one, name, None)
            if value is not None and not callable(value):
                found[name] = value
    return found


class Broken(ValueError):
    """A value breaks a rule: its kind and words, as pydantic has them."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def judge(value: Any, rules: dict[str, Any]) -> None:
    """Raise ``Broken`` for the first rule that ``value`` breaks."""
    for name, wanted in rules.items():
        rule = _JUDGES[name]
        if value is not None and not rule[0](value, wanted):
            raise Broken(rule[1], rule[2](value, wanted))


def _short(value: Any, wanted: int) -> str:
    if isinstance(value, str):
        return f"String should have at least {wanted} character{'s' * (wanted != 1)}"
    return f"{type(value).__name__.capitalize()} should have at least {wanted} item{'s' * (wanted != 1)} after validation, not {len(value)}"


def _long(value: Any, wanted: int) -> str:
    if isinstance(value, str):
        return f"String should have at most {wanted} character{'s' * (wanted != 1)}"
    return f"{type(value).__name__.capitalize()} should have at most {wanted} item{'s' * (wanted != 1)} after validation, not {len(value)}"


_Judge = tuple[Callable[[Any, Any], bool], str, Callable[[Any, Any], str]]
_JUDGES: dict[str, _Judge] = {
    "gt": (lambda value, wanted: value > wanted, "greater_than", lambda _value, wanted: f"Input should be greater than {wanted}"),
    "ge": (lambda value, wanted: value >= wanted, "greater_than_equal", lambda _value, wanted: f"Input should be greater than or equal to {wanted}"),
    "lt": (lambda value, wanted: value < wanted, "less_than", lambda _value, wanted: f"Input should be less than {wanted}"),
    "le": (lambda value, wanted: value <= wanted, "less_than_equal", lambda _value, wanted: f"Input should be less than or equal to {wanted}"),
    "multiple_of": (lambda value, wanted: value % wanted == 0, "multiple_of", lambda _value, wanted: f"Input should be a multiple of {wanted}"),
    "min_length": (lambda value, wanted: len(value) >= wanted, "too_short", _short),
    "max_length": (lambda value, wanted: len(value) <= wanted, "too_long", _long),
    "pattern": (
        lambda value, wanted: re.search(wanted, value) is not None,
        "string_pattern_mismatch",
        lambda _value, wanted: f"String should match pattern '{wanted}'",
    ),
}
