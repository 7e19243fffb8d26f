"""The tools of a package: what each takes, as a form whose fields come from its schema. Nothing that is filled in is sent anywhere."""

from __future__ import annotations

import json
import shlex
from functools import lru_cache

from mpp.model.jsontext import Json
from mpp.model.manifest import ToolDefinition
from mpp.model.value import value
from mpp_registry.web.documents import item, json_in, manifest_in, pretty, rows_of, words
from mpp_registry.web.limits import FIELDS_SHOWN_MAX, SCHEMA_CHARS_MAX, TOOLS_KEPT
from mpp.pages.texts import clip

ABOUT_CHARS_MAX = 500
"""Characters of the description of a field. Reason: a form stays a form; the schema has all of it."""

CHOICES_MAX = 40
"""Choices of a field that are listed. Reason: as above."""

_BOUNDS = (
    ("minimum", "at least {}"), ("exclusiveMinimum", "more than {}"), ("maximum", "at most {}"), ("exclusiveMaximum", "less than {}"),
    ("minLength", "at least {} characters"), ("maxLength", "at most {} characters"), ("minItems", "at least {} items"), ("maxItems", "at most {} items"),
    ("multipleOf", "a multiple of {}"),
)  # fmt: skip


@value
class Field:
    id: str
    """Unique on the page."""
    name: str
    kind: str
    control: str
    """text, area, number, check or choice."""
    is_required: bool
    about: str
    rule: str
    choices: tuple[str, ...]
    example: str


@value
class ToolView:
    name: str
    title: str
    about: str
    level: str
    fields: tuple[Field, ...]
    more_fields: int
    schema: str
    returns: str
    command: str
    """A call with made-up values, which a person can change."""


@lru_cache(TOOLS_KEPT)
def tool_views(data: bytes) -> tuple[ToolView, ...]:
    """The tools of a manifest; none where it does not read."""
    found = manifest_in(data)
    if found is None:
        return ()
    return tuple(tool_view(tool, place, found.package_id, found.version) for place, tool in enumerate(found.tool_definitions))


def tool_view(tool: ToolDefinition, place: int, package_id: str, version: str) -> ToolView:
    schema = json_in(tool.parameters)
    listed = item(schema, "properties")
    properties = listed if isinstance(listed, dict) else {}
    needed = {one for one in rows_of(schema, "required") if isinstance(one, str)}
    fields = [_field(name, found, f"t{place}-{number}", is_required=name in needed) for number, (name, found) in enumerate(properties.items())]
    # What must be filled in comes first.
    fields.sort(key=lambda one: not one.is_required)
    return ToolView(
        name=tool.name,
        title=tool.title,
        about=tool.description,
        level=tool.security_level,
        fields=tuple(fields[:FIELDS_SHOWN_MAX]),
        more_fields=max(0, len(fields) - FIELDS_SHOWN_MAX),
        schema=pretty(tool.parameters, SCHEMA_CHARS_MAX),
        returns=pretty(tool.returns, SCHEMA_CHARS_MAX) if tool.returns is not None else "",
        command=command_of(tool.name, fields, package_id, version),
    )


def command_of(tool: str, fields: list[Field], package_id: str, version: str) -> str:
    """Attack: a name of a field that ends the quotation in a shell into which the line is pasted."""
    values = {field.name: json_in(field.example.encode()) for field in fields if field.is_required}
    arguments = json.dumps(values, ensure_ascii=True)
    return f"mpp run {shlex.quote(f'{package_id}-{version}.mpp')} --tool {shlex.quote(tool)} --args {shlex.quote(arguments)}"


def _field(name: str, found: Json, field_id: str, *, is_required: bool) -> Field:
    kind = _kind(found)
    choices = tuple(_shown(one) for one in rows_of(found, "enum")[:CHOICES_MAX])
    return Field(
        id=field_id,
        name=name,
        kind=kind,
        control="choice" if choices else _control(kind),
        is_required=is_required,
        about=clip(words(found, "description") or words(found, "title"), ABOUT_CHARS_MAX),
        rule=_rule(found),
        choices=choices,
        example=_example(found, kind),
    )


def _kind(found: Json) -> str:
    kind = item(found, "type")
    if isinstance(kind, list):
        return " or ".join(one for one in kind if isinstance(one, str)) or "anything"
    return kind if isinstance(kind, str) else "anything"


def _control(kind: str) -> str:
    return {"integer": "number", "number": "number", "boolean": "check", "array": "area", "object": "area", "anything": "area"}.get(kind, "text")


def _rule(found: Json) -> str:
    said = [_bound(form, item(found, key)) for key, form in _BOUNDS if isinstance(item(found, key), int | float)]
    if words(found, "pattern"):
        said.append(f"of the form {clip(words(found, 'pattern'), 80)}")
    if words(found, "format"):
        said.append(clip(words(found, "format"), 40))
    if isinstance(found, dict) and "default" in found:
        said.append(f"otherwise {clip(_shown(found['default']), 60)}")
    return ", ".join(said)


def _bound(form: str, found: Json) -> str:
    return form.format(_shown(found)).removesuffix("s") if found == 1 else form.format(_shown(found))


def _shown(found: Json) -> str:
    return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)


def _example(found: Json, kind: str) -> str:
    """As JSON."""
    for given in (rows_of(found, "examples"), rows_of(found, "enum")):
        if given:
            return json.dumps(given[0])
    least = item(found, "minimum")
    return {
        "integer": str(least if isinstance(least, int) else 1), "number": "1", "boolean": "true", "array": "[]", "object": "{}", "anything": "null", "null": "null",
    }.get(kind, '"text"')  # fmt: skip
