# ruff: noqa: PYI061 - signatures as authors of tools write them
"""Definitions from the source: schemas that a manifest takes, and faults that say what to write instead."""

from __future__ import annotations

import enum
import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, NotRequired, TypedDict

import pytest

from mpp.model.fields import Faults
from mpp.model.toolschema import read_schema
from mpp_sdk import Context, Description, Examples, Length, Pattern, Range, tool
from mpp_sdk._tools import tools
from mpp_sdk.checking import check
from mpp_sdk.describe import definition, describe, Faulty
from mpp_sdk.docstrings import read_docstring
from tests.unit.sdk_python.conftest import SDK


class Color(enum.Enum):
    """Which colour."""

    RED = "red"
    BLUE = "blue"


@dataclass
class Node:
    """A node of a tree.

    Attributes:
        name: What it is called
    """

    name: str
    kids: list[Node] = field(default_factory=list)
    weight: Annotated[float, Range(0, above=-1)] = 1.0


class Options(TypedDict):
    a: int
    b: NotRequired[str | None]


class Point(NamedTuple):
    x: int
    y: int = 0


def defined(fn: Any) -> dict[str, Any]:
    found = definition(next(one for one in tools.values() if one.fn is fn))
    for key in ("parameters", "returns"):
        if key in found:
            faults = Faults("manifest")
            read_schema(found[key], f"/{key}", faults, needs_object=key == "parameters")
            assert faults.found == []
    return found


def schema_of(kind: Any) -> Any:
    def take(value) -> None:
        """Takes."""

    take.__annotations__["value"] = kind
    tools.clear()
    tool(take)
    return defined(take)["parameters"]["properties"]["value"]


@pytest.mark.parametrize(
    ("kind", "schema"),
    [
        (str, {"type": "string"}),
        (int, {"type": "integer"}),
        (float, {"type": "number"}),
        (bool, {"type": "boolean"}),
        (Any, {}),
        (None, {"type": "null"}),
        (bytes, {"type": "string", "contentEncoding": "base64"}),
        (int | None, {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
        (Literal["a", "b"], {"enum": ["a", "b"], "type": "string"}),
        (Literal[1, "b", None], {"enum": [1, "b", None]}),
        (list[int], {"type": "array", "items": {"type": "integer"}}),
        (list, {"type": "array", "items": {}}),
        (set[str], {"type": "array", "items": {"type": "string"}, "uniqueItems": True}),
        (tuple[int, str], {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "minItems": 2, "maxItems": 2}),
        (tuple[int, ...], {"type": "array", "items": {"type": "integer"}}),
        (dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}),
        (dict, {"type": "object", "additionalProperties": True}),
        (Annotated[int, "How many"], {"type": "integer", "description": "How many"}),
        (Annotated[int, Description("How many"), Range(1, 10), Examples(3)], {"type": "integer", "description": "How many", "minimum": 1, "maximum": 10, "examples": [3]}),
        (Annotated[float, Range(above=0, below=1, multiple_of=0.5)], {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1, "multipleOf": 0.5}),
        (Annotated[str, Length(1, 5), Pattern("^[a-z]+$")], {"type": "string", "minLength": 1, "maxLength": 5, "pattern": "^[a-z]+$"}),
        (Annotated[list[str], Length(1)], {"type": "array", "items": {"type": "string"}, "minItems": 1}),
        (Annotated[dict[str, str], Length(most=2)], {"type": "object", "additionalProperties": {"type": "string"}, "maxProperties": 2}),
        (Color, {"$ref": "#/$defs/Color"}),
        (Node, {"$ref": "#/$defs/Node"}),
    ],
)  # fmt: skip
def test_types_become_schemas(kind: Any, schema: Any) -> None:
    assert schema_of(kind) == schema


def test_a_whole_definition() -> None:
    @tool(title="Walk a tree", security_level="low", examples=[{"node": {"name": "a"}, "point": [1]}], asks=["sure"])
    def walk(
        node: Node,
        point: Point,
        context: Context,
        options: Options | None = None,
        color: Color = Color.RED,
        tags: Annotated[tuple[str, ...], Length(0, 3)] = (),
    ) -> Node:
        """Walk over a tree.

        It comes back.

        Args:
            node: Where to begin,
                over two lines
            color (Color): Which one

        Returns:
            The node at the end
        """
        return node

    found = defined(walk)
    assert {key: found[key] for key in ("name", "title", "description", "security_level")} == {
        "name": "walk",
        "title": "Walk a tree",
        "description": "Walk over a tree.\n\nIt comes back.",
        "security_level": "low",
    }
    parameters = found["parameters"]
    assert list(parameters["properties"]) == ["node", "point", "options", "color", "tags", "sure"]
    assert parameters["required"] == ["node", "point"]
    assert parameters["additionalProperties"] is False
    assert parameters["properties"]["node"] == {"$ref": "#/$defs/Node", "description": "Where to begin, over two lines"}
    assert parameters["properties"]["color"] == {"$ref": "#/$defs/Color", "description": "Which one", "default": "red"}
    assert parameters["properties"]["tags"] == {"type": "array", "items": {"type": "string"}, "minItems": 0, "maxItems": 3, "default": []}
    assert parameters["$defs"]["Node"]["properties"]["name"] == {"type": "string", "description": "What it is called"}
    assert parameters["$defs"]["Node"]["description"] == "A node of a tree."
    assert parameters["$defs"]["Options"]["required"] == ["a"]
    assert found["returns"]["description"] == "The node at the end"
    assert found["returns"]["properties"]["kids"]["items"] == {"$ref": "#/$defs/Node"}


def test_answers_have_a_schema_where_they_are_data() -> None:
    def answers(kind: Any) -> Any:
        def give():
            """Gives."""

        give.__annotations__["return"] = kind
        tools.clear()
        tool(give)
        return defined(give).get("returns")

    assert answers(str) is None
    assert answers(None) is None
    assert answers(Any) is None
    assert answers(int) == {"type": "object", "properties": {"result": {"type": "integer"}}, "required": ["result"]}
    assert answers(dict[str, int]) == {"type": "object", "additionalProperties": {"type": "integer"}}
    assert answers(Options)["required"] == ["a"]


def faults_of(text: str, tmp_path: Path) -> list[tuple[int, str, str]]:
    file = tmp_path / f"case_{abs(hash(text))}.py"
    file.write_text(text)
    tools.clear()
    with pytest.raises(Faulty) as caught:
        describe(str(file))
    sys.modules.pop(file.stem, None)
    assert all(fault.file == file.name and fault.hint for fault in caught.value.faults)
    assert str(caught.value).startswith(f"{file.name}:{caught.value.faults[0].line}: ")
    return [(fault.line, fault.parameter, fault.message) for fault in caught.value.faults]


HEAD = "from mpp_sdk import tool\n"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("@tool\ndef f(\n    a,\n) -> str:\n    'F'\n", (4, "a", "the parameter has no type")),
        ("@tool\ndef f(*args: int) -> str:\n    'F'\n", (3, "*args", "arguments have names, so *args has no place")),
        ("@tool\ndef f(a: int,\n      **more: int) -> str:\n    'F'\n", (4, "**more", "what a tool takes is declared, so **kwargs has no place")),
        ("@tool\ndef f(a: int, /) -> str:\n    'F'\n", (2, "a", "arguments have names, so a parameter cannot be positional only")),
        ("@tool\ndef f() -> int:\n    'F'\n    yield 1\n", (2, "", "a tool gives one answer, so it cannot yield")),
        ("@tool\nasync def f() -> int:\n    'F'\n    yield 1\n", (2, "", "a tool gives one answer, so it cannot yield")),
        (
            "@tool\ndef f(a: int) -> str:\n    'F'\n\n@tool\ndef f(b: int) -> str:\n    'F'\n",
            (2, "", "a second tool 'f' in line 6 takes the place of this one"),
        ),
        ("import functools\nf = tool(functools.partial(int, 1))\n", (3, "", "importing it fails: TypeError: functools.partial(<class 'int'>, 1) is no Python")),
        ("class C:\n    @tool\n    @staticmethod\n    def f(a) -> str:\n        'F'\n", (5, "a", "the parameter has no type")),
        ("@tool\ndef f(a: complex) -> str:\n    'F'\n", (3, "a", "the type complex cannot travel as JSON")),
        ("@tool\ndef f(a: dict[int, list[object]], b: 'dict[tuple[int], int]') -> str:\n    'F'\n", (3, "b", "the keys of dict[tuple[int], int] are no texts")),
        ("@tool\ndef f(a: int = 'x') -> str:\n    'F'\n", (3, "a", "the default 'x' is not of the type: it must be an integer, not a text")),
        ("@tool\ndef f(a: int = None) -> str:\n    'F'\n", (3, "a", "the default None is not of the type: it must be an integer, not null")),
        (
            "@tool\ndef f(a: float = float('inf')) -> str:\n    'F'\n",
            (3, "a", "the default inf cannot travel as JSON: Out of range float values are not JSON compliant"),
        ),
        ("@tool\ndef f(a: 'Gone') -> str:\n    'F'\n", (2, "", "a type is not known: name 'Gone' is not defined")),
        ("@tool\ndef f() -> str:\n    pass\n", (2, "", "the tool 'f' has no description")),
        ("@tool\ndef f() -> complex:\n    'F'\n", (2, "return", "the type complex cannot travel as JSON")),
        ("@tool(name='a b')\ndef f() -> str:\n    'F'\n", (2, "", "'a b' is no name of a tool")),
        ("@tool(security_level='none')\ndef f() -> str:\n    'F'\n", (2, "", "security_level is 'none'")),
        ("@tool(examples=[{'a': 'x'}])\ndef f(a: int) -> str:\n    'F'\n", (2, "", "example 1 of 'f' is not what the tool takes: /a is not of type integer")),
        ("import nothing_of_this_name\n", (2, "", "importing it fails: ModuleNotFoundError: No module named 'nothing_of_this_name'")),
        ("def f(:\n", (2, "", "importing it fails: SyntaxError: invalid syntax")),
        ("\n\nraise SystemExit(3)\n", (4, "", "importing it fails: SystemExit: 3")),
        ("a = 1\n", (1, "", "there is no tool in this file, and in none that it imports")),
        ("from typing import Literal\n@tool\ndef f(a: Literal[b'x']) -> str:\n    'F'\n", (4, "a", "the value b'x' of a choice cannot travel as JSON")),
    ],
)
def test_odd_signatures_are_told_with_file_line_and_parameter(text: str, fault: tuple[int, str, str], tmp_path: Path) -> None:
    found = faults_of(HEAD + text, tmp_path)
    line, parameter, message = fault
    assert any(one[0] == line and one[1] == parameter and one[2].startswith(message) for one in found), found


def test_all_faults_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    found = faults_of(f"{HEAD}@tool\ndef f(a, b: complex) -> str:\n    pass\n\n@tool\ndef g(c) -> str:\n    'G'\n", tmp_path)
    assert [(line, parameter) for line, parameter, _ in found] == [(2, ""), (3, "a"), (3, "b"), (7, "c")]


def test_the_command_writes_json_and_keeps_noise_out(tmp_path: Path) -> None:
    file = tmp_path / "app" / "good.py"
    file.parent.mkdir()
    file.write_text(f"{HEAD}print('noise')\n@tool\ndef f(a: int = 3) -> str:\n    'F'\n")
    command = [sys.executable, "-m", "mpp_sdk.describe", str(file), "--root", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, env={"PYTHONPATH": str(SDK)}, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"noise\n")
    found = json.loads(done.stdout)
    assert [one["name"] for one in found["tools"]] == ["f"]
    assert (found["prompts"], found["resources"], found["files"], found["reports"], found["handler"]) == (None, None, {}, [], False)
    file.write_text(f"{HEAD}@tool\ndef f(a) -> str:\n    'F'\n")
    done = subprocess.run(command, capture_output=True, env={"PYTHONPATH": str(SDK)}, timeout=60, check=False)
    assert done.returncode == 2
    assert json.loads(done.stdout)["errors"][0] == {
        "file": "app/good.py", "line": 3, "parameter": "a", "message": "the parameter has no type", "hint": "write a: str, or the type that it has",
    }  # fmt: skip
    assert done.stderr.decode().startswith("app/good.py:3: the parameter has no type (a)\n  hint: ")


@pytest.mark.parametrize(
    "text",
    [
        "Does it.\n\nArgs:\n    a (int): First,\n        and more\n    b: Second: with a colon\n\nReturns:\n    What came of it\n\nRaises:\n    ValueError: never\n",
        "Does it.\n\nParameters\n----------\na : int\n    First,\n    and more\nb : str, optional\n    Second: with a colon\n\nReturns\n-------\nstr\n    What came of it\n",
        "Does it.\n\n:param int a: First,\n    and more\n:param b: Second: with a colon\n:type b: str\n:returns: What came of it\n:raises ValueError: never\n",
    ],
    ids=["google", "numpy", "sphinx"],
)
def test_docstrings_of_three_styles(text: str) -> None:
    found = read_docstring("\n    ".join(text.split("\n")))
    assert (found.text, found.parameters, found.returns) == ("Does it.", {"a": "First, and more", "b": "Second: with a colon"}, "What came of it")


def test_prose_that_looks_like_a_section_stays() -> None:
    found = read_docstring("Does it.\n\nNote: this stays.\nReturns: this too.\n\nArgs: all of them.")
    assert (found.text, found.parameters) == ("Does it.\n\nNote: this stays.\nReturns: this too.\n\nArgs: all of them.", {})
    assert read_docstring(None).text == ""


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"type": ["string", "null"]}, [None, "a"], [1]),
        ({"type": "integer"}, [1, 1.0], [1.5, True]),
        ({"const": 1}, [1, 1.0], [True, 2]),
        ({"oneOf": [{"type": "integer"}, {"minimum": 3}]}, [1], [4, "x" if False else 3]),
        ({"allOf": [{"minimum": 1}, {"maximum": 2}]}, [1], [3]),
        ({"not": {"type": "string"}}, [1], ["a"]),
        ({"properties": {"a": {"type": "string"}}, "additionalProperties": {"type": "integer"}}, [{"a": "x", "b": 1}], [{"a": "x", "b": "y"}]),
        ({"prefixItems": [{"type": "string"}], "items": False}, [["a"]], [["a", 1], [1]]),
        ({"uniqueItems": True}, [[1, "1", True]], [[1, 1.0], [{"a": [1]}, {"a": [1]}]]),
        ({"multipleOf": 2, "exclusiveMinimum": 0}, [2], [3, 0]),
        ({"minLength": 1, "maxLength": 2, "pattern": "^a"}, ["a"], ["", "abc", "b"]),
        ({"minProperties": 1, "maxProperties": 1}, [{"a": 1}], [{}, {"a": 1, "b": 2}]),
        ({"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"enum": ["x"]}}}, ["x"], ["y"]),
        ({"x-anything": 1, "additionalProperties": False}, [{}], [{"a": 1}]),
    ],
)
def test_the_checker_of_tests(schema: dict[str, Any], good: list[Any], bad: list[Any]) -> None:
    assert [check(value, schema) for value in good] == [[] for _ in good]
    assert all(check(value, schema) for value in bad)


def test_the_checker_refuses_what_it_cannot_check() -> None:
    with pytest.raises(TypeError, match="dependentRequired"):
        check({}, {"dependentRequired": {}})


def test_a_model_that_holds_itself_as_pydantic_describes_it() -> None:
    """The real one gives a reference where others give the schema."""

    class Model:
        @classmethod
        def model_validate(cls, value: Any) -> Any:
            return value

        @classmethod
        def model_json_schema(cls) -> dict[str, Any]:
            own = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Model"}, "kind": {"$ref": "#/$defs/Kind"}}}
            return {"$defs": {"Model": own, "Kind": {"enum": ["a"]}}, "$ref": "#/$defs/Model"}

    def take(value) -> None:
        """Takes."""

    take.__annotations__["value"] = Model
    tool(take)
    definitions = defined(take)["parameters"]["$defs"]
    assert set(definitions) == {"Model", "Kind"}
    assert definitions["Model"]["properties"]["kind"] == {"$ref": "#/$defs/Kind"}
