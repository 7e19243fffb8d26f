"""Trust bundles: whom all machines of a fleet trust, signed as its policies are, with a version that only rises. Pure.

A host takes one only from the signer that its administrator enrolled it for. Spec: spec/fleet.md section 3.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypeAlias

from mpp.crypto.ed25519 import KEY_ID
from mpp.crypto.roots import read_chain, RootChain
from mpp.errors import Refused
from mpp.host.enrolment.limits import FLEET_NAME_MAX, NAMES_MAX, PUBLISHERS_MAX, REGISTRIES_MAX, TRUST_PAYLOAD_MAX
from mpp.protocol.registry.signed_file import bytes_max, read_signed, SignedFile, what_is_wrong, write_signed
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import canonical, Json, read, read_canonical
from mpp.model.names import PACKAGE_ID, PACKAGE_ID_FORM
from mpp.model.value import value
from mpp.ports import Signer
from mpp.stages.gatekeeper import TrustedPublisher

TRUST_TYPE = "application/vnd.mpp.fleet-trust+json"
TRUST_BUNDLE_BYTES_MAX = bytes_max(TRUST_PAYLOAD_MAX)
"""Bytes of a trust bundle. Reason: what is signed in base64, root documents and signatures."""

TIME_MAX = 4102444800
"""Latest time in a trust bundle: the beginning of the year 2100, in seconds since 1970. Reason: as for policies; a later one is a slip."""

UNTIL_MAX = 253402300799
"""Latest end of trust: the end of year 9999, in seconds since 1970. Reason: as in a trust document."""

VERSION_MAX = 2**31 - 1
"""Highest version of a trust bundle. Reason: as for policies."""

SKEW_SECONDS_MAX = 300
"""Seconds by which a trust bundle may be from the future. Reason: as for policies."""

URL_CHARS_MAX = 500
"""Characters of the address of a registry. Reason: it is a host and a short path."""

FLEET_NAME = re.compile(rf"(?=.{{1,{FLEET_NAME_MAX}}}\Z)[a-z0-9]+(?:-[a-z0-9]+)*")
FLEET_NAME_FORM = "lower case, digits and single dashes, such as example-fleet"
_NAMESPACE = re.compile(rf"\*|{PACKAGE_ID.pattern}|[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_URL = re.compile(r"https?://[!-~]+")
_FORM = "the 64 hex digits of a SHA-256"

Standing: TypeAlias = Literal["new", "same"]


@value
class RegistryPin:
    """Which registry answers for a namespace, and who that registry is."""

    namespace: str
    url: str
    registry_id: str


@value
class TrustBody:
    """What is signed."""

    name: str
    version: int
    issued: int
    expires: int
    """The last second, since 1970, at which it may be taken. What was taken stays."""
    publishers: Mapping[str, TrustedPublisher]
    pins: Mapping[str, str]
    prefixes: Mapping[str, str]
    revoked_publishers: frozenset[str]
    revoked_content: frozenset[str]
    registries: tuple[RegistryPin, ...]


@value
class TrustBundle:
    """Found: whether to believe it is decided by ``judge_trust``."""

    signed: SignedFile
    body: TrustBody

    @property
    def chain(self) -> RootChain:
        return self.signed.chain

    @property
    def digest(self) -> str:
        return self.signed.digest


@value
class TrustMark:
    """The newest that a host, or a registry, has accepted."""

    name: str = ""
    version: int = 0
    digest: str = ""


def write_trust_body(body: TrustBody) -> bytes:
    publishers: list[Json] = []
    for name in sorted(body.publishers):
        one = body.publishers[name]
        row: dict[str, Json] = {"roots": _roots(one.chain), "any_package": one.any_package}
        publishers.append(row if one.until is None else {**row, "until": one.until})
    registries: list[Json] = [{"namespace": one.namespace, "url": one.url, "registry_id": one.registry_id} for one in body.registries]
    return canonical(
        {
            "mpp_fleet_trust": 1,
            "name": body.name,
            "version": body.version,
            "issued": body.issued,
            "expires": body.expires,
            "publishers": publishers,
            "pins": dict(body.pins),
            "prefixes": dict(body.prefixes),
            "revoked_publishers": list[Json](sorted(body.revoked_publishers)),
            "revoked_content": list[Json](sorted(body.revoked_content)),
            "registries": registries,
        }
    )


def _roots(chain: RootChain) -> Json:
    document = read(chain.data, family="trust", where="roots")
    return document["roots"] if isinstance(document, dict) else []


def sign_trust(body: TrustBody, chain: RootChain, signers: Sequence[Signer]) -> bytes:
    """The file. What a host would refuse is not signed."""
    data = write_signed(chain, TRUST_TYPE, write_trust_body(body), signers)
    found = read_trust_bundle(data, where="trust")
    _judge_signatures(found, chain, "trust")
    return data


def read_trust_bundle(data: bytes, *, where: str) -> TrustBundle:
    """Parse strictly; says nothing yet of whether to believe it."""
    if len(data) > TRUST_BUNDLE_BYTES_MAX:
        raise Refused("trust.length", f"a trust bundle has at most {TRUST_BUNDLE_BYTES_MAX} bytes", where=where, hint="name fewer publishers")
    try:
        signed = read_signed(data, family="trust", kind=TRUST_TYPE, payload_most=TRUST_PAYLOAD_MAX, where=where)
    except Refused as fault:
        if fault.code.startswith("trust."):
            raise
        message = f"this is no signed trust bundle: {fault.message}"
        raise Refused("trust.bundle", message, where=fault.where, hint="give one that `mpp registry fleet trust sign` made") from None
    return TrustBundle(signed=signed, body=_read_body(signed.payload, f"{where}/payload"))


def _read_body(payload: bytes, where: str) -> TrustBody:
    faults = Faults("trust")
    fields = Fields(read_canonical(payload, family="trust", where=where), where, faults)
    fields.number("mpp_fleet_trust", least=1, most=1)
    rows = fields.each("publishers", lambda item, at: _read_publisher(Fields(item, at, faults)), most=PUBLISHERS_MAX, required=True)
    body = TrustBody(
        name=fields.text("name", most=FLEET_NAME_MAX, pattern=FLEET_NAME, form=FLEET_NAME_FORM),
        version=fields.number("version", least=1, most=VERSION_MAX),
        issued=fields.number("issued", least=0, most=TIME_MAX),
        expires=fields.number("expires", least=0, most=TIME_MAX),
        publishers={one.chain.publisher_id: one for one in rows if one is not None},
        pins=_read_names(fields, "pins", is_prefix=False),
        prefixes=_read_names(fields, "prefixes", is_prefix=True),
        revoked_publishers=_digests(fields, "revoked_publishers"),
        revoked_content=_digests(fields, "revoked_content"),
        registries=fields.each("registries", lambda item, at: _read_registry(Fields(item, at, faults)), most=REGISTRIES_MAX, required=True),
    )
    fields.end()
    if body.expires < body.issued:
        faults.add("range", fields.path("expires"), "lies before 'issued'", "give an end that comes after its issue")
    if len(body.publishers) != len(rows):
        # Attack: a second entry with older root documents would undo a rotation.
        faults.add("duplicate", fields.path("publishers"), "names a publisher twice", "keep the entry with the newest root documents")
    if len({one.namespace for one in body.registries}) != len(body.registries):
        faults.add("duplicate", fields.path("registries"), "names a namespace twice", "keep one registry for it")
    _judge_owners(body, fields)
    faults.stop()
    return body


def _judge_owners(body: TrustBody, fields: Fields) -> None:
    """A pin to a publisher that the bundle does not hold, or that it revokes, is a slip that would be found out on each machine."""
    for key, names in (("pins", body.pins), ("prefixes", body.prefixes)):
        for name, owner in names.items():
            if owner not in body.publishers or owner in body.revoked_publishers:
                fields.faults.add("publisher", fields.path(key), f"{name!r} belongs to a publisher that the bundle does not trust", "add its root documents")


def _read_publisher(fields: Fields) -> TrustedPublisher | None:
    roots = fields.raw("roots")
    until = fields.number("until", least=0, most=UNTIL_MAX) if fields.has("until") else None
    any_package = fields.flag("any_package", default=False)
    fields.end()
    try:
        chain = read_chain(canonical({"roots": roots}), where=fields.where)
    except (Refused, ValueError):
        fields.faults.add("roots", fields.where, "holds no sound root documents", "take them from the publisher's publisher.json")
        return None
    return TrustedPublisher(chain=chain, any_package=any_package, until=until)


def _read_names(fields: Fields, key: str, *, is_prefix: bool) -> dict[str, str]:
    listed, found = fields.object(key), dict[str, str]()
    if listed is not None and len(listed.found) > NAMES_MAX:
        fields.faults.add("length", fields.path(key), f"has more than {NAMES_MAX} entries", "pin a prefix instead")
        return found
    for name in listed.found if listed is not None else ():
        whole = f"{name}x" if is_prefix and name.endswith(".") else "" if is_prefix else name
        if listed is None or (PACKAGE_ID.fullmatch(whole) or PACKAGE_ID.fullmatch(f"{whole}.x" if is_prefix else whole)) is None:
            fields.faults.add("form", fields.path(key), f"{name[:80]!r} is not {PACKAGE_ID_FORM}" + (" ending in '.'" if is_prefix else ""), "mend the name")
        else:
            found[name] = listed.text(name, most=64, pattern=KEY_ID, form=_FORM)
    return found


def _digests(fields: Fields, key: str) -> frozenset[str]:
    return frozenset(fields.texts(key, most=NAMES_MAX, each_most=64, required=True, pattern=KEY_ID, form=_FORM))


def _read_registry(fields: Fields) -> RegistryPin:
    pin = RegistryPin(
        namespace=fields.text("namespace", most=200, pattern=_NAMESPACE, form="a namespace such as com.example, or *"),
        url=fields.text("url", most=URL_CHARS_MAX, pattern=_URL, form="an address that begins with https://"),
        registry_id=fields.text("registry_id", most=64, pattern=KEY_ID, form=_FORM),
    )
    fields.end()
    return pin


# -- whether to believe it


def judge_trust(data: bytes, known: RootChain, mark: TrustMark, now: int, *, where: str) -> tuple[TrustBundle, Standing]:
    """Judge a trust bundle by the root documents ``known`` of the fleet's signer, and by the newest that was accepted. Spec: fleet Q-21.

    The order is that of policies: first who signed it, and only then what it says of itself.
    """
    found = read_trust_bundle(data, where=where)
    _judge_chain(found.chain, known, where)
    _judge_signatures(found, found.chain, where)
    body = found.body
    if mark.name and body.name != mark.name:
        message = f"the trust bundle is {body.name!r}, the one in force is {mark.name!r}"
        raise Refused("policy.name", message, where=where, hint="give the bundle of that name")
    if body.version < mark.version:
        # Attack: an old bundle that still trusts a publisher who was thrown out.
        raise Refused("policy.rollback", f"the trust bundle has version {body.version}, version {mark.version} was seen", where=where, hint="get the newest")
    if body.version == mark.version and found.digest != mark.digest:
        raise Refused(
            "policy.fork", f"there are two different trust bundles of version {body.version}", where=where, hint="ask the signer; sign a higher version"
        )
    if body.issued > now + SKEW_SECONDS_MAX:
        raise Refused("policy.future", "the trust bundle was issued in the future", where=where, hint="set the clock of this machine, or of the signer")
    if now > body.expires:
        raise Refused("policy.expired", f"version {body.version} of the trust bundle has expired", where=where, hint="have it signed again")
    return found, "same" if body.version == mark.version else "new"


def _judge_chain(found: RootChain, known: RootChain, where: str) -> None:
    if found.publisher_id != known.publisher_id:
        message = f"the trust bundle is of {found.publisher_id[:16]}, the fleet's signer is {known.publisher_id[:16]}"
        raise Refused("policy.publisher", message, where=where, hint="get the bundle of your own fleet")
    if not found.begins_with(known):
        if not known.begins_with(found):
            raise Refused("policy.roots_fork", "the root documents part from those seen here", where=where, hint="stop: ask the signer which is true")
        message = f"the trust bundle has root version {found.newest.version}, version {known.newest.version} was seen"
        raise Refused("policy.roots_behind", message, where=where, hint="have it signed again with the newest publisher.json")


_WRONG: dict[str, Callable[[str], Refused]] = {
    "signer": lambda where: Refused(
        "policy.signer", "a key that may not sign for this fleet signed the trust bundle", where=where, hint="sign with a release key"
    ),
    "threshold": lambda where: Refused("policy.threshold", "the trust bundle has too few signatures", where=where, hint="have it signed by the missing keys"),
    "signature": lambda where: Refused("policy.signature", "a signature of the trust bundle does not verify", where=where, hint="get it again from its signer"),
}


def _judge_signatures(found: TrustBundle, chain: RootChain, where: str) -> None:
    wrong = what_is_wrong(found.signed, chain, TRUST_TYPE)
    if wrong:
        raise _WRONG[wrong](where)
