"""What a host and its fleet's registry say to each other: codes, enrolments, answers, reports. Pure.

Spec: spec/fleet.md sections 1, 2 and 4.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from mpp.crypto import base64text
from mpp.crypto.ed25519 import key_id, PUBLIC_BYTES, valid_public
from mpp.crypto.roots import is_plain_line, read_chain, RootChain
from mpp.errors import Refused
from mpp.host.enrolment.limits import (
    CALLS_MAX,
    CODE_BYTES,
    CODE_CHARS_MAX,
    ENROLMENT_BYTES_MAX,
    FLEET_NAME_MAX,
    HOST_NAME_MAX,
    REPORT_BYTES_MAX,
    REPORT_PACKAGES_MAX,
    REPORT_USES_MAX,
)
from mpp.protocol.registry.signed_file import bytes_max, read_signed, what_is_wrong, write_signed
from mpp.host.enrolment.trust_bundle import FLEET_NAME, FLEET_NAME_FORM
from mpp.ledger.notes import NAME_CHARS_MAX
from mpp.limits import JSON_INT_MAX, KIB
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import canonical, Json, read, read_canonical, shown
from mpp.model.limits import PACKAGE_ID_MAX, VERSION_MAX
from mpp.model.names import PACKAGE_ID, PACKAGE_ID_FORM, SHA256_HEX, SHA256_HEX_FORM, VERSION, VERSION_FORM
from mpp.model.value import value
from mpp.ports import Random, Signer

T = TypeVar("T")

ANSWER_TYPE = "application/vnd.mpp.fleet-answer+json"
ANSWER_PAYLOAD_MAX = 600 * KIB
"""Bytes of what a registry signs for a host. Reason: two root documents in base64, and a handful of lines."""

SIGNED_ANSWER_BYTES_MAX = bytes_max(ANSWER_PAYLOAD_MAX)
"""Bytes of a signed answer. Reason: what is signed in base64, root documents and signatures."""

TIME_MAX = 253402300799
"""Latest time in a report: the end of year 9999, in seconds since 1970. Reason: dates beyond cannot be shown."""

KEY_CHARS_MAX = NAME_CHARS_MAX + 64
"""Characters of a verifier key. Reason: the name, eight digits, and 33 bytes in base64."""

AGENT_CHARS_MAX = 200
"""Characters of the name of an agent in a report. Reason: names are shorter; it is shown on one line."""

MPP_VERSION_CHARS_MAX = 64
"""Characters of the version of MPP on a host. Reason: three numbers and a word."""

_CODE = re.compile(rf"mppe-([0-9a-f]{{{2 * CODE_BYTES}}})-([0-9a-f]{{64}})-([0-9a-f]{{64}})")
_SECRET = re.compile(rf"[0-9a-f]{{{2 * CODE_BYTES}}}")
_NONCE = re.compile(r"[0-9a-f]{32}")
_VKEY = re.compile(r"[!-~]+|")
_OPTIONAL_NAME = re.compile(rf"(?:{FLEET_NAME.pattern})?")
_OPTIONAL_DIGEST = re.compile(rf"(?:{SHA256_HEX.pattern})?")


@value
class EnrolmentCode:
    """What an administrator hands to a host: a secret for one use, which registry it is for, and whose policies will hold."""

    secret: str
    registry_id: str
    fleet_id: str

    def __str__(self) -> str:
        return f"mppe-{self.secret}-{self.registry_id}-{self.fleet_id}"


def make_code(random: Random, registry_id: str, fleet_id: str) -> EnrolmentCode:
    return EnrolmentCode(secret=random.bytes(CODE_BYTES).hex(), registry_id=registry_id, fleet_id=fleet_id)


def read_code(text: str) -> EnrolmentCode:
    found = _CODE.fullmatch(text.strip()) if len(text) <= CODE_CHARS_MAX else None
    if found is None:
        # Attack: the code in a message that reaches a log or a screen. Its text is not quoted.
        raise Refused("registry.enrolment", "this is no enrolment code", hint="give the whole line that `mpp registry fleet enroll-code` printed")
    return EnrolmentCode(secret=found[1], registry_id=found[2], fleet_id=found[3])


def _read(data: bytes, most: int, kind: str, where: str, read_it: Callable[[Fields], T]) -> T:
    if len(data) > most:
        raise Refused("registry.length", f"it has more than {most} bytes", where=where, hint="send less")
    faults = Faults("registry")
    fields = Fields(read(data, family="registry", where=where), where, faults)
    fields.number(kind, least=1, most=1)
    found = read_it(fields)
    fields.end()
    faults.stop()
    return found


def _name(fields: Fields, key: str) -> str:
    name = fields.text(key, most=HOST_NAME_MAX)
    if not is_plain_line(name):
        fields.faults.add("form", fields.path(key), "must be one line without hidden characters and odd spaces", "write plain words, one space between them")
    return name


def _digest(fields: Fields, key: str) -> str:
    return fields.text(key, most=64, pattern=SHA256_HEX, form=SHA256_HEX_FORM)


# -- enrolment


@value
class Enrolment:
    """What a host sends to be enrolled; the request is signed by the key that stands in it."""

    secret: str
    name: str
    public: bytes
    log_key: str
    """The verifier key of its record; empty: it has none yet."""

    @property
    def host_id(self) -> str:
        return key_id(self.public)


def write_enrolment(found: Enrolment) -> bytes:
    return canonical({"mpp_enrolment": 1, "secret": found.secret, "name": found.name, "public": base64text.encode(found.public), "log_key": found.log_key})


def read_enrolment(data: bytes) -> Enrolment:
    def body(fields: Fields) -> Enrolment:
        found = Enrolment(
            secret=fields.text("secret", most=2 * CODE_BYTES, pattern=_SECRET, form="the secret of a code"),
            name=_name(fields, "name"),
            public=base64text.read_field(fields, "public", PUBLIC_BYTES, PUBLIC_BYTES),
            log_key=fields.text("log_key", most=KEY_CHARS_MAX, least=0, pattern=_VKEY, form="a verifier key"),
        )
        if not valid_public(found.public):
            fields.faults.add("form", fields.path("public"), "is no sound Ed25519 key", "send the key of the host")
        return found

    return _read(data, ENROLMENT_BYTES_MAX, "mpp_enrolment", "enrolment", body)


@value
class FleetAnswer:
    """What the registry tells an enrolled host. It signs it with its log key, so that nobody on the way can change whom the host believes."""

    nonce: str
    """That of the request, so that no older answer fits."""
    host_id: str
    fleet_roots: bytes
    """Whose policies and trust hold: the root documents of the fleet's signer."""
    policy_name: str
    trust_name: str
    witness_key: str
    """The verifier key of the registry's witness."""


def sign_answer(found: FleetAnswer, chain: RootChain, signer: Signer) -> bytes:
    payload = canonical(
        {
            "mpp_fleet_answer": 1,
            "nonce": found.nonce,
            "host_id": found.host_id,
            "fleet_roots": base64text.encode(found.fleet_roots),
            "policy_name": found.policy_name,
            "trust_name": found.trust_name,
            "witness_key": found.witness_key,
        }
    )
    return write_signed(chain, ANSWER_TYPE, payload, (signer,))


def read_answer(data: bytes, *, registry_id: str, fleet_id: str, nonce: str, known: RootChain | None = None) -> tuple[FleetAnswer, RootChain]:
    """The answer, and the registry's root documents. ``known``: those that were seen before; an answer by older keys is refused."""
    where = "answer"
    if len(data) > SIGNED_ANSWER_BYTES_MAX:
        raise Refused("registry.length", f"the answer has more than {SIGNED_ANSWER_BYTES_MAX} bytes", where=where, hint=_ASK)
    try:
        signed = read_signed(data, family="registry", kind=ANSWER_TYPE, payload_most=ANSWER_PAYLOAD_MAX, where=where)
    except Refused as fault:
        raise Refused("registry.enrolment", f"the registry answers with something else: {fault.message}", where=where, hint=_ASK) from None
    chain = signed.chain
    if chain.publisher_id != registry_id or (known is not None and not chain.begins_with(known)):
        # Attack: whoever is on the way answers in the registry's place, and makes the host part of a fleet of their own.
        raise Refused("registry.enrolment", "the answer is of another registry, or signed with older keys of it", where=where, hint="check the address")
    if what_is_wrong(signed, chain, ANSWER_TYPE):
        raise Refused("registry.enrolment", "the answer is not signed by the registry", where=where, hint="check the address")
    answer = _read_answer(signed.payload, where)
    if answer.nonce != nonce:
        raise Refused("registry.enrolment", "this is the answer to another request", where=where, hint="try again")
    if read_chain(answer.fleet_roots, where="fleet").publisher_id != fleet_id:
        raise Refused(
            "registry.enrolment", "the registry names another signer of policies than the code", where=where, hint="ask the administrator for a new code"
        )
    return answer, chain


_ASK = "check the address of the registry, or ask who runs it"


def _read_answer(payload: bytes, where: str) -> FleetAnswer:
    faults = Faults("registry")
    fields = Fields(read_canonical(payload, family="registry", where=where), where, faults)
    fields.number("mpp_fleet_answer", least=1, most=1)
    found = FleetAnswer(
        nonce=fields.text("nonce", most=32, pattern=_NONCE, form="32 hex digits"),
        host_id=_digest(fields, "host_id"),
        fleet_roots=base64text.read_field(fields, "fleet_roots", 1, 256 * KIB),
        policy_name=_optional_name(fields, "policy_name"),
        trust_name=_optional_name(fields, "trust_name"),
        witness_key=fields.text("witness_key", most=KEY_CHARS_MAX, least=0, pattern=_VKEY, form="a verifier key"),
    )
    fields.end()
    faults.stop()
    return found


def _optional_name(fields: Fields, key: str) -> str:
    return fields.text(key, most=FLEET_NAME_MAX, least=0, pattern=_OPTIONAL_NAME, form=FLEET_NAME_FORM)


# -- reports


@value
class InForce:
    """A signed document that holds on a host; version 0: none does."""

    name: str = ""
    version: int = 0
    digest: str = ""


NOTHING_IN_FORCE = InForce()


@value
class Runs:
    """One installed version."""

    package_id: str
    version: str
    publisher_id: str
    content_hash: str
    file_hash: str
    active: bool


@value
class Used:
    """One agent with one package of exactly these bytes, since some days."""

    agent: str
    package_id: str
    content_hash: str
    calls: int
    last: int


@value
class Report:
    """What runs on a host, by its own word: the registry believes that the host says so, and nothing more."""

    host_id: str
    at: int
    mpp: str
    log_key: str
    log_size: int
    policy: InForce
    trust: InForce
    packages: tuple[Runs, ...]
    uses: tuple[Used, ...]


def write_report(found: Report) -> bytes:
    packages: list[Json] = [
        {
            "package_id": one.package_id, "version": one.version, "publisher_id": one.publisher_id, "content_hash": one.content_hash,
            "file_hash": one.file_hash, "active": one.active,
        }
        for one in found.packages
    ]  # fmt: skip
    uses: list[Json] = [
        {"agent": one.agent, "package_id": one.package_id, "content_hash": one.content_hash, "calls": one.calls, "last": one.last} for one in found.uses
    ]
    return canonical(
        {
            "mpp_host_report": 1,
            "host_id": found.host_id,
            "at": found.at,
            "mpp": found.mpp,
            "log_key": found.log_key,
            "log_size": found.log_size,
            "policy": _in_force_json(found.policy),
            "trust": _in_force_json(found.trust),
            "packages": packages,
            "uses": uses,
        }
    )


def _in_force_json(one: InForce) -> dict[str, Json]:
    return {"name": one.name, "version": one.version, "digest": one.digest}


def read_report(data: bytes) -> Report:
    return _read(data, REPORT_BYTES_MAX, "mpp_host_report", "report", _read_report)


def _read_report(fields: Fields) -> Report:
    packages = fields.each("packages", lambda item, at: _read_runs(Fields(item, at, fields.faults)), most=REPORT_PACKAGES_MAX, required=True)
    uses = fields.each("uses", lambda item, at: _read_used(Fields(item, at, fields.faults)), most=REPORT_USES_MAX, required=True)
    _judge_twice(fields, "packages", [(one.package_id, one.content_hash) for one in packages])
    _judge_twice(fields, "uses", [(one.agent, one.package_id, one.content_hash) for one in uses])
    return Report(
        host_id=_digest(fields, "host_id"),
        at=fields.number("at", least=0, most=TIME_MAX),
        mpp=_words(fields, "mpp", MPP_VERSION_CHARS_MAX),
        log_key=fields.text("log_key", most=KEY_CHARS_MAX, least=0, pattern=_VKEY, form="a verifier key"),
        log_size=fields.number("log_size", least=0, most=JSON_INT_MAX),
        policy=_read_in_force(fields, "policy"),
        trust=_read_in_force(fields, "trust"),
        packages=packages,
        uses=uses,
    )


def _judge_twice(fields: Fields, key: str, names: Sequence[tuple[str, ...]]) -> None:
    if len(set(names)) != len(names):
        fields.faults.add("duplicate", fields.path(key), "names one twice", "name each once")


def _words(fields: Fields, key: str, most: int) -> str:
    """Attack: a host whose report steers the terminal of an administrator."""
    text = fields.text(key, most=most, least=0)
    if not text.isprintable():
        fields.faults.add("form", fields.path(key), f"{shown(text)!r} is not printable", "write plain words")
    return text


def _read_runs(fields: Fields) -> Runs:
    found = Runs(
        package_id=fields.text("package_id", most=PACKAGE_ID_MAX, pattern=PACKAGE_ID, form=PACKAGE_ID_FORM),
        version=fields.text("version", most=VERSION_MAX, pattern=VERSION, form=VERSION_FORM),
        publisher_id=_digest(fields, "publisher_id"),
        content_hash=_digest(fields, "content_hash"),
        file_hash=_digest(fields, "file_hash"),
        active=fields.flag("active"),
    )
    fields.end()
    return found


def _read_used(fields: Fields) -> Used:
    found = Used(
        agent=_words(fields, "agent", AGENT_CHARS_MAX),
        package_id=fields.text("package_id", most=PACKAGE_ID_MAX, pattern=PACKAGE_ID, form=PACKAGE_ID_FORM),
        content_hash=_digest(fields, "content_hash"),
        calls=fields.number("calls", least=1, most=CALLS_MAX),
        last=fields.number("last", least=0, most=TIME_MAX),
    )
    fields.end()
    return found


def _read_in_force(fields: Fields, key: str) -> InForce:
    one = fields.object(key) or Fields({}, fields.where, fields.faults)
    found = InForce(
        name=_words(one, "name", HOST_NAME_MAX),
        version=one.number("version", least=0, most=2**31 - 1),
        digest=one.text("digest", most=64, least=0, pattern=_OPTIONAL_DIGEST, form=SHA256_HEX_FORM),
    )
    one.end()
    return found
