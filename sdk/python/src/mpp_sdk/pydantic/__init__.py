"""A stand-in for the part of pydantic that tools use, in pure Python: models, fields, validators.

The real pydantic has a core in machine code, which does not run in the sandbox. ``docs/how-to/migrate-a-python-server.md`` says what is not here.
"""

from __future__ import annotations

from typing import Annotated, Any

from mpp_sdk.pydantic._errors import ValidationError
from mpp_sdk.pydantic._fields import Field, FieldInfo, PrivateAttr
from mpp_sdk.pydantic._model import BaseModel, computed_field, field_validator, model_validator
from mpp_sdk.pydantic._reading import Faults, reader

__version__ = "2.0.0"  # the interface that is stood in for
VERSION = __version__

__all__ = [
    "AfterValidator", "AnyUrl", "BaseModel", "BeforeValidator", "ConfigDict", "Field", "FieldInfo", "HttpUrl", "NonNegativeFloat", "NonNegativeInt", "PositiveFloat", "PositiveInt",
    "PrivateAttr", "StrictBool", "StrictFloat", "StrictInt", "StrictStr", "TypeAdapter", "ValidationError", "computed_field", "conint", "constr", "field_validator",
    "model_validator",
]  # fmt: skip

PositiveInt = Annotated[int, Field(gt=0)]
NonNegativeInt = Annotated[int, Field(ge=0)]
PositiveFloat = Annotated[float, Field(gt=0)]
NonNegativeFloat = Annotated[float, Field(ge=0)]
StrictStr, StrictInt, StrictFloat, StrictBool = str, int, float, bool
AnyUrl = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9+.\-]*:")]
HttpUrl = Annotated[str, Field(pattern=r"^https?://", max_length=2083)]


class BeforeValidator:
    """In ``Annotated``: a function that changes a value before its type is judged."""

    def __init__(self, func: Any) -> None:
        self.func = func


class AfterValidator(BeforeValidator):
    """In ``Annotated``: a function that checks or changes a value whose type is right."""


def ConfigDict(**options: Any) -> dict[str, Any]:  # noqa: N802 - the name of pydantic
    """Settings of a model: ``extra``, ``frozen``, ``populate_by_name``, ``validate_assignment``, ``from_attributes`` count here; others are passed over."""
    return options


def conint(**options: Any) -> Any:
    """An integer with limits."""
    return Annotated[int, Field(**options)]


def constr(**options: Any) -> Any:
    """A text with limits."""
    options.pop("strip_whitespace", None)
    return Annotated[str, Field(**options)]


class TypeAdapter:
    """Reads and writes values of any type."""

    def __init__(self, kind: Any) -> None:
        self.kind = kind
        self._read = reader(kind)

    def validate_python(self, value: Any, **_options: Any) -> Any:
        try:
            return self._read(value)
        except Faults as found:
            raise ValidationError(getattr(self.kind, "__name__", str(self.kind)), found.found) from None

    def validate_json(self, data: str | bytes, **_options: Any) -> Any:
        import json  # noqa: PLC0415 - loaded long ago

        return self.validate_python(json.loads(data))

    def dump_python(self, value: Any, *, mode: str = "python", **_options: Any) -> Any:
        from mpp_sdk.pydantic._model import _dumped  # noqa: PLC0415 - the writer of models

        how = {"mode": mode, "by_alias": False, "exclude_none": False, "exclude_unset": False, "exclude_defaults": False}
        return _dumped(value, how)

    def dump_json(self, value: Any, **_options: Any) -> bytes:
        from mpp_sdk._types import encode  # noqa: PLC0415 - of the SDK

        return encode(self.dump_python(value, mode="json")).encode("utf-8")

    def json_schema(self, **_options: Any) -> dict[str, Any]:
        from mpp_sdk.schemas import Schemas  # noqa: PLC0415 - only builds want one

        schemas = Schemas(is_open=True)
        return schemas.whole(schemas.of(self.kind))
