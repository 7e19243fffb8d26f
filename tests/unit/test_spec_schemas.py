"""The JSON Schemas in spec/schema fit what the library writes, and nothing with a key more."""

from __future__ import annotations

import copy
import json
from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import jsonschema_rs
import pytest

from mpp.crypto.keyfile import ARGON_BYTES_MIN, write_key
from mpp.host.trust_store import with_pin, with_publisher, write_trust
from mpp.model.jsontext import Json
from mpp.stages.archive import PUBLISHER_NAME, SIGNATURE_NAME, read_archive, read_member
from mpp.stages.gatekeeper import NO_TRUST
from mpp.testing.keys import fixed_seed, publisher, rotated
from mpp.testing.packages import NOW, TestRandom, signed

FOLDER = Path(__file__).resolve().parents[2] / "spec" / "schema"
OWNED = ("envelope", "keyfile", "publisher", "statement", "trust")
DIGEST = "0" * 64


@cache
def validator(name: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(json.loads((FOLDER / f"{name}.schema.json").read_text(encoding="utf-8")))


@cache
def member(name: str) -> bytes:
    """A seal member of a package whose publisher has rotated once and has revoked keys and two signers."""
    who = rotated(publisher(releases=2, release_threshold=2), "second", new_root=True, revoke=True)
    archive = read_archive(signed(who))
    found = archive.find(name)
    return b"" if found is None else read_member(archive, found)


def envelope() -> bytes:
    return member(SIGNATURE_NAME)


def statement() -> bytes:
    return b64decode(json.loads(envelope())["payload"])


def publishers() -> bytes:
    return member(PUBLISHER_NAME)


def plain_key() -> bytes:
    return write_key(fixed_seed("schema"), "root", None, TestRandom())


def sealed_key() -> bytes:
    return write_key(fixed_seed("schema"), "release", b"a " + b"passphrase", TestRandom(), ops=1, memory=ARGON_BYTES_MIN)


def full_trust() -> bytes:
    one, two = publisher("One"), rotated(publisher("Two"), "second", revoke=True)
    state = with_publisher(with_publisher(NO_TRUST, one.chain, any_package=True), two.chain, until=NOW)
    state = with_pin(with_pin(state, "com.example.hello", one.id), "com.example.", two.id)
    digests = frozenset((DIGEST,))
    return write_trust(replace(state, revoked_publishers=digests, revoked_content=digests, installed=digests, first_use=False))


def no_trust() -> bytes:
    return write_trust(NO_TRUST)


DOCUMENTS: list[tuple[str, Callable[[], bytes]]] = [
    ("envelope", envelope),
    ("statement", statement),
    ("publisher", publishers),
    ("keyfile", plain_key),
    ("keyfile", sealed_key),
    ("trust", full_trust),
    ("trust", no_trust),
]
IDS = [f"{name}-{make.__name__}" for name, make in DOCUMENTS]


@pytest.mark.parametrize(("name", "make"), DOCUMENTS, ids=IDS)
def test_a_real_document_fits_its_schema(name: str, make: Callable[[], bytes]) -> None:
    validator(name).validate(json.loads(make()))


def objects(document: Json) -> Iterator[dict[str, Json]]:
    """Every object in a document, the document itself first."""
    if isinstance(document, dict):
        yield document
    for item in document.values() if isinstance(document, dict) else document if isinstance(document, list) else ():
        yield from objects(item)


@pytest.mark.parametrize(("name", "make"), DOCUMENTS, ids=IDS)
def test_a_key_more_is_refused_at_every_place(name: str, make: Callable[[], bytes]) -> None:
    document: Json = json.loads(make())
    for i in range(len(list(objects(document)))):
        spoilt = copy.deepcopy(document)
        list(objects(spoilt))[i]["one more"] = True
        assert not validator(name).is_valid(spoilt), list(objects(spoilt))[i]


@pytest.mark.parametrize(("name", "make"), DOCUMENTS, ids=IDS)
def test_a_missing_key_is_refused(name: str, make: Callable[[], bytes]) -> None:
    document = json.loads(make())
    optional = {"publishers", "pins", "prefixes", "revoked_publishers", "revoked_content", "installed", "first_use"}
    for key in document.keys() - optional:
        assert not validator(name).is_valid({one: item for one, item in document.items() if one != key}), key


WRONG: list[tuple[str, Callable[[], bytes], str, Json]] = [
    ("statement", statement, "predicate/container", 2),
    ("statement", statement, "predicate/signers", []),
    ("statement", statement, "predicate/created", -1),
    ("statement", statement, "predicate/publisher_id", DIGEST.replace("0", "A")),
    ("statement", statement, "subject", []),
    ("statement", statement, "subject/0/name", "com.example.hello"),
    ("envelope", envelope, "payloadType", "application/json"),
    ("envelope", envelope, "signatures/0/sig", "AAAA"),
    ("publisher", publishers, "roots", []),
    ("publisher", publishers, "roots/0/signed/version", 0),
    ("publisher", publishers, "roots/0/signed/type", "mpp-root-2"),
    ("publisher", publishers, "roots/0/signed/roles/root/keys", []),
    ("publisher", publishers, "roots/1/signed/revoked/0/key", "pub_00"),
    ("keyfile", sealed_key, "seed", "A" * 43 + "="),
    ("keyfile", sealed_key, "sealed/ops", 17),
    ("keyfile", sealed_key, "sealed/memory_bytes", ARGON_BYTES_MIN - 1),
    ("keyfile", plain_key, "role", "publisher"),
    ("keyfile", plain_key, "alg", "rsa"),
    ("trust", full_trust, "mpp_trust", 2),
    ("trust", full_trust, "pins", {"com.example.": DIGEST}),
    ("trust", full_trust, "prefixes", {"com.example": DIGEST}),
    ("trust", full_trust, "installed", [DIGEST, DIGEST]),
]


@pytest.mark.parametrize(("name", "make", "path", "item"), WRONG, ids=[f"{name}-{path}" for name, _, path, _ in WRONG])
def test_a_wrong_value_is_refused(name: str, make: Callable[[], bytes], path: str, item: Json) -> None:
    document = json.loads(make())
    place = document
    *steps, last = path.split("/")
    for step in steps:
        place = place[int(step) if isinstance(place, list) else step]
    place[int(last) if isinstance(place, list) else last] = item
    assert not validator(name).is_valid(document)


@pytest.mark.parametrize("name", OWNED)
def test_every_object_of_a_schema_is_closed(name: str) -> None:
    schema: Json = json.loads((FOLDER / f"{name}.schema.json").read_text(encoding="utf-8"))
    kinds = [one for one in objects(schema) if one.get("type") == "object"]
    assert kinds, name
    assert [one for one in kinds if "additionalProperties" not in one] == []
