"""The OpenAPI document, made of the table of endpoints."""

from __future__ import annotations

from collections.abc import Iterable

from mpp.model.jsontext import Json
from mpp_registry.api.answering import JSON
from mpp_registry.api.asking import Parameter
from mpp_registry.api.endpoint import ASKS_OTHERS, Endpoint, Reply
from mpp_registry.api.problems import MEDIA
from mpp_registry.api.schemas import named, SCHEMAS, shape

VERSION = "1.0.0"
"""Of the API: the first number changes with what a client must do otherwise."""

TAGS = {
    "about": "Which registry this is, and whether it is well.",
    "log": "The transparency log: checkpoints, tiles, leaves and proofs.",
    "packages": "Packages, their versions and proofs.",
    "publishing": "What publishers change.",
    "publishers": "Publishers and the name spaces that they have proven.",
    "advisories": "What is known about packages that went wrong.",
    "oci": "The same packages for clients of container registries.",
    "federation": "Where packages of other registries are.",
    "fleet": "Policy, publishers and inventory of an organisation's hosts.",
    "mcp": "The same packages in the shape of the MCP registry, to read.",
}

_SCHEMES: dict[str, Json] = {
    "signed": {
        "type": "apiKey", "in": "header", "name": "Authorization",
        "description": "`MPP-Signed` and a DSSE envelope over the request, signed by a key of the publisher (spec/registry.md).",
    },
    "token": {"type": "http", "scheme": "bearer", "description": "A token of POST /v1/oidc/exchange, or the administrator's."},
}  # fmt: skip

_SECURITY: dict[str, list[Json]] = {
    "open": [{}],
    "reader": [{}, {"signed": []}],
    "signed": [{"signed": []}, {"token": []}],
    "new": [{"signed": []}],
    "admin": [{"signed": []}, {"token": []}],
}


def openapi(rows: Iterable[Endpoint], url: str = "") -> Json:
    paths: dict[str, Json] = {}
    for row in rows:
        at = paths.setdefault(row.path.replace(":path}", "}"), {})
        if isinstance(at, dict):
            at[row.method.lower()] = _operation(row)
    return {
        "openapi": "3.1.0",
        "info": {"title": "MPP registry", "version": VERSION, "description": "Publish, discover, prove and revoke signed .mpp packages."},
        "servers": [{"url": url or "/"}],
        "tags": [{"name": name, "description": words} for name, words in TAGS.items()],
        "paths": paths,
        "components": {"schemas": SCHEMAS, "responses": _refusals(), "securitySchemes": _SCHEMES},
    }


REFUSALS = {
    400: "The request cannot be read.", 401: "Who asks is not known.", 403: "It is not allowed.", 404: "It is not here.", 408: "It came too slowly.",
    409: "It stands against what is there.", 413: "It is too large.", 415: "It is of another kind.", 422: "It was judged and refused.",
    429: "Too many requests.", 500: "The registry could not do its part.", 502: "Another server could not do its part.", 503: "The registry is busy.",
}  # fmt: skip
"""What any request can meet, by its kind."""


def _operation(row: Endpoint) -> Json:
    responses: dict[str, Json] = {str(one.status): _response(one) for one in row.replies}
    shape = "Oci" if row.is_oci else "Problem"
    responses |= {str(status): {"$ref": f"#/components/responses/{shape}{status}"} for status in refusals_of(row) if str(status) not in responses}
    found: dict[str, Json] = {
        "operationId": row.name,
        "summary": row.words,
        "tags": [row.tag],
        "parameters": [*(_parameter(one, "path") for one in row.places), *(_parameter(one, "query") for one in row.query)],
        "responses": responses,
        "security": _SECURITY[row.auth],
    }
    if row.body_media:
        bytes_: Json = {} if row.body_media.endswith("json") else {"type": "string", "format": "binary", "maxLength": row.body_max}
        schema: Json = named(row.body) if row.body else bytes_
        found["requestBody"] = {"required": not row.is_oci, "content": {row.body_media: {"schema": schema}}}
    return found


def refusals_of(row: Endpoint) -> list[int]:
    """Beside its own answers."""
    # An open endpoint may judge a signature of its own, as those of fleets do.
    found = [400, 401, 403, 404, 409, 422, 429, 500, 503]
    found += [408, 413, 415] if row.body_media else []
    found += [502] if row.tag == "federation" or row.name in ASKS_OTHERS else []
    return sorted(found)


def _refusals() -> dict[str, Json]:
    problem: dict[str, Json] = {
        f"Problem{status}": {"description": words, "content": {MEDIA: {"schema": named("Problem")}}} for status, words in REFUSALS.items()
    }  # fmt: skip
    oci: dict[str, Json] = {f"Oci{status}": {"description": words, "content": {JSON: {"schema": named("OciErrors")}}} for status, words in REFUSALS.items()}
    return {**problem, **oci}


def _response(one: Reply) -> Json:
    found: dict[str, Json] = {"description": one.words}
    if one.schema:
        found["content"] = {one.media: {"schema": named(one.schema)}}
    elif one.media and one.status not in {204, 304}:
        # Bytes and texts are texts; of JSON without a schema of ours nothing is said.
        found["content"] = {one.media: {"schema": {} if one.media.endswith("json") else {"type": "string"}}}
        if one.status >= 400:
            # Where the endpoint says no in a form of its own, the guard before it still says so in ours.
            found["content"] = {one.media: {"schema": {"type": "string"}}, MEDIA: {"schema": named("Problem")}}
    return found


def _parameter(one: Parameter, place: str) -> Json:
    schema: dict[str, Json]
    if one.is_number:
        schema = {"type": "integer", "minimum": one.least, "maximum": one.most}
        if one.default:
            schema["default"] = int(one.default)
    else:
        schema = {"type": "string", "maxLength": one.most, "pattern": shape(one.pattern.pattern)}
        if place == "path":
            schema["minLength"] = 1
    found: dict[str, Json] = {"name": one.name, "in": place, "required": place == "path" or one.required, "description": one.words, "schema": schema}
    if one.example:
        found["example"] = int(one.example) if one.is_number else one.example
    return found
