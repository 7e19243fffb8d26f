"""The reference pages of manifests and policies: every key of their schemas, what may stand there, and what it means.

Types, bounds and choices come from ``spec/schema``; the sentences from ``tools/reference_words``. A key without a sentence, or a sentence without a key, ends it.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from typing import NamedTuple

from mpp.stages.policy import PRESETS
from tools.tidy import ROOT

Schema = dict[str, object]

WORDS = ROOT / "tools" / "reference_words"
SCHEMAS = ROOT / "spec" / "schema"
EXAMPLE = ROOT / "examples" / "tools" / "crm-lookup" / "manifest.json"
PLAIN = {"string": "text", "integer": "whole number", "boolean": "true or false", "null": "null", "object": "object"}
ELSEWHERE = "https://json-schema.org/"
SPELLED_OUT = 4


class Key(NamedTuple):
    """One key of a document: its place, what may stand there, and whether it must."""

    place: str
    kind: str
    required: bool


class Missing(Exception):
    """A key that nobody described, or a description of no key."""


def keys(name: str) -> list[Key]:
    """All keys of a schema, in its order."""
    schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))
    return list(_inside(schema, schema["$defs"], ""))


def _inside(schema: Schema, shared: Schema, place: str) -> Iterator[Key]:
    """The keys below one place. Alternatives are taken together: each key once."""
    found: dict[str, tuple[Schema, bool]] = {}
    shapes = [one for one in _alternatives(_whole(schema, shared), shared) if _object(one.get("properties"))]
    for one in shapes:
        for key, inner in _object(one["properties"]).items():
            now = _whole(_object(inner), shared)
            found[key] = (_either(found[key][0], now) if key in found else now, all(key in _list(shape.get("required")) for shape in shapes))
    for key, (inner, required) in found.items():
        here = f"{place}.{key}" if place else key
        yield Key(here, kind(inner, shared), required)
        items = inner.get("items")
        deeper = _whole(_object(items), shared) if items else inner
        yield from () if _is_elsewhere(deeper) else _inside(deeper, shared, f"{here}[]" if items else here)


def _alternatives(schema: Schema, shared: Schema) -> Iterator[Schema]:
    yield schema
    for one in (*_list(schema.get("anyOf")), *_list(schema.get("oneOf"))):
        yield _whole(_object(one), shared)


def _either(one: Schema, other: Schema) -> Schema:
    """What may stand there if it may be either: all choices together."""
    known = [part for part in (*_list(one.get("anyOf")),) if "of" in one] or [one]
    return one if other in known else {"anyOf": [*known, other], "of": True}


def _whole(schema: Schema, shared: Schema) -> Schema:
    reference = str(schema.get("$ref", ""))
    if reference.startswith("#/$defs/"):
        return {**_whole(_object(shared[reference.removeprefix("#/$defs/")]), shared), **{key: part for key, part in schema.items() if key != "$ref"}}
    return schema


def kind(schema: Schema, shared: Schema) -> str:
    """What may stand there, in words."""
    schema = _whole(schema, shared)
    if _is_elsewhere(schema):
        return "JSON Schema"
    if "enum" in schema or "const" in schema:
        choices = _list(schema.get("enum")) or [schema["const"]]
        return ("one of " if len(choices) > 2 else "") + (", " if len(choices) > 2 else " or ").join(
            f"`{json.dumps(one) if not isinstance(one, str) else one}`" for one in choices
        )
    if "anyOf" in schema and "type" not in schema:
        kinds = list(dict.fromkeys(kind(_object(one), shared) for one in _list(schema["anyOf"])))
        # Many alternatives with the bounds of each are read by nobody: their types are enough.
        return " or ".join(dict.fromkeys(one.partition(",")[0].partition(":")[0] for one in kinds) if len(kinds) > SPELLED_OUT else kinds)
    if schema.get("type") == "array":
        return _of_list(schema, shared)
    plain = PLAIN[str(schema["type"])]
    return (
        plain + _bounds(schema, "minLength", "maxLength", " characters") + _bounds(schema, "minimum", "maximum", "") + _count(schema, "maxProperties", "keys")
    )


def _of_list(schema: Schema, shared: Schema) -> str:
    items = kind(_object(schema.get("items")), shared) if schema.get("items") else "anything"
    least = f"{schema['minItems']} to " if schema.get("minItems") else "at most "
    most = f"; {least}{schema['maxItems']:,} of them" if "maxItems" in schema else ""
    return f"list: {items}{most}{', each once' if schema.get('uniqueItems') else ''}"


def _bounds(schema: Schema, least: str, most: str, unit: str) -> str:
    low, high = schema.get(least), schema.get(most)
    if not isinstance(high, int):
        return ""
    if isinstance(low, int) and (low > 1 or not unit):
        return f", {low:,} to {high:,}{unit}"
    return f", at most {high:,}{unit}"


def _count(schema: Schema, most: str, unit: str) -> str:
    high = schema.get(most)
    return f", at most {high:,} {unit}" if isinstance(high, int) else ""


def _is_elsewhere(schema: Schema) -> bool:
    return str(schema.get("$ref", "")).startswith(ELSEWHERE)


def _object(found: object) -> Schema:
    return found if isinstance(found, dict) else {}


def _list(found: object) -> list[object]:
    return found if isinstance(found, list) else []


class Part(NamedTuple):
    """A part of a page: its heading, its text, and a sentence for each of its keys."""

    title: str
    text: str
    words: dict[str, str]


def parts(name: str) -> list[Part]:
    table = tomllib.loads((WORDS / f"{name}.toml").read_text(encoding="utf-8"))
    return [Part(one["title"], one.get("text", "").strip(), one["keys"]) for one in table["part"]]


def tables(name: str, made_of: list[Part], known: list[Key]) -> str:
    by_place = {key.place: key for key in known}
    told = [place for part in made_of for place in part.words]
    lost, vain = [place for place in by_place if place not in told], [place for place in told if place not in by_place]
    if lost or vain:
        raise Missing(f"tools/reference_words/{name}.toml: says nothing of {lost}, and speaks of {vain}, which is no key")
    out = []
    for part in made_of:
        rows = (_row(by_place[place], words) for place, words in part.words.items())
        out.append(f"## {part.title}\n\n{part.text}{2 * chr(10) if part.text else ''}| key | value | meaning |\n|---|---|---|\n" + "\n".join(rows) + "\n")
    return "\n".join(out)


def _row(key: Key, words: str) -> str:
    must = "**required** " if key.required else ""
    return f"| `{key.place}` | {key.kind.replace('|', chr(92) + '|')} | {must}{words.replace('|', chr(92) + '|')} |"


def manifest_page(made: str) -> str:
    example = json.dumps(json.loads(EXAMPLE.read_text(encoding="utf-8")), indent=2, ensure_ascii=False)
    head = (
        "# Manifest\n\n"
        + made
        + "Every key of `manifest.json`. A key that is not here is refused, and so is one that stands twice. `mpp init` writes a manifest, `mpp build` completes and checks it, "
        "and an editor checks it by [the schema](../../spec/schema/manifest.schema.json). Exact rules, with their reasons: [the specification](../../spec/manifest.md).\n\n"
        "*Required* means: where the object that holds the key is there. `[]` is each item of a list.\n"
    )
    return f"{head}\n{tables('manifest', parts('manifest'), keys('manifest'))}\n## A whole one\n\nThat of [an example](../../examples/tools/README.md) in C: one host, one variable, one tool:\n\n```json\n{example}\n```\n"


def policy_page(made: str) -> str:
    shown = "\n".join(f"### {name}\n\n```toml\n{text.strip()}\n```\n" for name, text in PRESETS.items())
    head = (
        "# Policy\n\n"
        + made
        + "Every key of a policy, which is TOML or JSON. A key that is not here is refused: a condition that nobody reads would be worse than none. `mpp policy check FILE` lists all faults at once, "
        "[the schema](../../spec/schema/policy.schema.json) is for editors. How to write one: [write a policy](../how-to/write-a-policy.md). Exact rules: [the specification](../../spec/3-policy.md).\n\n"
        "*Required* means: where the table that holds the key is there. `[]` is each item of a list.\n"
    )
    return f"{head}\n{tables('policy', parts('policy'), keys('policy'))}\n## The presets\n\nWith no policy at all, `developer` holds.\n\n{shown}"
