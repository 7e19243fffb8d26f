# ruff: noqa: ICN001, UP042, RUF012, DTZ001 - models as servers have them
"""The stand-in for pydantic: models as tools use them. The ten servers compare it with the real one."""

from __future__ import annotations

import datetime
import enum
import json
from typing import Annotated, Any, Literal

import pytest

from mpp_sdk.pydantic import (
    AfterValidator,
    AnyUrl,
    BaseModel,
    BeforeValidator,
    computed_field,
    ConfigDict,
    conint,
    constr,
    Field,
    field_validator,
    HttpUrl,
    model_validator,
    NonNegativeInt,
    PositiveInt,
    PrivateAttr,
    TypeAdapter,
    ValidationError,
)


class Priority(str, enum.Enum):
    LOW = "low"
    HIGH = "high"


class Tag(BaseModel):
    name: str = Field(min_length=1, description="What it is called")


class Todo(BaseModel):
    """One thing to do."""

    model_config = ConfigDict(extra="forbid")

    id: int = Field(ge=1)
    title: str
    tags: list[Tag] = []
    priority: Priority = Priority.LOW
    due: datetime.date | None = None
    score: Annotated[float, Field(le=10)] = 1
    kids: list[Todo] = Field(default_factory=list)

    @field_validator("title")
    @classmethod
    def has_words(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("a title has words")
        return value.strip()

    @model_validator(mode="after")
    def fits(self) -> Todo:
        if self.title == "bad":
            raise ValueError("a bad title")
        return self


def faults_of(kind: Any, **data: Any) -> list[tuple[str, tuple[Any, ...], str]]:
    with pytest.raises(ValidationError) as caught:
        kind(**data)
    return [(one["type"], one["loc"], one["msg"]) for one in caught.value.errors()]


def test_data_becomes_an_object_and_comes_back() -> None:
    todo = Todo(id="3", title=" x ", tags=[{"name": "a"}, Tag(name="b")], due="2026-01-02", kids=[{"id": 1, "title": "k"}])
    assert (todo.id, todo.title, todo.tags[1], todo.due, todo.kids[0].priority) == (3, "x", Tag(name="b"), datetime.date(2026, 1, 2), Priority.LOW)
    assert todo.model_dump(exclude_unset=True, mode="json") == {
        "id": 3, "title": "x", "tags": [{"name": "a"}, {"name": "b"}], "due": "2026-01-02", "kids": [{"id": 1, "title": "k"}],
    }  # fmt: skip
    assert Todo.model_validate(todo.model_dump()) == todo
    assert Todo.model_validate_json(todo.model_dump_json()) == todo
    assert json.loads(todo.model_dump_json(indent=2, exclude_none=True))["priority"] == "low"
    assert todo.model_dump(include={"id"}) == {"id": 3}
    assert todo.model_dump(exclude={"kids", "tags"}, exclude_defaults=True) == {"id": 3, "title": "x", "due": datetime.date(2026, 1, 2)}
    assert todo.dict() == todo.model_dump()
    assert repr(Tag(name="a")) == "Tag(name='a')"
    assert str(Tag(name="a")) == "name='a'"
    assert dict(Tag(name="a")) == {"name": "a"}
    assert todo != Tag(name="a")


def test_all_faults_are_told_as_pydantic_tells_them() -> None:
    assert faults_of(Todo, id=0, title=" ", tags=[{"name": ""}], x=1) == [
        ("greater_than_equal", ("id",), "Input should be greater than or equal to 1"),
        ("value_error", ("title",), "Value error, a title has words"),
        ("string_too_short", ("tags", 0, "name"), "String should have at least 1 character"),
        ("extra_forbidden", ("x",), "Extra inputs are not permitted"),
    ]
    assert faults_of(Todo, id="a") == [
        ("int_parsing", ("id",), "Input should be a valid integer, unable to parse string as an integer"),
        ("missing", ("title",), "Field required"),
    ]
    assert faults_of(Todo, id=1, title="bad") == [("value_error", (), "Value error, a bad title")]
    assert faults_of(Todo, id=1.5, title=3, tags="x", kids=[{"id": 1}]) == [
        ("int_from_float", ("id",), "Input should be a valid integer, got a number with a fractional part"),
        ("string_type", ("title",), "Input should be a valid string"),
        ("list_type", ("tags",), "Input should be a valid list"),
        ("missing", ("kids", 0, "title"), "Field required"),
    ]
    with pytest.raises(ValidationError) as caught:
        Todo(title="x")
    assert caught.value.error_count() == 1
    assert str(caught.value).startswith("1 validation error for Todo\nid\n  Field required [type=missing, input_value={'title': 'x'}, input_type=dict]")
    assert json.loads(caught.value.json())[0]["loc"] == ["id"]
    with pytest.raises(ValidationError, match="valid dictionary or instance of Todo"):
        Todo.model_validate([1])
    with pytest.raises(ValidationError, match="Invalid JSON"):
        Todo.model_validate_json("{")


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (bool, [(True, True), ("yes", True), (0, False), ("off", False)], ["maybe", 2, None]),
        (float, [(1, 1.0), ("1.5", 1.5)], ["x", None]),
        (int, [(True, 1), (" 7 ", 7), (2.0, 2)], [None, "1.5"]),
        (int | str, [(1, 1), ("1", "1")], [None]),
        (int | None, [(None, None), ("3", 3)], ["x"]),
        (list[int] | dict[str, int], [(["1"], [1]), ({"a": "2"}, {"a": 2})], [3]),
        (set[int], [([1, 1], {1})], [3]),
        (tuple[int, ...], [(["1", 2], (1, 2))], [3]),
        (Literal["a"], [("a", "a")], ["b"]),
        (Priority, [("high", Priority.HIGH), (Priority.LOW, Priority.LOW)], ["none"]),
        (datetime.datetime, [("2026-01-02T03:04:05", datetime.datetime(2026, 1, 2, 3, 4, 5))], ["x"]),
        (PositiveInt, [(1, 1)], [0]),
        (NonNegativeInt, [(0, 0)], [-1]),
        (conint(gt=1, lt=4, multiple_of=2), [(2, 2)], [1, 4, 3]),
        (constr(min_length=2, max_length=3, pattern="^a"), [("ab", "ab")], ["a", "abcd", "bb"]),
        (HttpUrl, [("https://a.example", "https://a.example")], ["ftp://x"]),
        (AnyUrl, [("urn:x", "urn:x")], ["x"]),
        (Annotated[int, AfterValidator(lambda value: value + 1)], [(1, 2)], ["x"]),
        (Annotated[int, BeforeValidator(lambda value: int(value, 16))], [("ff", 255)], ["zz"]),
        (Annotated[list[int], Field(min_length=1, max_length=2)], [([1], [1])], [[], [1, 2, 3]]),
    ],
)
def test_values_of_many_types(kind: Any, good: list[tuple[Any, Any]], bad: list[Any]) -> None:
    adapter = TypeAdapter(kind)
    for given, expected in good:
        assert adapter.validate_python(given) == expected
    for given in bad:
        with pytest.raises(ValidationError):
            adapter.validate_python(given)


def test_adapters_write_too() -> None:
    adapter = TypeAdapter(list[Tag])
    found = adapter.validate_json('[{"name": "a"}]')
    assert (adapter.dump_python(found), adapter.dump_json(found)) == ([{"name": "a"}], b'[{"name":"a"}]')
    assert adapter.json_schema()["items"] == {"$ref": "#/$defs/Tag"}


def test_settings_of_models() -> None:
    class Open(BaseModel):
        model_config = ConfigDict(extra="allow")
        a: int = 1

    class Frozen(BaseModel, frozen=True):
        a: int

    class Checked(BaseModel):
        model_config = ConfigDict(validate_assignment=True)
        a: int

    class Named(BaseModel):
        model_config = ConfigDict(populate_by_name=True)
        kind: str = Field(alias="type")

    class Attributes(BaseModel):
        model_config = ConfigDict(from_attributes=True)
        a: int

    made = Open(b=2)
    assert (made.model_extra, made.b, made.model_dump()) == ({"b": 2}, 2, {"a": 1, "b": 2})
    assert len({Frozen(a=1), Frozen(a=1)}) == 1
    with pytest.raises(ValidationError, match="frozen"):
        Frozen(a=1).a = 2
    with pytest.raises(TypeError, match="unhashable"):
        hash(Open())
    checked = Checked(a=1)
    checked.a = "5"
    assert checked.a == 5
    with pytest.raises(ValidationError):
        checked.a = "x"
    assert (Named(type="x").kind, Named(kind="y").kind, Named(type="x").model_dump(by_alias=True)) == ("x", "y", {"type": "x"})
    assert Attributes.model_validate(Frozen(a=3)).a == 3
    assert Open.model_construct(a="anything").a == "anything"


def test_validators_of_all_kinds() -> None:
    class Model(BaseModel):
        a: int
        b: str = "x"
        _secret: int = PrivateAttr(default=7)

        @field_validator("a", mode="before")
        @classmethod
        def from_words(cls, value: Any, info: Any) -> Any:
            return {"one": 1}.get(value, value)

        @field_validator("*")
        def short(cls, value: Any) -> Any:  # noqa: N805 - pydantic takes it so too
            if len(str(value)) >= 5:
                raise AssertionError("too long")
            return value

        @model_validator(mode="before")
        @classmethod
        def renamed(cls, data: Any) -> Any:
            if data.get("old") == "refuse":
                raise ValueError("no")
            return {"a": data["old"]} if "old" in data else data

        @computed_field
        @property
        def double(self) -> int:
            return self.a * 2

        def model_post_init(self, context: Any) -> None:
            self._secret += 1

    made = Model(a="one")
    assert (made.a, made._secret, made.model_dump()) == (1, 8, {"a": 1, "b": "x", "double": 2})
    assert Model(old=5).a == 5
    assert faults_of(Model, a=1, b="12345") == [("assertion_error", ("b",), "Assertion failed, too long")]
    assert faults_of(Model, old="refuse") == [("value_error", (), "Value error, no")]


def test_classes_of_classes_and_copies() -> None:
    class Base(BaseModel):
        a: int = Field(1, ge=0)

        @field_validator("a")
        @classmethod
        def even(cls, value: int) -> int:
            if value % 2 and value != 1:
                raise ValueError("odd")
            return value

    class Child(Base):
        b: list[int] = []

    one, other = Child(), Child(a=2)
    one.b.append(1)
    assert other.b == []
    assert Child.model_fields["a"].is_required() is False
    assert (other.model_copy(update={"a": 4}).a, other.model_copy(deep=True) == other, other.model_fields_set) == (4, True, {"a"})
    assert faults_of(Child, a=3) == [("value_error", ("a",), "Value error, odd")]


def test_schemas_are_those_of_pydantic_without_titles() -> None:
    schema = Todo.model_json_schema()
    assert schema["required"] == ["id", "title"]
    assert schema["additionalProperties"] is False
    assert schema["description"] == "One thing to do."
    assert schema["properties"]["score"] == {"type": "number", "maximum": 10, "default": 1}
    assert schema["properties"]["due"] == {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}], "default": None}
    assert schema["properties"]["priority"] == {"$ref": "#/$defs/Priority", "default": "low"}
    assert schema["$defs"]["Tag"]["properties"]["name"] == {"type": "string", "minLength": 1, "description": "What it is called"}
    assert Tag.model_json_schema() == {
        "type": "object",
        "properties": {"name": {"type": "string", "minLength": 1, "description": "What it is called"}},
        "required": ["name"],
    }


def test_what_is_not_there_says_so() -> None:
    with pytest.raises(TypeError, match="not there in the stand-in for pydantic"):
        Field(1, decimal_places=2)
    with pytest.raises(TypeError, match="take before or after"):
        field_validator("a", mode="wrap")
    with pytest.raises(TypeError, match="take before or after"):
        model_validator(mode="wrap")
