"""A value against a schema of the manifest. Spec: spec/call-contract.md section 3, manifest M-90 to M-101.

The verdict is the validator's alone, and only its yes or no is asked for: its reports copy the value for every fault, so that a
hostile value takes gigabytes or the whole process. Where faults are is found by trying parts (explain.py).
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Protocol

from mpp.errors import Fault, Refused, ToolFailed
from mpp.model.jsontext import Json
from mpp.model.value import value
from mpp.stages.sandbox.contract.arguments import Arguments
from mpp.stages.sandbox.contract.cost import CostTable
from mpp.stages.sandbox.contract.explain import WHOLE, Explanation, Finding, within
from mpp.stages.sandbox.contract.limits import COMPILED_MAX, EXPLAIN_BYTES_MAX, EXPLAIN_TRIES_MAX, EXPLAIN_WORK_MAX, WORK_MAX
from mpp.stages.sandbox.contract.measure import Measure
from mpp.stages.sandbox.contract.patterns import translate
from mpp.stages.sandbox.contract.vocabulary import ASSERTING, LISTED, NAMED, ONE


class Validator(Protocol):
    def is_valid(self, instance: Json, /) -> bool: ...


class SchemaCheck:
    """One schema, compiled. It comes from a verified manifest, so it is sound; here its cost is judged too."""

    def __init__(self, schema: bytes) -> None:
        self._compiled = _compiled(schema)

    def judge_arguments(self, arguments: Arguments) -> None:
        """Refuse arguments that the schema does not allow. Spec: call-contract C-10, C-11."""
        if self._compiled.cost.work(arguments.size) > WORK_MAX:
            raise Refused("call.work", "checking the arguments against the schema of the tool is too much work", where="arguments", hint="send less at once")
        found = self._compiled.findings(arguments.found, arguments.size)
        if found:
            raise Refused.of(tuple(Fault("call.arguments", f"arguments{one.where}", one.message, one.hint) for one in found))

    def judge_result(self, structured: Json, size: Measure) -> None:
        """Fail a tool whose result is not what its manifest says. Spec: call-contract C-12."""
        if self._compiled.cost.work(size) > WORK_MAX:
            message = "checking the result against the schema of the tool is too much work"
            raise ToolFailed("tool.result_work", message, where="structuredContent", hint="give less at once, or write a simpler schema")
        found = self._compiled.findings(structured, size)
        if found:
            faults = tuple(Fault("tool.result_schema", f"structuredContent{one.where}", one.message, one.hint) for one in found)
            raise ToolFailed("tool.result_schema", found[0].message, faults=faults)


@value
class _Compiled:
    schema: Json
    """As the validator takes it: patterns translated, annotations left out."""
    validator: Validator
    cost: CostTable
    size: int
    """Bytes of the schema."""

    def findings(self, found: Json, size: Measure) -> tuple[Finding, ...]:
        """What is wrong, bounded; empty if nothing is."""
        if self.validator.is_valid(found):
            return ()
        tries = min(EXPLAIN_TRIES_MAX, EXPLAIN_WORK_MAX // max(1, self.cost.work(size)), EXPLAIN_BYTES_MAX // self.size)
        return Explanation(self.schema, validator_of, tries).of(found)


@lru_cache(maxsize=COMPILED_MAX)
def _compiled(schema: bytes) -> _Compiled:
    found: Json = json.loads(schema)
    cost = CostTable(found)
    ours = for_validator(found)
    return _Compiled(schema=ours, validator=validator_of(within(ours, {"$ref": WHOLE} if isinstance(ours, dict) else ours)), cost=cost, size=len(schema))


def validator_of(schema: Json) -> Validator:
    """A validator that fetches nothing, holds ``format`` for an annotation and matches patterns in linear time. Spec: manifest M-84, M-96."""
    import jsonschema_rs  # noqa: PLC0415 - 20 ms that `mpp verify` does not need

    if not isinstance(schema, (dict, bool)):
        raise TypeError("a schema is an object, true or false")
    return jsonschema_rs.Draft202012Validator(schema, pattern_options=jsonschema_rs.RegexOptions(), validate_formats=False, offline=True)


def for_validator(schema: Json) -> Json:
    """``schema`` with its patterns for the engine and without what only annotates."""
    if not isinstance(schema, dict):
        return schema
    out: dict[str, Json] = {}
    for keyword, item in schema.items():
        if keyword in ONE:
            out[keyword] = for_validator(item)
        elif keyword in LISTED and isinstance(item, list):
            out[keyword] = [for_validator(one) for one in item]
        elif keyword in NAMED and isinstance(item, dict):
            out[keyword] = _named(keyword, item)
        elif keyword == "pattern" and isinstance(item, str):
            out[keyword] = translate(item).text
        elif keyword == "$ref":
            out[keyword] = f"{WHOLE}{str(item).removeprefix('#')}"
        elif keyword in ASSERTING:
            out[keyword] = item
    return out


def _named(keyword: str, item: dict[str, Json]) -> Json:
    out: dict[str, Json] = {}
    for name, one in item.items():
        key = translate(name).text if keyword == "patternProperties" else name
        # Two patterns may become one text; both count.
        while key in out:
            key = f"(?:{key})"
        out[key] = for_validator(one)
    return out
