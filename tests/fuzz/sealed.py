"""Packages that are wrong inside and rightly signed all the same, by the fixed test keys."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256
from random import Random

from mpp.crypto import base64text
from mpp.crypto.envelope import signed_bytes
from mpp.crypto.roots import ROOT_TYPE
from mpp.model.jsontext import Json, canonical
from mpp.stages.archive import PUBLISHER_NAME, SIGNATURE_NAME
from mpp.stages.gatekeeper import PAYLOAD_TYPE, Statement, write_statement
from mpp.testing.keys import TestPublisher, fixed_signer, publisher, rotated
from mpp.testing.packages import ENTRYPOINT, NOW, files, trusting
from mpp.testing.rawzip import RawMember, raw_zip
from mpp.testing.wasm import component, module
from mutate import compact, mutate_bytes, mutate_document, mutate_json, mutate_wasm

PUBLISHER: TestPublisher = rotated(publisher(), "two", revoke=True)
"""At version 2, so that a wrong second version still has the trusted identity."""

TRUST = trusting(PUBLISHER)
TRUST_OLD = trusting(publisher())
CHAIN_V1 = publisher().chain.data
RIGHTS: dict[str, Json] = {
    "capabilities/network": [
        "api.example.com",
        "*.example.org",
        {"host": "api.example.net", "schemes": ["https"], "ports": [443], "methods": ["GET"], "paths": ["/v1/items"]},
    ],
    "capabilities/filesystem": {"read": ["${workspace}/in", "/srv/data"], "write": ["${workspace}/out"]},
    "capabilities/env_vars": ["GREETING"],
}
FILES: tuple[dict[str, bytes], ...] = (
    files(),
    files(RIGHTS, {"assets/a.txt": b"line\n" * 400}),
    files(
        {"runtime/type": "wasi-component"},
        {ENTRYPOINT: component(["wasi:cli/stdout@0.2.0"])},
    ),
    files(None, {ENTRYPOINT: module([("wasi_snapshot_preview1", "fd_write", "iiii:i"), ("mpp_host", "call", "iiii:i")], functions=3, data=[(8, b"hello")])}),
)
"""Sound insides: small, with rights, a component, a module with imports."""

WASM: tuple[bytes, ...] = (*(one[ENTRYPOINT] for one in FILES), module(custom=[("producers", b"\0")], start=True), component())


def seal(
    members: Sequence[RawMember], statement: bytes, chain: bytes, signers: Sequence[str] = ("Example Publisher release two 0",), kind: str = PAYLOAD_TYPE
) -> bytes:
    """The members with a seal over ``statement``, signed truly."""
    envelope = envelope_of(statement, signers, kind)
    return raw_zip([*members, RawMember(name=PUBLISHER_NAME.encode(), plain=chain), RawMember(name=SIGNATURE_NAME.encode(), plain=compact(envelope))])


def envelope_of(statement: bytes, signers: Sequence[str], kind: str = PAYLOAD_TYPE) -> Json:
    made = sorted((key, text) for key, text in (_signature(label, signed_bytes(kind, statement)) for label in signers))
    rows: list[Json] = [{"keyid": key, "sig": text} for key, text in made]
    return {"payload": base64text.encode(statement), "payloadType": kind, "signatures": rows}


def _signature(label: str, message: bytes) -> tuple[str, str]:
    signer = fixed_signer(label)
    return sha256(signer.public_key).hexdigest(), base64text.encode(signer.sign(message))


def raw(inside: dict[str, bytes], rng: Random) -> list[RawMember]:
    """The members in canonical order, deflated where that is allowed and chance wants it."""
    names = sorted(inside, key=lambda name: (name != "manifest.json", name))
    out: list[RawMember] = []
    for name in names:
        member = RawMember(name=name.encode("latin-1", "replace"), plain=inside[name])
        if name != "manifest.json" and len(inside[name]) > 40 and rng.randrange(2):
            member.method = 8
            if len(member.body()) >= len(member.plain):
                member.method = 0
        out.append(member)
    return out


def statement_of(inside: dict[str, bytes], content: bytes, chain: bytes, **changes: object) -> Statement:
    """What an honest signer would say of these members, as far as the manifest can be read at all."""
    try:
        found = json.loads(inside["manifest.json"])
        said = [str(found["package_id"]), str(found["version"]), str(found["runtime"]["entrypoint"])]
    except (ValueError, KeyError, TypeError, RecursionError):
        said = ["com.example.hello", "0.1.0", ENTRYPOINT]
    fields: dict[str, object] = {
        "package_id": said[0],
        "version": said[1],
        "content_hash": sha256(content).hexdigest(),
        "publisher_id": PUBLISHER.id,
        "publisher_digest": sha256(chain).hexdigest(),
        "files": {name: sha256(plain).hexdigest() for name, plain in inside.items()},
        "entrypoint": said[2],
        "signers": PUBLISHER.release_ids,
        "created": NOW,
    }
    return Statement(**{**fields, **changes})  # type: ignore[arg-type]


def statement_bytes(statement: Statement) -> bytes:
    """Also of names that a statement cannot hold."""
    try:
        return write_statement(statement)
    except (ValueError, UnicodeError):
        return b"{}"


def mutate_inside(rng: Random, inside: dict[str, bytes]) -> dict[str, bytes]:
    """One member changed, renamed, added or taken away; mostly the manifest or the code."""
    out = dict(inside)
    what = rng.randrange(10)
    if what < 5:
        out["manifest.json"] = mutate_document(rng, inside["manifest.json"])
    elif what < 8:
        out[ENTRYPOINT] = mutate_wasm(rng, inside[ENTRYPOINT], rng.choice(WASM))
    elif what == 8:
        out[rng.choice(("a", "assets/b.wasm", "_mpp/sbom.cdx.json", "_mpp/x", "CON", "README.MD", "bin", "../up", "a" * 250))] = rng.choice(
            (b"", b"text", *WASM)
        )
    else:
        out.pop(rng.choice(sorted(out)[:-1]))
        out.setdefault("manifest.json", inside["manifest.json"])
    return out


def mutate_chain(rng: Random) -> bytes:
    """The second root document changed and signed again by the root key; the first keeps the identity."""
    document = json.loads(PUBLISHER.chain.data)
    last = document["roots"][-1]
    if rng.randrange(5) == 0:
        return mutate_bytes(rng, PUBLISHER.chain.data)
    last["signed"] = mutate_json(rng, last["signed"])
    try:
        body = canonical(last["signed"])
    except (ValueError, UnicodeError):
        return compact(document)
    key, text = _signature("Example Publisher root 0", signed_bytes(ROOT_TYPE, body))
    last["signatures"] = [{"key": key, "sig": text}]
    return compact(document)
