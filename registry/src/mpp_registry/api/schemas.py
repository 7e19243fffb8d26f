"""The documents of the API as JSON schemas, for the OpenAPI document. Tests hold that what is answered fits them."""

from __future__ import annotations

import re

from mpp.limits import JSON_INT_MAX
from mpp.model.jsontext import Json
from mpp.model.limits import DESCRIPTION_MAX, KEYWORDS_MAX, LINE_MAX, NAME_MAX, PACKAGE_ID_MAX, URL_MAX, VERSION_MAX
from mpp.model.names import PACKAGE_ID, SHA256_HEX, VERSION
from mpp.protocol.registry.bodies import ADVISED_VERSIONS_MAX, CLAIMED_BY, OIDC_TOKEN_CHARS_MAX, RECOVERY_ACTIONS, REPORT_CHARS_MAX, REPORT_KINDS
from mpp.protocol.registry.documents import (
    ADVISORY_CHARS_MAX,
    CURSOR_CHARS_MAX,
    LOG_ITEMS_MAX,
    METHODS,
    NAMESPACE_STATES,
    NAMESPACES_MAX,
    NOTES_MAX,
    OWNERS_MAX,
    PACKAGE_STATES,
    PAGE_ITEMS_MAX,
    PUBLISHER_STATES,
    REASON_MAX,
    ROLES,
    SEVERITIES,
    SIGNERS_MAX,
    STAGED_ITEMS_MAX,
    VERSION_STATES,
    VISIBILITIES,
)


def text(most: int = 0, *, least: int = 0, words: str = "") -> dict[str, Json]:
    found: dict[str, Json] = {"type": "string"}
    if least:
        found["minLength"] = least
    if most:
        found["maxLength"] = most
    if words:
        found["description"] = words
    return found


_AHEAD = re.compile(r"\(\?=\.\{\d+,\d+\}\\Z\)|\(\?!\(\?:con\|[^)]*\)\\\.\)")
"""What looks ahead in patterns of ours: at the length, which a schema says otherwise, and at names of devices. Programs that make texts of a pattern
cannot look ahead, so the document is wider there than the registry."""


def shape(pattern: str) -> str:
    """As ECMA-262 has it, whose last character of a text is ``$`` and not ``\\Z``."""
    return "^(?:" + _AHEAD.sub("", pattern).replace(r"\Z", "$") + ")$"


def form(pattern: str, most: int, example: str) -> dict[str, Json]:
    return {"type": "string", "pattern": shape(pattern), "maxLength": most, "examples": [example]}


def choice(*words: str) -> dict[str, Json]:
    return {"type": "string", "enum": list(words)}


def whole(least: int = 0, most: int = JSON_INT_MAX) -> dict[str, Json]:
    return {"type": "integer", "minimum": least, "maximum": most}


def many(item: Json, most: int, least: int = 0) -> dict[str, Json]:
    return {"type": "array", "items": item, "minItems": least, "maxItems": most}


def named(name: str) -> dict[str, Json]:
    return {"$ref": f"#/components/schemas/{name}"}


def answer(**properties: Json) -> dict[str, Json]:
    """What the registry says: later versions may say more."""
    return {"type": "object", "properties": properties, "required": list(properties)}


def body(*optional: str, **properties: Json) -> dict[str, Json]:
    """What a client says: nothing else is taken."""
    return {
        "type": "object", "properties": properties, "required": [name for name in properties if name not in optional], "additionalProperties": False,
    }  # fmt: skip


FLAG: dict[str, Json] = {"type": "boolean"}
TIME = {**whole(), "description": "Seconds since 1970-01-01 UTC."}
DIGEST = form(SHA256_HEX.pattern, 64, "4e" * 32)
PACKAGE = form(PACKAGE_ID.pattern, PACKAGE_ID_MAX, "com.example.hello")
ONE_VERSION = form(VERSION.pattern, VERSION_MAX, "1.0.0")
BASE64: dict[str, Json] = {"type": "string", "contentEncoding": "base64"}
CURSOR = text(CURSOR_CHARS_MAX, words="Of the next page; empty: this is the last.")

NOTES = many(text(words="For a person to look at."), NOTES_MAX)

_VERSION = answer(
    package_id=PACKAGE, version=ONE_VERSION, publisher_id=DIGEST, content_hash=DIGEST, file_hash=DIGEST, size=whole(), status=choice(*VERSION_STATES),
    reason=text(REASON_MAX), published_at=TIME, log_index=whole(),
)  # fmt: skip
_OWNER = answer(publisher_id=DIGEST, role=choice(*ROLES), since=TIME)
_NAMESPACE = answer(
    namespace=text(PACKAGE_ID_MAX), publisher_id=DIGEST, method=choice(*METHODS), state=choice(*NAMESPACE_STATES), proven_at=TIME, checked_at=TIME,
    record_name=text(2 * URL_MAX), record_value=text(2 * URL_MAX), notes=NOTES,
)  # fmt: skip
_PACKAGE = answer(
    package_id=PACKAGE, publisher_id=DIGEST, publisher_name=text(LINE_MAX), title=text(LINE_MAX), summary=text(DESCRIPTION_MAX),
    keywords=many(text(NAME_MAX), KEYWORDS_MAX), visibility=choice(*VISIBILITIES), latest=text(VERSION_MAX), status=choice(*PACKAGE_STATES),
    created_at=TIME, updated_at=TIME, downloads=whole(), owners=many(named("Owner"), OWNERS_MAX), namespace=text(PACKAGE_ID_MAX),
)  # fmt: skip
_ADVISORY = answer(
    advisory_id=text(NAME_MAX), package_id=PACKAGE, versions=many(ONE_VERSION, ADVISED_VERSIONS_MAX), severity=choice(*SEVERITIES), title=text(LINE_MAX),
    text=text(ADVISORY_CHARS_MAX), sha256=DIGEST, published_at=TIME,
)  # fmt: skip

SCHEMAS: dict[str, Json] = {
    "Registry": answer(
        registry_id=DIGEST, name=text(LINE_MAX), url=text(URL_MAX), origin=text(URL_MAX), roots=BASE64, is_public=FLAG, require_namespace=FLAG, staging=FLAG,
    ),
    "OpenApi": {"type": "object", "description": "OpenAPI 3.1."},
    "Health": answer(status=choice("ok", "failing"), database=FLAG, blobs=FLAG, log_size=whole(), checkpoint_at=TIME),
    "Publisher": answer(
        publisher_id=DIGEST, name=text(LINE_MAX), root_version=whole(), status=choice(*PUBLISHER_STATES), registered_at=TIME, roots=BASE64,
        namespaces=many(named("Namespace"), NAMESPACES_MAX), recovery={"oneOf": [{"type": "null"}, named("Recovery")]}, notes=NOTES,
    ),
    "Recovery": answer(successor=DIGEST, state=choice("asked", "vetoed", "done"), due=TIME, reason=text(REASON_MAX)),
    "Namespace": _NAMESPACE,
    "Owner": _OWNER,
    "Package": _PACKAGE,
    "Version": _VERSION,
    "Search": answer(packages=many(named("Package"), PAGE_ITEMS_MAX), next=CURSOR),
    "Versions": answer(versions=many(named("Version"), PAGE_ITEMS_MAX), next=CURSOR),
    "Published": answer(version={"oneOf": [{"type": "null"}, named("Version")]}, bundle=text(), staged_id=text(NAME_MAX), notes=NOTES),
    "Staged": answer(
        staged=many(
            answer(
                staged_id=text(NAME_MAX), package_id=PACKAGE, version=ONE_VERSION, content_hash=DIGEST, file_hash=DIGEST, size=whole(),
                visibility=choice(*VISIBILITIES), uploaded_by=text(NAME_MAX), signers=many(DIGEST, SIGNERS_MAX), approved_by=many(DIGEST, SIGNERS_MAX), at=TIME,
            ), STAGED_ITEMS_MAX,
        ),
    ),
    "OwnersChange": answer(
        is_done=FLAG, waiting_for=many(DIGEST, OWNERS_MAX), owners=many(answer(publisher_id=DIGEST, role=choice(*ROLES)), OWNERS_MAX),
    ),
    "Rule": answer(rule_id=text(NAME_MAX), issuer=text(), claims={"type": "object"}, packages=many(PACKAGE, 100), at=TIME),
    "Rules": answer(rules=many(named("Rule"), 1000)),
    "Log": answer(start=whole(), size=whole(), leaves=many(text(), LOG_ITEMS_MAX)),
    "Consistency": {
        "type": "object", "required": ["from", "to", "path"], "properties": {"from": whole(), "to": whole(), "path": many(BASE64, 128)},
    },
    "Bundle": {"type": "object", "description": "Proofs of one version, as spec/registry.md has them. What it says is proven by its signatures alone."},
    "Absence": {"type": "object", "description": "A proof that the registry has no such package, as spec/registry.md has it."},
    "Advisory": _ADVISORY,
    "Advisories": answer(advisories=many(named("Advisory"), PAGE_ITEMS_MAX), next=CURSOR),
    "Entry": answer(code=text(), expires_at=TIME),
    "Token": answer(token=text(), expires_at=TIME, publisher_id=DIGEST),
    "Reported": answer(report_id=text(NAME_MAX)),
    "Problem": {
        **answer(
            type=text(), title=text(), status=whole(400, 599), code=form(r"[a-z]+\.[a-z0-9_]+", NAME_MAX, "registry.absent"), detail=text(), hint=text(),
            where=text(), request_id=text(NAME_MAX),
        ),
        "description": "RFC 9457. `code` is one of docs/reference/codes.md.",
    },
    "OciErrors": answer(errors=many(answer(code=text(NAME_MAX), message=text(), detail={"type": "object"}), 100, 1)),
    "StatusBody": body("reason", status=choice(*VERSION_STATES), reason=text(REASON_MAX)),
    "PublisherStatusBody": body("reason", status=choice(*PUBLISHER_STATES), reason=text(REASON_MAX)),
    "OwnersBody": body(owners=many(body(publisher_id=DIGEST, role=choice(*ROLES)), OWNERS_MAX, 1)),
    "NamespaceBody": body(namespace=PACKAGE, method=choice(*CLAIMED_BY)),
    "RecoveryBody": body("reason", action=choice(*RECOVERY_ACTIONS), reason=text(REASON_MAX)),
    "SiteBody": body(site=text(URL_MAX, least=1)),
    "ReasonBody": body(reason=text(REASON_MAX, least=1)),
    "RuleBody": body(issuer=text(least=1), claims={"type": "object", "minProperties": 1, "additionalProperties": {"type": "string"}}, packages=many(PACKAGE, 100, 1)),
    "ExchangeBody": body(token=text(OIDC_TOKEN_CHARS_MAX, least=1), package_id=PACKAGE),
    "TokenWish": body(package_id=PACKAGE),
    "ReportBody": body(
        "version", "contact", package_id=PACKAGE, version=ONE_VERSION, kind=choice(*REPORT_KINDS), text=text(REPORT_CHARS_MAX, least=1), contact=text(LINE_MAX),
    ),
    "AdvisoryBody": body(
        advisory_id=text(NAME_MAX, least=1), package_id=PACKAGE, versions=many(ONE_VERSION, ADVISED_VERSIONS_MAX, 1), severity=choice(*SEVERITIES),
        title=text(LINE_MAX, least=1), text=text(ADVISORY_CHARS_MAX, least=1),
    ),
    "Roots": {"type": "object", "description": "A root document with all its versions in canonical JSON, as spec/keys.md 4 has it."},
    "McpServers": answer(servers=many({"type": "object"}, PAGE_ITEMS_MAX), metadata={"type": "object"}),
    "McpServer": answer(server={"type": "object"}),
}  # fmt: skip
