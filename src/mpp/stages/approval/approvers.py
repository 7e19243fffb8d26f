"""Who may answer: identities with roles, read strictly. Spec: spec/4-approval.md section 5."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mpp.crypto import base64text
from mpp.crypto.ed25519 import key_id, PUBLIC_BYTES, valid_public
from mpp.errors import Refused
from mpp.model.fields import Faults, Fields
from mpp.model.hiddentext import hidden_in
from mpp.model.jsontext import Json, canonical, read
from mpp.model.limits import PACKAGE_ID_MAX
from mpp.model.names import PACKAGE_ID
from mpp.model.value import value
from mpp.stages.approval.limits import (
    APPROVER_CHARS_MAX,
    APPROVER_NAME_CHARS_MAX,
    APPROVER_PACKAGES_MAX,
    APPROVERS_BYTES_MAX,
    APPROVERS_MAX,
    IDENTITY_CHARS_MAX,
    TIME_MAX,
)
from mpp.stages.approval.types import Approver, SIGNED

APPROVES, SECOND, ADMIN = "approver", "second", "admin"
ROLES = (APPROVES, SECOND, ADMIN)
"""Who may say yes; who may only be the second of two; who may change policies, trust and this list."""

APPROVER_ID = re.compile(rf"[a-z0-9][a-z0-9._@+-]{{0,{APPROVER_CHARS_MAX - 1}}}")
APPROVER_ID_FORM = f"a short name such as ada or ada@example.com: at most {APPROVER_CHARS_MAX} of lower case, digits, '.', '_', '@', '+' and '-'"
_ISSUER = re.compile(r"https://[!-~]+")


@value
class Approvers:
    """Everybody who may answer on this host."""

    known: Mapping[str, Approver]

    def of_key(self, key: str) -> Approver | None:
        """Who holds the key of this id."""
        return next((one for one in self.known.values() if one.key and key_id(one.key) == key), None)


NOBODY = Approvers(known={})


def covers_package(pattern: str, package_id: str) -> bool:
    """``*``, an exact id, or ``com.example.*``: all below it. Attack: com.examplefoo is not below com.example."""
    return pattern in {"*", package_id} or (pattern.endswith(".*") and package_id.startswith(pattern[:-1]))


def may_answer(one: Approver, package_id: str, now: int, roles: tuple[str, ...]) -> str:
    """Why ``one`` may not answer for a package: the code. Empty if it may."""
    if one.until is not None and now > one.until:
        return "approval.approver_expired"
    if not set(one.roles) & set(roles) or not (not one.packages or any(covers_package(pattern, package_id) for pattern in one.packages)):
        return "approval.role"
    return ""


def read_approvers(data: bytes, *, where: str) -> Approvers:
    """Parse ``trust/approvers.json``; half of it is refused as a whole."""
    if len(data) > APPROVERS_BYTES_MAX:
        raise Refused("approval.size", f"the approvers have more than {APPROVERS_BYTES_MAX} bytes", where=where, hint="remove some")
    faults = Faults("approval")
    fields = Fields(read(data, family="approval", where=where), where, faults)
    fields.number("mpp_approvers", least=1, most=1)
    found = fields.each("approvers", lambda item, at: _read_one(Fields(item, at, faults)), most=APPROVERS_MAX, required=True)
    fields.end()
    _judge_distinct(found, fields)
    faults.stop()
    return Approvers(known={one.id: one for one in found})


def _read_one(fields: Fields) -> Approver:
    name = fields.text("name", most=APPROVER_NAME_CHARS_MAX)
    if hidden_in(name):
        fields.faults.add("form", fields.path("name"), "holds a hidden character", "remove it")
    key = base64text.read_field(fields, "key", PUBLIC_BYTES, PUBLIC_BYTES) if fields.has("key") else b""
    if key and not valid_public(key):
        fields.faults.add("form", fields.path("key"), "is not a sound Ed25519 key", "write the public key of the approver")
    elsewhere = fields.object("oidc", required=not fields.has("key"))
    issuer = subject = ""
    if elsewhere is not None:
        issuer = elsewhere.text("issuer", most=IDENTITY_CHARS_MAX, pattern=_ISSUER, form="an address that begins with https://")
        subject = elsewhere.text("subject", most=IDENTITY_CHARS_MAX)
        elsewhere.end()
        if fields.has("key"):
            # Attack: one approver that is two, and approves twice.
            fields.faults.add("type", fields.path("oidc"), "stands beside a key", "make two approvers, or keep one of them")
    found = Approver(
        id=fields.text("id", most=APPROVER_CHARS_MAX, pattern=APPROVER_ID, form=APPROVER_ID_FORM),
        name=name,
        roles=_read_roles(fields),
        key=key,
        issuer=issuer,
        subject=subject,
        packages=_read_packages(fields),
        until=fields.number("until", least=0, most=TIME_MAX) if fields.has("until") else None,
        amr=fields.one_of("amr", SIGNED, default="passphrase"),
    )
    fields.end()
    return found


def _read_roles(fields: Fields) -> tuple[str, ...]:
    roles = fields.texts("roles", most=len(ROLES), each_most=APPROVER_CHARS_MAX, required=True, least=1)
    for role in roles:
        if role not in ROLES:
            fields.faults.add("choice", fields.path("roles"), f"one is not of {', '.join(ROLES)}", "take one of them")
    return roles


def _read_packages(fields: Fields) -> tuple[str, ...]:
    patterns = fields.texts("packages", most=APPROVER_PACKAGES_MAX, each_most=PACKAGE_ID_MAX)
    if fields.has("packages") and not patterns:
        # Attack: an empty list taken for "all packages"; absent is all.
        fields.faults.add("length", fields.path("packages"), "is empty, so nothing could be answered", "leave it out, or name packages")
    for pattern in patterns:
        if pattern != "*" and PACKAGE_ID.fullmatch(pattern.removesuffix(".*") + (".x" if pattern.endswith(".*") else "")) is None:
            fields.faults.add("form", fields.path("packages"), "one is no pattern of packages", "write com.example.hello, com.example.* or *")
    return patterns


def _judge_distinct(found: tuple[Approver, ...], fields: Fields) -> None:
    """Attack: one person under two names, who is the first and the second of two. Spec: approval H-42."""
    for what, names in (
        ("id", [one.id for one in found]),
        ("key", [key_id(one.key) for one in found if one.key]),
        ("identity", [f"{one.issuer} {one.subject}" for one in found if one.issuer]),
    ):
        if len(set(names)) < len(names):
            fields.faults.add("duplicate", fields.path("approvers"), f"two approvers have the same {what}", "keep one of them")


def write_approvers(approvers: Approvers) -> bytes:
    rows: list[Json] = [_row(approvers.known[one]) for one in sorted(approvers.known)]
    return canonical({"mpp_approvers": 1, "approvers": rows})


def _row(one: Approver) -> Json:
    row: dict[str, Json] = {"id": one.id, "name": one.name, "roles": [*one.roles], "amr": one.amr}
    if one.key:
        row["key"] = base64text.encode(one.key)
    else:
        row["oidc"] = {"issuer": one.issuer, "subject": one.subject}
    if one.packages:
        row["packages"] = [*one.packages]
    return row if one.until is None else {**row, "until": one.until}
