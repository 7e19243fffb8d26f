"""Where a value leaves its schema, in words: found by trying parts of the schema alone, within a budget.

A refusal stands before this begins; what is found here only helps to mend the value.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Protocol

from mpp.limits import TEXT_SHOWN_MAX
from mpp.model.fields import PLACE_MAX, near
from mpp.model.jsontext import Json, shown
from mpp.model.value import value
from mpp.stages.sandbox.contract.limits import FINDINGS_MAX
from mpp.stages.sandbox.contract.vocabulary import escaped

_BESIDE: dict[str, tuple[str, ...]] = {
    "additionalProperties": ("properties", "patternProperties"),
    "items": ("prefixItems",),
    "contains": ("minContains", "maxContains"),
    "if": ("then", "else"),
}
"""Keywords that mean something only together."""

_CLAIMING = frozenset(("properties", "patternProperties", "prefixItems"))
"""Beside another keyword these only say which values are theirs."""

_SKIPPED = frozenset(("$defs", "definitions", "contentSchema", "then", "else", "minContains", "maxContains"))
_UNEVALUATED = frozenset(("unevaluatedItems", "unevaluatedProperties"))

_WORDS: dict[str, str] = {
    "type": "must be of type {}",
    "enum": "must be one of {}",
    "const": "must be {}",
    "multipleOf": "must be a multiple of {}",
    "maximum": "must be at most {}",
    "exclusiveMaximum": "must be below {}",
    "minimum": "must be at least {}",
    "exclusiveMinimum": "must be above {}",
    "maxLength": "must have at most {} characters",
    "minLength": "must have at least {} characters",
    "maxItems": "must have at most {} items",
    "minItems": "must have at least {} items",
    "maxProperties": "must have at most {} keys",
    "minProperties": "must have at least {} keys",
    "uniqueItems": "must not hold the same item twice",
    "pattern": "does not match the pattern of the schema",
    "anyOf": "fits none of the alternatives of the schema",
    "oneOf": "must fit exactly one of the alternatives of the schema",
    "not": "is what the schema excludes",
    "contains": "has too few or too many items of the kind that the schema counts",
    "propertyNames": "has a key that the schema does not allow",
    "dependentRequired": "lacks a key that another key needs",
}


WHOLE = "#/$defs/whole"
"""Where the whole schema stands in every document for the validator."""


@value
class Finding:
    where: str
    """A JSON pointer into the value, made safe to show."""
    message: str
    hint: str


class Tried(Protocol):
    def is_valid(self, instance: Json, /) -> bool: ...


def within(whole: Json, part: Json) -> Json:
    """``part`` as a document of its own, in which the references of ``whole`` still lead to it."""
    if not isinstance(part, dict):
        return part
    return {**{key: item for key, item in part.items() if key != "$defs"}, "$defs": {"whole": whole}}


class _SpentError(Exception):
    """The budget of tries is used up."""


class Explanation:
    """One search for faults; ``tries`` bounds it."""

    def __init__(self, schema: Json, validator_of: Callable[[Json], Tried], tries: int) -> None:
        self._root = schema
        self._validator_of = validator_of
        self._tries = tries
        self._found: list[Finding] = []
        self._noted = 0
        """How often something was found, also what was found before."""

    def of(self, found: Json) -> tuple[Finding, ...]:
        """At least one finding, for a value that the schema refuses."""
        with suppress(_SpentError):
            self._explain(self._root, found, "")
        if not self._found:
            self._add("", "does not follow the schema of the tool", "read the tool's schema")
        return tuple(self._found)

    def _add(self, where: str, message: str, hint: str) -> None:
        self._noted += 1
        finding = Finding(where=shown(where, PLACE_MAX), message=message, hint=hint)
        if finding not in self._found:
            self._found.append(finding)
        if len(self._found) >= FINDINGS_MAX:
            raise _SpentError

    def _holds(self, part: Json, found: Json) -> bool:
        if self._tries <= 0:
            raise _SpentError
        self._tries -= 1
        if not isinstance(part, dict):
            return part is not False
        return self._validator_of(within(self._root, part)).is_valid(found)

    def _explain(self, schema: Json, found: Json, where: str) -> None:
        """Find out why ``found`` does not follow ``schema``; something is always noted."""
        before = self._noted
        if isinstance(schema, dict):
            for keyword, item in schema.items():
                if keyword not in _SKIPPED and keyword not in _UNEVALUATED:
                    self._keyword(schema, keyword, item, found, where)
            if self._noted == before and schema.keys() & _UNEVALUATED:
                self._add(where, "holds a key or an item that the schema does not know", "remove it")
        if self._noted == before:
            self._add(where, "is not allowed here" if schema is False else "does not follow the schema of the tool", "read the tool's schema")

    def _keyword(self, schema: dict[str, Json], keyword: str, item: Json, found: Json, where: str) -> None:
        beside = {key: _accepting(schema[key]) if key in _CLAIMING else schema[key] for key in _BESIDE.get(keyword, ()) if key in schema}
        if self._holds({keyword: item, **beside}, found):
            return
        before = self._noted
        if keyword == "required" and isinstance(item, list) and isinstance(found, dict):
            for name in item:
                if name not in found:
                    self._add(where, f"the key {shown(str(name))!r} is missing", f"add {shown(str(name))!r}")
        elif keyword == "additionalProperties" and item is False:
            self._unknown_keys(schema, found, where)
        else:
            for inner, one, place in self._inside(schema, keyword, item, found, where):
                if not self._holds(inner, one):
                    self._explain(inner, one, place)
        if self._noted == before:
            self._add(where, _words(keyword, item), "change the value")

    def _unknown_keys(self, schema: dict[str, Json], found: Json, where: str) -> None:
        known = _object(schema.get("properties"))
        part: Json = {**{key: _accepting(schema[key]) for key in ("properties", "patternProperties") if key in schema}, "additionalProperties": False}
        for key in _object(found):
            if key not in known and not self._holds(part, {key: None}):
                self._add(f"{where}/{escaped(key)}", f"the key {shown(key)!r} is not known", near(key, known) or _known(known))

    def _inside(self, schema: dict[str, Json], keyword: str, item: Json, found: Json, where: str) -> Iterator[tuple[Json, Json, str]]:
        """The schemas under ``keyword`` that must hold, each with what it judges."""
        if keyword == "$ref":
            yield self._target(str(item)), found, where
        elif keyword == "allOf" and isinstance(item, list):
            yield from ((one, found, where) for one in item)
        elif isinstance(found, dict):
            for name, inner in found.items():
                for one in self._of_key(schema, keyword, item, name):
                    yield one, inner, f"{where}/{escaped(name)}"
        elif isinstance(found, list):
            for i, inner in enumerate(found):
                for one in _of_item(schema, keyword, item, i):
                    yield one, inner, f"{where}/{i}"

    def _of_key(self, schema: dict[str, Json], keyword: str, item: Json, name: str) -> Iterator[Json]:
        """The schemas under ``keyword`` for the value of the key ``name``."""
        if keyword == "properties" and name in _object(item):
            yield _object(item)[name]
        elif keyword == "additionalProperties" and name not in _object(schema.get("properties")) and "patternProperties" not in schema:
            yield item
        elif keyword == "patternProperties":
            yield from (one for pattern, one in _object(item).items() if self._holds({"pattern": pattern}, name))

    def _target(self, reference: str) -> Json:
        at: Json = self._root
        for step in reference.removeprefix(WHOLE).split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            # A verified schema has no reference to nothing; what leads into a keyword that was left out judges nothing.
            at = at[int(name)] if isinstance(at, list) else _object(at).get(name, True)
        return at


def _object(item: Json) -> dict[str, Json]:
    return item if isinstance(item, dict) else {}


def _of_item(schema: dict[str, Json], keyword: str, item: Json, place: int) -> Iterator[Json]:
    first = schema.get("prefixItems")
    if keyword == "prefixItems" and isinstance(item, list) and place < len(item):
        yield item[place]
    elif keyword == "items" and place >= (len(first) if isinstance(first, list) else 0):
        yield item


def _accepting(item: Json) -> Json:
    """The same keys or places, with schemas that accept everything."""
    return dict.fromkeys(item, True) if isinstance(item, dict) else [True] * len(item) if isinstance(item, list) else item


def _known(keys: dict[str, Json]) -> str:
    listed = shown(", ".join(sorted(keys)[:20]), 2 * TEXT_SHOWN_MAX)
    return f"known keys here: {listed}" if listed else "remove it"


def _words(keyword: str, item: Json) -> str:
    words = _WORDS.get(keyword, "does not follow the schema of the tool")
    if "{}" not in words:
        return words
    options = item if isinstance(item, list) else [item]
    text = ", ".join(str(one) if keyword == "type" else json.dumps(one) for one in options[:20])
    return words.format(shown(text, 2 * TEXT_SHOWN_MAX))
