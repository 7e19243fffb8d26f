from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mpp.errors import Refused
from mpp.model.manifest import parse_manifest
from mpp.stages.approval import (
    consent_of,
    make_question,
    read_consent,
    read_kept_answer,
    read_standing,
    sign_answer,
    standing_of,
    vouch,
    write_consent,
    write_kept_answer,
    write_standing,
)
from mpp.testing.packages import NOW, TestRandom, files
from mpp.testing.questions import approver_key, asked, given, need

QUESTION = make_question(asked(), need(), given(), TestRandom())
SEEN = vouch(QUESTION, yes=True, user="ada", amr="tty", now=NOW, scope="always")
SIGNED = sign_answer(QUESTION, approver_key("ada"), yes=False, approver="ada", amr="passphrase", now=NOW)
STANDING = standing_of(QUESTION, SEEN, "tty", TestRandom())
EXACT = standing_of(QUESTION, replace(SIGNED, yes=True), "passphrase", TestRandom(), exact=True)
MANIFEST = files()["manifest.json"]
CONSENT = consent_of(parse_manifest(MANIFEST), MANIFEST, tenant="local", publisher_id="ab" * 32, by="user:ada", amr="tty", now=NOW)


def test_what_is_kept_is_read_as_it_was() -> None:
    for answer in (SEEN, SIGNED):
        assert read_kept_answer(write_kept_answer(answer), where="here") == answer
    for standing in (STANDING, EXACT):
        assert read_standing(write_standing(standing), where="here") == standing
    for consent in (CONSENT, replace(CONSENT, layer="cd" * 32, by="policy:user/a/b", amr="")):
        assert read_consent(write_consent(consent), where="here") == consent


Spoil = Callable[[dict[str, Any]], object]
Read = Callable[..., object]
SPOILT: list[tuple[str, Read, bytes, Spoil, str]] = [
    ("an answer of another version", read_kept_answer, write_kept_answer(SEEN), lambda d: d.update(mpp_answer=2), "approval.range"),
    ("an answer with more", read_kept_answer, write_kept_answer(SEEN), lambda d: d.update(more=1), "approval.unknown_key"),
    ("an answer by nobody", read_kept_answer, write_kept_answer(SEEN), lambda d: d.update(amr="god"), "approval.choice"),
    ("a broken envelope", read_kept_answer, write_kept_answer(SEEN), lambda d: d.update(envelope="x"), "approval.base64"),
    ("a standing of another version", read_standing, write_standing(STANDING), lambda d: d.update(mpp_standing=2), "approval.range"),
    ("a standing with more", read_standing, write_standing(STANDING), lambda d: d.update(more=1), "approval.unknown_key"),
    ("a standing of no agent", read_standing, write_standing(STANDING), lambda d: d.pop("agent"), "approval.missing"),
    ("half of a digest", read_standing, write_standing(STANDING), lambda d: d.update(argument_sha256="ab"), "approval.form"),
    ("a budget below nothing", read_standing, write_standing(STANDING), lambda d: d.update(calls=-1), "approval.range"),
    ("a consent of another version", read_consent, write_consent(CONSENT), lambda d: d.update(mpp_consent=2), "approval.range"),
    ("a consent with more", read_consent, write_consent(CONSENT), lambda d: d.update(more=1), "approval.unknown_key"),
    ("a consent to nothing", read_consent, write_consent(CONSENT), lambda d: d.update(manifest=""), "approval.base64"),
    ("a consent to what is no base64", read_consent, write_consent(CONSENT), lambda d: d.update(manifest=b64encode(MANIFEST).decode()[:-1]), "approval.base64"),
]


@pytest.mark.parametrize(("read", "data", "spoil", "code"), [row[1:] for row in SPOILT], ids=[row[0] for row in SPOILT])
def test_what_was_changed_is_refused(read: Read, data: bytes, spoil: Spoil, code: str) -> None:
    document = json.loads(data)
    spoil(document)
    with pytest.raises(Refused) as caught:
        read(json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode(), where="here")
    assert caught.value.code == code
