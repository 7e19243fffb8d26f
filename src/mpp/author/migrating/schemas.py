"""Makes the schema of a server's tool into one that a manifest may have: known conversions first, then whatever the reader still refuses is taken out. Each change is told."""

from __future__ import annotations

import re

from mpp.author.migrating.limits import ROUNDS_MAX
from mpp.errors import Fault
from mpp.model.fields import Faults
from mpp.model.jsontext import Json, shown
from mpp.model.limits import SCHEMA_DEPTH_MAX
from mpp.model.toolschema import read_schema
from mpp.model.value import value

EMPTY: dict[str, Json] = {"type": "object"}
_LATEST = "2020-12"
_INDEX = re.compile(r"[0-9]{1,6}")


@value
class Mended:
    schema: Json
    changes: tuple[str, ...]


def acceptable(found: Json, *, needs_object: bool) -> Mended:
    """The schema, and what had to be changed. What it then allows may be more than before, never something else that is described."""
    changes: list[str] = []
    schema = _converted(found, "", changes, 0)
    if isinstance(schema, dict):
        schema.pop("$schema", None)
    if needs_object and (not isinstance(schema, dict) or schema.get("type") != "object"):
        changes.append("the top is an object now, as arguments are")
        schema = {**schema, "type": "object"} if isinstance(schema, dict) else dict(EMPTY)
    for _ in range(ROUNDS_MAX):
        faults = Faults("manifest")
        read_schema(schema, "", faults, needs_object=needs_object)
        if not faults.found:
            return Mended(schema=schema, changes=tuple(changes))
        if not _without(schema, faults.found[0], changes) and not any(_without(schema, fault, changes) for fault in faults.found[1:]):
            break
    changes.append("the whole schema was left out: it cannot be mended by taking parts out")
    return Mended(schema=dict(EMPTY), changes=tuple(changes))


def _without(schema: Json, fault: Fault, changes: list[str]) -> bool:
    """Take out the innermost thing that a fault names; False where it cannot be found."""
    steps = [step.replace("~1", "/").replace("~0", "~") for step in fault.where.split("/")[1:]]
    holder: Json = schema
    for step in steps[:-1]:
        holder = _inside(holder, step)
    if not steps or not isinstance(holder, dict | list):
        return False
    if isinstance(holder, dict):
        if steps[-1] not in holder:
            return False
        del holder[steps[-1]]
    else:
        if not _INDEX.fullmatch(steps[-1]) or int(steps[-1]) >= len(holder):
            return False
        holder[int(steps[-1])] = True
    changes.append(f"{shown(fault.where, 200)} was left out: {fault.message}")
    return True


def _inside(holder: Json, step: str) -> Json:
    if isinstance(holder, dict):
        return holder.get(step)
    return holder[int(step)] if isinstance(holder, list) and _INDEX.fullmatch(step) and int(step) < len(holder) else None


def _converted(found: Json, at: str, changes: list[str], depth: int) -> Json:
    """Older ways of saying things, said as of today. A copy: what the server said stays as it is."""
    if depth > 2 * SCHEMA_DEPTH_MAX:
        return True
    if isinstance(found, list):
        return [_converted(item, f"{at}/{i}", changes, depth + 1) for i, item in enumerate(found)]
    if not isinstance(found, dict):
        return found
    out = {key: _converted(item, f"{at}/{key}", changes, depth + 1) for key, item in found.items()}
    if not at.endswith(("/properties", "/$defs", "/definitions", "/patternProperties", "/enum", "/const", "/default", "/examples")):
        for convert in (_nullable, _example, _tuple_items, _exclusive):
            words = convert(out)
            if words:
                changes.append(f"{shown(at, 200) or 'the top'}: {words}")
    return out


def _nullable(out: dict[str, Json]) -> str:
    if not isinstance(out.get("nullable"), bool):
        return ""
    wanted, kind = out.pop("nullable"), out.get("type")
    if wanted and isinstance(kind, str):
        out["type"] = [kind, "null"]
    return "nullable became a type"


def _example(out: dict[str, Json]) -> str:
    if "example" not in out:
        return ""
    out.setdefault("examples", [out.pop("example")])
    return "example became examples"


def _tuple_items(out: dict[str, Json]) -> str:
    """Before 2020-12 a list of schemas stood under ``items``."""
    if not isinstance(out.get("items"), list):
        return ""
    out["prefixItems"] = out.pop("items")
    if "additionalItems" in out:
        out["items"] = out.pop("additionalItems")
    return f"items became prefixItems, as of {_LATEST}"


def _exclusive(out: dict[str, Json]) -> str:
    """In draft 4 ``exclusiveMaximum`` was true or false, beside ``maximum``."""
    changed = False
    for side in ("Maximum", "Minimum"):
        flag = out.get(f"exclusive{side}")
        if isinstance(flag, bool):
            changed = True
            del out[f"exclusive{side}"]
            bound = out.pop(side.lower(), None) if flag else None
            if bound is not None:
                out[f"exclusive{side}"] = bound
    return "exclusive bounds became numbers" if changed else ""
