from __future__ import annotations

import json
from dataclasses import replace

import pytest

from mpp.errors import Refused
from mpp.limits import SIGNERS_MAX
from mpp.model.jsontext import Json, canonical
from mpp.stages.archive.limits import ENTRIES_MAX
from mpp.stages.gatekeeper import Statement, write_statement
from mpp.stages.gatekeeper.limits import STATEMENT_BYTES_MAX
from mpp.stages.gatekeeper.statement import CREATED_MAX, read_statement

SOUND = Statement(
    package_id="com.example.hello",
    version="1.0.0-rc.1+build.5",
    content_hash="1" * 64,
    publisher_id="2" * 64,
    publisher_digest="3" * 64,
    files={"manifest.json": "4" * 64, "a": "5" * 64},
    entrypoint="a",
    signers=("6" * 64, "7" * 64),
    created=0,
)
DATA = write_statement(SOUND)


def changed(path: str, item: Json) -> bytes:
    document = json.loads(DATA)
    at = document
    *steps, last = path.split("|")
    for step in steps:
        at = at[int(step)] if isinstance(at, list) else at[step]
    if item is None:
        del at[last]
    else:
        at[last] = item
    return canonical(document)


@pytest.mark.parametrize("statement", [SOUND, replace(SOUND, files={}), replace(SOUND, created=CREATED_MAX), replace(SOUND, signers=("0" * 64,))])
def test_a_statement_comes_back(statement: Statement) -> None:
    assert read_statement(write_statement(statement), where="s") == statement


def test_the_form_is_an_in_toto_statement() -> None:
    document = json.loads(DATA)
    assert document["_type"] == "https://in-toto.io/Statement/v1"
    assert document["subject"] == [{"name": "com.example.hello@1.0.0-rc.1+build.5", "digest": {"sha256": "1" * 64}}]
    assert document["predicateType"] == "urn:mpp:package:1"


SUBJECT = {"name": "com.example.hello@1.0.0", "digest": {"sha256": "1" * 64}}
WRONG: dict[str, tuple[bytes, str]] = {
    "not JSON": (b"", "json"),
    "not canonical": (DATA + b" ", "json"),
    "a list": (b"[]", "type"),
    "another type": (changed("_type", "https://in-toto.io/Statement/v0.1"), "choice"),
    "another predicate": (changed("predicateType", "urn:mpp:package:2"), "choice"),
    "an unknown key": (changed("expires", 1), "unknown_key"),
    "no predicate": (changed("predicate", None), "missing"),
    "a predicate that is a list": (changed("predicate", []), "type"),
    "an unknown key in the predicate": (changed("predicate|expires", 1), "unknown_key"),
    "another container": (changed("predicate|container", 2), "range"),
    "no container": (changed("predicate|container", None), "missing"),
    "no subject": (changed("subject", []), "length"),
    "two subjects": (changed("subject", [SUBJECT, SUBJECT]), "length"),
    "a subject that is a text": (changed("subject", ["x"]), "type"),
    "a subject without a version": (changed("subject|0|name", "com.example.hello"), "subject"),
    "a subject without an id": (changed("subject|0|name", "@1.0.0"), "subject"),
    "a subject with two versions": (changed("subject|0|name", "com.example.hello@1.0.0@2.0.0"), "subject"),
    "a subject with spaces": (changed("subject|0|name", "com.example.hello@1.0.0 "), "subject"),
    "an unknown key of the subject": (changed("subject|0|uri", "x"), "unknown_key"),
    "no digest": (changed("subject|0|digest", None), "missing"),
    "a second digest": (changed("subject|0|digest|sha512", "0" * 128), "unknown_key"),
    "another digest": (changed("subject|0|digest", {"md5": "0" * 32}), "missing"),
    "a digest in capitals": (changed("subject|0|digest|sha256", "A" * 64), "form"),
    "a short publisher id": (changed("predicate|publisher_id", "0" * 63), "form"),
    "a short publisher digest": (changed("predicate|publisher_sha256", ""), "length"),
    "files as a list": (changed("predicate|files", []), "type"),
    "no files": (changed("predicate|files", None), "missing"),
    "a file digest of another form": (changed("predicate|files|a", "x"), "form"),
    "a file digest that is a number": (changed("predicate|files|a", 1), "type"),
    "too many files": (changed("predicate|files", {str(i): "0" * 64 for i in range(ENTRIES_MAX + 1)}), "length"),
    "no entrypoint": (changed("predicate|entrypoint", ""), "length"),
    "a signer of another form": (changed("predicate|signers", ["x"]), "form"),
    "a signer twice": (changed("predicate|signers", ["6" * 64] * 2), "duplicate"),
    "descending signers": (changed("predicate|signers", ["7" * 64, "6" * 64]), "signers"),
    "no signers": (changed("predicate|signers", []), "signers"),
    "signers missing": (changed("predicate|signers", None), "missing"),
    "too many signers": (changed("predicate|signers", [f"{i:064x}" for i in range(SIGNERS_MAX + 1)]), "length"),
    "created before 1970": (changed("predicate|created", -1), "range"),
    "created after 2100": (changed("predicate|created", CREATED_MAX + 1), "range"),
    "created as a text": (changed("predicate|created", "now"), "type"),
}


@pytest.mark.parametrize(("data", "code"), WRONG.values(), ids=WRONG.keys())
def test_any_other_statement_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(Refused) as refusal:
        read_statement(data, where="s")
    assert f"signature.{code}" in {fault.code for fault in refusal.value.faults}


def test_the_largest_package_has_a_statement_within_the_limit() -> None:
    names = {f"{i:04d}" + "n" * 156: "0" * 64 for i in range(ENTRIES_MAX)}
    assert len(write_statement(replace(SOUND, files=names))) < STATEMENT_BYTES_MAX
