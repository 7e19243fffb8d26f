"""The JSON Schemas of a tool: 2020-12, bounded, closed in itself, with every keyword known.

Spec: spec/manifest.md section 6. What passes here is a valid 2020-12 schema that any validator compiles
without fetching anything; what the schema means is the business of the host's validator.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from mpp.limits import FAULTS_MAX, JSON_INT_MAX
from mpp.model.fields import Faults, near
from mpp.model.jsontext import Json, shown
from mpp.model.limits import SCHEMA_COST_MAX, SCHEMA_DEPTH_MAX, SCHEMA_KEY_MAX, SCHEMA_LIST_MAX, SCHEMA_NODES_MAX
from mpp.model.regexcheck import regex_fault

_TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")
_SHAPES: dict[str, str] = {
    **dict.fromkeys(("title", "description", "$comment", "format", "contentEncoding", "contentMediaType"), "text"),
    **dict.fromkeys(("default", "const"), "any"),
    **dict.fromkeys(("deprecated", "readOnly", "writeOnly", "uniqueItems"), "flag"),
    **dict.fromkeys(("maxLength", "minLength", "maxItems", "minItems", "maxProperties", "minProperties", "maxContains", "minContains"), "count"),
    **dict.fromkeys(("maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum"), "number"),
    **dict.fromkeys(("items", "additionalProperties", "contains", "propertyNames", "unevaluatedItems", "unevaluatedProperties", "contentSchema"), "schema"),
    **dict.fromkeys(("not", "if", "then", "else"), "schema in place"),
    **dict.fromkeys(("allOf", "anyOf", "oneOf"), "schemas in place"),
    **dict.fromkeys(("properties", "$defs", "definitions"), "named schemas"),
    **dict.fromkeys(("examples", "enumNames"), "list"),
    "enum": "enum",
    "type": "type",
    "required": "names",
    "dependentRequired": "named names",
    "dependentSchemas": "named schemas in place",
    "patternProperties": "pattern schemas",
    "prefixItems": "schemas",
    "multipleOf": "positive",
    "pattern": "pattern",
    "$ref": "reference",
}
_INSTEAD: dict[str, str] = {
    "$schema": "write it only at the top of the schema",
    "$id": "leave it out: references point into the same schema",
    "$anchor": "name the schema under $defs and write $ref: #/$defs/NAME",
    "$dynamicRef": "use $ref",
    "$dynamicAnchor": "use $ref",
    "id": "leave it out: references point into the same schema",
    "dependencies": "use dependentRequired or dependentSchemas",
    "additionalItems": "use items, with prefixItems for the first ones",
    "nullable": 'use "type": ["string", "null"]',
    "example": "use examples, a list",
}
_DIALECTS = ("https://json-schema.org/draft/2020-12/schema", "http://json-schema.org/draft-07/schema")
_REFERENCE = re.compile(r"#(?:/(?:[A-Za-z0-9_.$-]|~[01])*)*")


def read_schema(found: Json, where: str, faults: Faults, *, needs_object: bool) -> bytes:
    """The schema as compact JSON with sorted keys and without its ``$schema``; each fault is noted."""
    schema = _without_dialect(found, where, faults)
    if needs_object and (not isinstance(schema, dict) or schema.get("type") != "object"):
        faults.add("schema", f"{where}/type", "parameters must be a schema of type object", 'write "type": "object"')
    room = FAULTS_MAX - len(faults.found)
    walk = _Walk(where, Faults("manifest"), room)
    walk.schema(schema, "#", 0)
    walk.follow_references()
    faults.found.extend(walk.faults.found[:room])
    return json.dumps(schema, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def _without_dialect(found: Json, where: str, faults: Faults) -> Json:
    """Schemas made for draft-07 are read as 2020-12: the keywords that differ are refused by the table."""
    if not isinstance(found, dict) or "$schema" not in found:
        return found
    dialect = found["$schema"]
    if not isinstance(dialect, str) or dialect.removesuffix("#") not in _DIALECTS:
        faults.add("schema", f"{where}/$schema", "is not a known JSON Schema dialect", f"write {_DIALECTS[0]}, or leave it out")
    return {key: item for key, item in found.items() if key != "$schema"}


class _Walk:
    """One walk over one schema; ``in_place`` are the steps that look at the same value again."""

    def __init__(self, where: str, faults: Faults, room: int) -> None:
        self.where, self.faults, self.room = where, faults, room
        self.in_place: dict[str, list[str]] = {}
        self.references: dict[str, str] = {}
        self.is_whole = True
        """False once a part could not be read as schemas: what a reference names may stand there."""

    def fault(self, at: str, message: str, hint: str) -> None:
        self.faults.add("schema", self.where + shown(at[1:], 400), message, hint)

    def broken(self, at: str, message: str, hint: str) -> None:
        self.is_whole = False
        self.fault(at, message, hint)

    def schema(self, found: Json, at: str, depth: int) -> None:
        if depth > SCHEMA_DEPTH_MAX or len(self.in_place) >= SCHEMA_NODES_MAX:
            self.broken(at, f"more than {SCHEMA_NODES_MAX} schemas, or deeper than {SCHEMA_DEPTH_MAX}", "make the schema smaller")
            return
        self.in_place[at] = []
        if isinstance(found, bool):
            return
        if not isinstance(found, dict):
            self.fault(at, "must be a schema: an object, true or false", "write { ... }")
            return
        for keyword, item in found.items():
            self.keyword(keyword, item, at, depth)

    def unknown(self, keyword: str, at: str) -> None:
        # Attack: a guess for each of a hundred thousand keywords would take seconds and be thrown away.
        if not keyword.startswith("x-") and (len(self.faults.found) < self.room or not self.faults.found):
            hint = _INSTEAD.get(keyword) or near(keyword, _SHAPES) or "remove it, or begin its name with x-"
            self.faults.add("schema_keyword", f"{self.where}{shown(at[1:], 400)}/{shown(keyword)}", f"the schema keyword {shown(keyword)!r} is not known", hint)

    def keyword(self, keyword: str, item: Json, at: str, depth: int) -> None:
        shape = _SHAPES.get(keyword)
        if shape is None:
            self.unknown(keyword, at)
            return
        here = f"{at}/{keyword}"
        if shape == "reference":
            self.reference(item, at, here)
        elif "schema" in shape:
            self.subschemas(shape, item, at, here, depth)
        else:
            wanted = _value_fault(shape, item)
            if wanted:
                self.fault(here, wanted, "mend the value of this keyword")

    def subschemas(self, shape: str, item: Json, at: str, here: str, depth: int) -> None:
        if shape.startswith("schemas"):
            inner = self.listed(item, here)
        elif shape.startswith("schema"):
            inner = self.single(item, here)
        else:
            inner = self.named(item, here, are_patterns=shape.startswith("pattern"))
        for place, one in inner:
            self.schema(one, place, depth + 1)
        if shape.endswith("in place"):
            self.in_place[at] += [place for place, _ in inner if place in self.in_place]

    def single(self, item: Json, here: str) -> list[tuple[str, Json]]:
        if isinstance(item, list):
            self.broken(here, "must be one schema", "use prefixItems for a list of schemas")
            return []
        return [(here, item)]

    def listed(self, item: Json, here: str) -> list[tuple[str, Json]]:
        if isinstance(item, list) and item:
            return [(f"{here}/{i}", one) for i, one in enumerate(item)]
        self.broken(here, "must be a list of one schema or more", "write [ { ... } ]")
        return []

    def named(self, item: Json, here: str, *, are_patterns: bool) -> list[tuple[str, Json]]:
        # Attack: a name of many kilobytes above many schemas would stand in the place of each of them.
        if not isinstance(item, dict) or any(len(name) > SCHEMA_KEY_MAX for name in item):
            self.broken(here, f"must be an object of schemas with names of at most {SCHEMA_KEY_MAX} characters", "write { name: { ... } }")
            return []
        if are_patterns:
            self.patterns(item, here)
        return [(f"{here}/{_escaped(name)}", one) for name, one in item.items()]

    def patterns(self, item: dict[str, Json], here: str) -> None:
        for pattern in item:
            wrong = regex_fault(pattern)
            if wrong:
                self.fault(f"{here}/{_escaped(pattern)}", f"the regular expression {wrong}", "stay within the portable subset")

    def reference(self, item: Json, at: str, here: str) -> None:
        if not isinstance(item, str) or _REFERENCE.fullmatch(item) is None:
            # Attack: a reference to an address makes a validator fetch it.
            message = "must be '#' or '#/...' into this schema, of letters, digits and ._$-~"
            self.faults.add("schema_ref", self.where + shown(here[1:], 400), message, "copy the other schema under $defs")
        else:
            self.references[at] = item

    def follow_references(self) -> None:
        """Each reference names a schema, no reference leads back to its own value, and the work stays bounded."""
        for at, target in self.references.items():
            if target in self.in_place:
                self.in_place[at].append(target)
            elif self.is_whole:
                place = self.where + shown(at[1:], 400) + "/$ref"
                self.faults.add("schema_ref", place, f"{shown(target)} is no schema here", "name a schema that stands under $defs")
        costs: dict[str, int] = {}
        for at in self.in_place:
            if _cost(at, self.in_place, costs) > SCHEMA_COST_MAX:
                # Attacks: a reference to itself never ends; references that double at each step take years.
                place = self.where + shown(at[1:], 400)
                self.faults.add("schema_ref", place, "its references lead back to itself or multiply without bound", "follow the references and break the loop")
                # All that leads to this schema is over the limit with it.
                return


def _cost(at: str, in_place: dict[str, list[str]], known: dict[str, int]) -> int:
    """How many schemas judge one value that meets the schema at ``at``; one above the limit for a loop. Depth first, without recursion."""
    over = SCHEMA_COST_MAX + 1
    stack = [at]
    while stack:
        top = stack[-1]
        if known.get(top, 0) > 0:
            stack.pop()
        elif top not in known:
            known[top] = 0  # under way: whoever meets it again has found a loop
            stack += [one for one in in_place[top] if one not in known]
            if any(known.get(one) == 0 for one in in_place[top]):
                known[top] = over
        else:
            known[top] = min(over, 1 + sum(known[one] for one in in_place[top]))
    return known[at]


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _is_number(item: Json) -> bool:
    return isinstance(item, (int, float)) and not isinstance(item, bool) and abs(item) <= 2.0**64


def _is_count(item: Json) -> bool:
    return isinstance(item, int) and not isinstance(item, bool) and 0 <= item <= JSON_INT_MAX


def _is_names(item: Json) -> bool:
    return isinstance(item, list) and all(isinstance(one, str) for one in item) and len(item) == len({str(one) for one in item}) <= SCHEMA_LIST_MAX


def _is_enum(item: Json) -> bool:
    return isinstance(item, list) and 0 < len(item) <= SCHEMA_LIST_MAX


def _is_type(item: Json) -> bool:
    if isinstance(item, list):
        return len(item) > 0 and _is_names(item) and all(one in _TYPES for one in item)
    return item in _TYPES


def _is_named_names(item: Json) -> bool:
    return isinstance(item, dict) and all(_is_names(one) for one in item.values())


_VALUES: dict[str, tuple[Callable[[Json], bool], str]] = {
    "text": (lambda item: isinstance(item, str), "must be a string"),
    "any": (lambda item: True, ""),  # noqa: ARG005 - any value will do
    "flag": (lambda item: isinstance(item, bool), "must be true or false"),
    "count": (_is_count, "must be an integer from 0"),
    "number": (_is_number, "must be a number of at most 2^64"),
    "positive": (lambda item: _is_number(item) and isinstance(item, (int, float)) and item > 0, "must be a number above 0"),
    "list": (lambda item: isinstance(item, list) and len(item) <= SCHEMA_LIST_MAX, f"must be a list of at most {SCHEMA_LIST_MAX} values"),
    "enum": (_is_enum, f"must be a list of 1 to {SCHEMA_LIST_MAX} values"),
    "type": (_is_type, f"must be one of {', '.join(_TYPES)}, or a list of them"),
    "names": (_is_names, "must be a list of different strings"),
    "named names": (_is_named_names, "must be an object of lists of different strings"),
}


def _value_fault(shape: str, item: Json) -> str:
    if shape == "pattern":
        wrong = regex_fault(item) if isinstance(item, str) else "must be a string"
        return f"the regular expression {wrong}" if wrong else ""
    judge, words = _VALUES[shape]
    return "" if judge(item) else words
