"""Sound packages, layer by layer. A hook spoils one layer; everything above it is made to fit, so one defect stays one."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256

from mpp.crypto.base64text import encode
from mpp.crypto.ed25519 import SeedSigner, key_id
from mpp.crypto.envelope import signed_bytes
from mpp.model.jsontext import Json
from mpp.testing import packages
from mpp.testing.keys import TestPublisher, publisher
from mpp.testing.packages import ENTRYPOINT, NOW
from mpp.testing.rawzip import RawMember, raw_zip
from mpp.testing.wasm import module

__all__ = ["ENTRYPOINT", "EXAMPLE", "GONE", "NOW", "Package", "Seal", "body", "compact", "edit", "files", "find", "package"]

GONE = "\0gone"
"""As a change: remove the key."""

MANIFEST_NAME, PUBLISHER_NAME, SIGNATURE_NAME = "manifest.json", "_mpp/publisher.json", "_mpp/signature.dsse.json"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
EXAMPLE = publisher()
README = b"# hello\n\nGreets by name.\n"


def compact(document: Json) -> bytes:
    """The canonical form, also of documents that no canonical form allows."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def edit(document: Json, changes: Mapping[str, Json]) -> Json:
    """A copy with some places changed; a place is its keys and indices, joined by ``>``."""
    found = copy.deepcopy(document)
    for path, item in changes.items():
        *steps, last = path.split(">")
        at: Json = found
        for step in steps:
            at = at[int(step)] if isinstance(at, list) else at[step] if isinstance(at, dict) else None
        if isinstance(at, list):
            at[int(last) : int(last) + 1] = [] if item == GONE else [item]
        elif isinstance(at, dict) and item == GONE:
            del at[last]
        elif isinstance(at, dict):
            at[last] = item
    return found


def manifest(changes: Mapping[str, Json] | None = None) -> dict[str, Json]:
    """The manifest of the sound package, with changes as ``edit`` takes them."""
    found = edit(packages.manifest(), changes or {})
    return found if isinstance(found, dict) else {}


def files(
    changes: Mapping[str, Json] | None = None, *, text: bytes | None = None, code: bytes | None = None, extra: Mapping[str, bytes | None] | None = None
) -> dict[str, bytes]:
    """The members of the sound package; ``extra`` adds members, or removes those it maps to None."""
    plain = text if text is not None else json.dumps(manifest(changes)).encode("utf-8")
    entrypoint = module() if code is None else code
    every = {MANIFEST_NAME: plain, ENTRYPOINT: entrypoint, "README.md": README, **(extra or {})}
    return {name: data for name, data in every.items() if data is not None}


def order(name: str) -> tuple[int, str]:
    """The canonical place of a member."""
    return (0 if name == MANIFEST_NAME else 2 if name in (PUBLISHER_NAME, SIGNATURE_NAME) else 1, name)


def body(members: Mapping[str, bytes] | None = None) -> list[RawMember]:
    """Stored members in canonical order. Names are Latin-1 texts, one character a byte."""
    listed = files() if members is None else members
    return [RawMember(name=name.encode("latin-1"), plain=listed[name]) for name in sorted(listed, key=order)]


def find(members: Sequence[RawMember], name: str) -> RawMember:
    """The member of that name, to be spoilt in place."""
    return next(member for member in members if member.name == name.encode("latin-1"))


def _same(data: bytes) -> bytes:
    return data


def signer_id(signer: SeedSigner) -> str:
    """The full id of a signer's key, by which signatures are ordered."""
    return key_id(signer.public_key)


def _sound(signer: SeedSigner, message: bytes) -> bytes:
    return signer.sign(message)


@dataclass(frozen=True, kw_only=True)
class Seal:
    """How a body is sealed. Every hook has a sound default."""

    by: TestPublisher = EXAMPLE
    signers: tuple[SeedSigner, ...] | None = None
    """Who signs; by default the release keys of ``by``."""
    listed: tuple[str, ...] | None = None
    """The signers that the statement lists; by default those who sign."""
    package_id: str = "com.example.hello"
    version: str = "0.1.0"
    entrypoint: str = ENTRYPOINT
    content_hash: str = ""
    """By default the true one."""
    statement: Mapping[str, Json] = field(default_factory=dict)
    payload: Callable[[bytes], bytes] = _same
    kind: str = PAYLOAD_TYPE
    """The payload type that is inside of what is signed."""
    sign: Callable[[SeedSigner, bytes], bytes] = _sound
    envelope: Mapping[str, Json] = field(default_factory=dict)
    text: Callable[[bytes], bytes] = _same
    """Spoils the bytes of the envelope."""
    publisher: bytes | None = None
    """The bytes of publisher.json; by default those of ``by``."""


@dataclass(frozen=True, kw_only=True)
class Package:
    """A body and how it is sealed; unsealed if that is None."""

    body: list[RawMember]
    seal: Seal | None

    @property
    def content_hash(self) -> str:
        return sha256(raw_zip(self.body)).hexdigest()

    def members(self) -> list[RawMember]:
        """All members, fresh copies that may be spoilt."""
        rows = [replace(member, central=dict(member.central)) for member in self.body]
        if self.seal is None:
            return rows
        signature, chain = _sealing(self, self.seal)
        return [*rows, RawMember(name=PUBLISHER_NAME.encode(), plain=chain), RawMember(name=SIGNATURE_NAME.encode(), plain=signature)]

    @property
    def data(self) -> bytes:
        return raw_zip(self.members())


def package(members: Mapping[str, bytes] | None = None, **seal: object) -> Package:
    """A package of ``members`` with the seal that the hooks describe."""
    return Package(body=body(members), seal=Seal(**seal))  # type: ignore[arg-type]  # each hook is used as its type says, or the vectors show it


def _sealing(what: Package, seal: Seal) -> tuple[bytes, bytes]:
    signers = seal.by.release if seal.signers is None else seal.signers
    chain = seal.by.chain.data if seal.publisher is None else seal.publisher
    listed = seal.listed if seal.listed is not None else tuple(sorted(key_id(one.public_key) for one in signers))
    digests: dict[str, Json] = {member.name.decode("latin-1"): sha256(member.plain).hexdigest() for member in what.body}
    predicate: dict[str, Json] = {
        "container": 1,
        "publisher_id": seal.by.id,
        "publisher_sha256": sha256(chain).hexdigest(),
        "entrypoint": seal.entrypoint,
        "files": digests,
        "signers": [*listed],
        "created": NOW,
    }
    subject: Json = {"name": f"{seal.package_id}@{seal.version}", "digest": {"sha256": seal.content_hash or what.content_hash}}
    statement: Json = {"_type": "https://in-toto.io/Statement/v1", "predicateType": "urn:mpp:package:1", "subject": [subject], "predicate": predicate}
    payload = seal.payload(compact(edit(statement, seal.statement)))
    message = signed_bytes(seal.kind, payload)
    rows: list[Json] = [{"keyid": key_id(one.public_key), "sig": encode(seal.sign(one, message))} for one in sorted(signers, key=signer_id)]
    envelope: Json = {"payload": encode(payload), "payloadType": PAYLOAD_TYPE, "signatures": rows}
    return seal.text(compact(edit(envelope, seal.envelope))), chain
