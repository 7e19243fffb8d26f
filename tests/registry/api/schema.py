"""Does a document fit the schema that the OpenAPI document gives for it?"""

from __future__ import annotations

import functools
import json

import jsonschema_rs

from mpp.model.jsontext import Json
from mpp_registry.api.schemas import SCHEMAS


@functools.cache
def _validator(name: str) -> jsonschema_rs.Draft202012Validator:
    text = json.dumps({"$ref": f"#/$defs/{name}", "$defs": SCHEMAS}).replace("#/components/schemas/", "#/$defs/")
    return jsonschema_rs.Draft202012Validator(json.loads(text))


def fits(name: str, document: Json) -> list[str]:
    """What is wrong with it."""
    return [fault.message for fault in _validator(name).iter_errors(document)]
