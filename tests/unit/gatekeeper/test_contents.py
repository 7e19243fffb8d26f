"""Checks 6 and 7 on packages whose signature is sound and whose inside is not what it says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256

import pytest

from mpp.errors import Refused
from mpp.model.jsontext import Json
from mpp.stages.archive import MANIFEST_NAME, SBOM_NAME, pack, read_archive
from mpp.stages.gatekeeper import contents, judge_unsigned, read_inside, verify
from mpp.testing.keys import publisher
from mpp.testing.packages import ENTRYPOINT, NOW, files, manifest, signed, trusting, unsigned
from mpp.testing.rawzip import raw_members, raw_zip
from mpp.testing.wasm import CORE, module
from tests.forge import forged, statement_of

WHO = publisher()
TRUST = trusting(WHO)
PLAIN = unsigned()
HONEST = statement_of(PLAIN, WHO)
NOISE = b"".join(sha256(b"%d" % i).digest() for i in range(20_000))
LAYER: dict[str, Json] = {"id": "com.example.python", "version": "3.13.0", "sha256": "0" * 64}
PYTHON: dict[str, Json] = {"runtime/type": "python", "runtime/entrypoint": "main.py", "runtime/layer": LAYER}


def code_of(data: bytes) -> str:
    with pytest.raises(Refused) as refusal:
        verify(data, TRUST, NOW)
    return refusal.value.code


def of_inside(changes: Mapping[str, Json] | None = None, extra: Mapping[str, bytes] | None = None, drop: str = "") -> bytes:
    """A package that no honest tool signs, under a sound signature: the statement follows from the inside."""
    inside = {name: data for name, data in files(changes, extra).items() if name != drop}
    data = pack(inside)
    text = json.loads(inside[MANIFEST_NAME]) if inside[MANIFEST_NAME].startswith(b"{") else manifest()
    statement = replace(
        HONEST,
        content_hash=sha256(data).hexdigest(),
        files={name: sha256(plain).hexdigest() for name, plain in inside.items()},
        entrypoint=text["runtime"]["entrypoint"],
    )
    return forged(data, WHO, statement=statement)


CASES: dict[str, tuple[bytes, str]] = {
    "a member missing from the list": (forged(PLAIN, WHO, files={name: HONEST.files[name] for name in HONEST.files if name != "README.md"}), "manifest.files"),
    "a member too many in the list": (forged(PLAIN, WHO, files={**HONEST.files, "z": "0" * 64}), "manifest.files"),
    "a member renamed in the list": (
        forged(PLAIN, WHO, files={("README" if name == "README.md" else name): one for name, one in HONEST.files.items()}),
        "manifest.files",
    ),
    "another digest of a member": (forged(PLAIN, WHO, files={**HONEST.files, "README.md": "0" * 64}), "manifest.file_digest"),
    "another digest of the manifest": (forged(PLAIN, WHO, files={**HONEST.files, MANIFEST_NAME: "0" * 64}), "manifest.file_digest"),
    "another package id": (forged(PLAIN, WHO, package_id="com.example.other"), "manifest.identity"),
    "another version": (forged(PLAIN, WHO, version="9.9.9"), "manifest.identity"),
    "another entrypoint": (forged(PLAIN, WHO, entrypoint="README.md"), "manifest.entrypoint"),
    "an entrypoint that is no member": (forged(PLAIN, WHO, entrypoint="nowhere.wasm"), "manifest.entrypoint"),
    "a key that did not sign": (of_inside({"publisher/verified_key_id": "pub_" + "0" * 16}), "manifest.key_id"),
    "a manifest that is not JSON": (of_inside(extra={MANIFEST_NAME: b"x"}), "manifest.json"),
    "a manifest with an unknown key": (of_inside({"surprise": 1}), "manifest.unknown_key"),
    "no entrypoint": (of_inside(drop=ENTRYPOINT), "wasm.missing"),
    "an entrypoint that is no wasm": (of_inside(extra={ENTRYPOINT: b"#!/bin/sh"}), "wasm.preamble"),
    "code beside the sources": (of_inside(PYTHON, {"main.py": b"print()"}), "wasm.unexpected"),
    "code in another name": (of_inside(PYTHON, {"main.py": CORE}, drop=ENTRYPOINT), "wasm.unexpected"),
}


@pytest.mark.parametrize(("data", "code"), CASES.values(), ids=CASES.keys())
def test_the_inside_is_what_was_signed(data: bytes, code: str) -> None:
    found = code_of(data)
    assert found == code


def test_a_capability_fault_belongs_to_check_7() -> None:
    with pytest.raises(Refused) as refusal:
        verify(of_inside({"capabilities/network": ["*"]}), TRUST, NOW)
    assert (refusal.value.check, refusal.value.code.partition(".")[0]) == (7, "capability")


def test_interpreted_tools_carry_no_code() -> None:
    package = verify(of_inside(PYTHON, {"main.py": b"print()"}, drop=ENTRYPOINT), TRUST, NOW)
    assert package.wasm is None
    assert package.manifest.runtime.type == "python"


def test_the_signing_key_may_be_named() -> None:
    key = "pub_" + WHO.release_ids[0][:16]
    assert verify(signed(WHO, {"publisher/verified_key_id": key}), TRUST, NOW).manifest.publisher.verified_key_id == key


def test_a_broken_member_is_found_after_the_signature() -> None:
    """The statement is about an archive whose member lies about its own CRC."""
    listed = raw_members(read_archive(PLAIN))
    listed[1].crc = 1
    spoilt = raw_zip(listed)
    assert code_of(forged(spoilt, WHO, statement=replace(HONEST, content_hash=sha256(spoilt).hexdigest()))) == "manifest.member_broken"


def test_a_large_entrypoint_is_refused_before_it_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "WASM_BYTES_MAX", len(module()) - 1)
    with pytest.raises(Refused) as refusal:
        judge_unsigned(read_archive(PLAIN))
    assert refusal.value.code == "wasm.size"


def test_every_member_is_read_and_two_are_kept() -> None:
    inside = read_inside(read_archive(unsigned(extra={"lib/x.wasm": module(), SBOM_NAME: b"{}", "big": NOISE})), ENTRYPOINT)
    assert set(inside.files) == {MANIFEST_NAME, ENTRYPOINT, "README.md", "lib/x.wasm", SBOM_NAME, "big"}
    assert inside.code == module()
    assert inside.manifest == files()[MANIFEST_NAME]
    assert inside.wasm_names == (ENTRYPOINT, "lib/x.wasm")


def test_what_an_author_may_sign() -> None:
    judged = judge_unsigned(read_archive(PLAIN))
    assert judged.manifest.package_id == "com.example.hello"
    assert judged.files == HONEST.files
    assert judged.wasm is not None


def test_nothing_unsound_may_be_signed() -> None:
    with pytest.raises(Refused) as refusal:
        judge_unsigned(read_archive(unsigned({"surprise": 1})))
    assert refusal.value.code == "manifest.unknown_key"
