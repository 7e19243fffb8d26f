"""Documents that are judged by themselves, without a package: one row of a table, and how it becomes a folder. HOST-CLI.md section 7."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from conformance.make import curve
from conformance.make.build import compact
from conformance.make.case import Row, shrink
from mpp.crypto.base64text import encode
from mpp.crypto.ed25519 import SeedSigner, key_id
from mpp.crypto.envelope import signed_bytes
from mpp.model.jsontext import Json
from mpp.testing.keys import fixed_signer

FOLDER = "documents"
"""Below the vectors: ``documents/KIND/CASE``."""

CONTEXTS = "contexts"
"""Below that: what several cases are judged with."""

STRANGER = fixed_signer("Stranger")
HOST, OTHER_HOST = fixed_signer("host"), fixed_signer("other host")
JTI = "0123456789abcdef" * 2
DAY = 86_400


@dataclass(frozen=True, kw_only=True)
class Document:
    """A vector before it is written. ``code`` is empty for one that must be accepted; then ``result`` is what must come back."""

    kind: str
    name: str
    title: str
    clauses: str
    data: bytes
    context: str | Mapping[str, Json]
    """What it is judged with; a text names one that several cases share."""
    code: str = ""
    result: Json = None
    ending: str = "json"
    beside: Mapping[str, bytes] = field(default_factory=dict)
    """Files that the context names."""

    @property
    def id(self) -> str:
        return f"{FOLDER}/{self.kind}/{self.name}"


Change = Mapping[str, Json]
"""Keys to new values; None removes a key."""


def changed(body: Mapping[str, Json], change: Change) -> dict[str, Json]:
    """The object with some of its keys changed."""
    return {key: item for key, item in {**body, **change}.items() if item is not None}


Sign = Callable[[SeedSigner, bytes], bytes]


def sound(signer: SeedSigner, message: bytes) -> bytes:
    return signer.sign(message)


def sealed(payload_type: str, body: Mapping[str, Json] | bytes, *by: SeedSigner, sign: Sign = sound, stated_type: str = "") -> bytes:
    """An envelope with one signature by each of ``by``. ``stated_type`` is what it says of itself, if not what is signed."""
    payload = body if isinstance(body, bytes) else compact({**body})
    message = signed_bytes(payload_type, payload)
    made = {key_id(signer.public_key): sign(signer, message) for signer in by}
    rows: list[Json] = [{"keyid": key, "sig": encode(made[key])} for key in sorted(made)]
    return compact({"payload": encode(payload), "payloadType": stated_type or payload_type, "signatures": rows})


def _plus_order(signer: SeedSigner, message: bytes) -> bytes:
    found = signer.sign(message)
    return found[:32] + (int.from_bytes(found[32:], "little") + curve.ORDER).to_bytes(32, "little")


def _flipped(signer: SeedSigner, message: bytes) -> bytes:
    found = signer.sign(message)
    return found[:40] + bytes((found[40] ^ 1,)) + found[41:]


def _other_message(signer: SeedSigner, message: bytes) -> bytes:
    return signer.sign(message + b" ")


def by_stranger(_: SeedSigner, message: bytes) -> bytes:
    return STRANGER.sign(message)


SIGNATURES: tuple[tuple[str, str, str, Sign], ...] = (
    ("signature-bit", "One bit of the signature turned", "K-24", _flipped),
    ("signature-plus-order", "S plus the group order: the same signature for verifiers that do not look", "K-3", _plus_order),
    ("signature-other-message", "A sound signature over another message", "K-24", _other_message),
    ("signature-by-stranger", "A signature by another key under the right key id", "K-24", by_stranger),
)
"""Signatures under the right key id that must not verify."""


def spoilt(payload_type: str, body: Mapping[str, Json], by: SeedSigner, *, other_type: str) -> Iterator[tuple[str, str, str, str, bytes]]:
    """What can be wrong with any signed document: name, title, clauses of keys.md, the name of the code's meaning, bytes.

    The meaning is ``envelope``, ``json`` or ``signature``; each kind has its own code for it.
    """
    whole = sealed(payload_type, body, by)
    payload = compact({**body})
    lines: dict[str, Json] = json.loads(whole)
    yield "type-other", "A sound signature over a document of another kind", "K-20", "envelope", sealed(other_type, body, by)
    restated = sealed(other_type, body, by, stated_type=payload_type)
    yield "type-restated", "The right type in the envelope, another one in what is signed", "K-24", "signature", restated
    yield "signatures-none", "No signature", "K-20", "envelope", sealed(payload_type, body)
    yield "signatures-two", "A second, sound signature", "K-20", "envelope", sealed(payload_type, body, by, STRANGER)
    yield "envelope-spaced", "An envelope with a space after each colon", "K-10", "envelope", json.dumps(lines, sort_keys=True).encode()
    yield "envelope-line-feed", "A line feed after the envelope", "K-10", "envelope", whole + b"\n"
    yield "envelope-key", "A key of the envelope that nobody knows", "K-13", "envelope", compact({**lines, "note": "x"})
    spaced = json.dumps({**body}, sort_keys=True).encode()
    yield "payload-spaced", "A signed payload that is not in canonical form", "K-10", "json", sealed(payload_type, spaced, by)
    twice = payload[:-1] + b"," + payload[1:].partition(b",")[0].rstrip(b"}") + b"}"
    yield "payload-key-twice", "A signed payload with one key twice", "K-10", "json", sealed(payload_type, twice, by)
    for name, title, clauses, sign in SIGNATURES:
        yield name, title, clauses, "signature", sealed(payload_type, body, by, sign=sign)


def public(signer: SeedSigner) -> str:
    """A public key as documents write it."""
    return encode(signer.public_key)


def signer_id(signer: SeedSigner) -> str:
    return key_id(signer.public_key)


def write_document(one: Document, vectors: Path) -> None:
    """The folder of ``one`` below ``vectors``."""
    folder = vectors / one.id
    folder.mkdir(parents=True)
    recipe, part = shrink(one.data)
    name = f"document.{one.ending}"
    row: dict[str, Row] = {"id": one.id, "title": one.title, "clauses": one.clauses.split(), "kind": one.kind, "document": name}
    row |= {"code": one.code} if one.code else {"accept": True}
    if isinstance(one.context, str):
        row["context"] = one.context
    else:
        (folder / "context.json").write_bytes(_readable(dict(one.context)))
    if recipe:
        row["generate"] = recipe
    (folder / ("document.part" if recipe else name)).write_bytes(part)
    for file, data in one.beside.items():
        (folder / file).write_bytes(data)
    if not one.code:
        (folder / "result.json").write_bytes(_readable(one.result))
    lines = [f"{key} = {json.dumps(item)}\n" for key, item in row.items()]
    (folder / "case.toml").write_text("".join(lines), encoding="utf-8")


def write_contexts(shared: Mapping[str, Mapping[str, Json]], vectors: Path) -> None:
    """The contexts that cases name."""
    folder = vectors / FOLDER / CONTEXTS
    folder.mkdir(parents=True)
    for name, context in shared.items():
        (folder / f"{name}.json").write_bytes(_readable(dict(context)))


def _readable(found: Json) -> bytes:
    return in_lines(found) if isinstance(found, dict) else json.dumps(found).encode("ascii") + b"\n"


def in_lines(found: Mapping[str, Json]) -> bytes:
    """A document with each key, and each item of a list of objects, on a line of its own."""
    return ("{\n" + ",\n".join(f" {json.dumps(key)}: {_item(item)}" for key, item in found.items()) + "\n}\n").encode("ascii")


def _item(found: Json) -> str:
    if isinstance(found, list) and any(isinstance(one, dict) for one in found):
        return "[\n" + ",\n".join(f"  {json.dumps(one)}" for one in found) + "\n ]"
    return json.dumps(found)
