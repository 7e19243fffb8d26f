"""The static audit: everything that can be read is shown, everything that is wrong is listed."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import pytest

from mpp.author import report
from mpp.author.report import examine
from mpp.errors import Refused
from mpp.stages.archive import SBOM_NAME, pack, read_archive
from mpp.testing.keys import publisher
from mpp.testing.packages import ENTRYPOINT, files, signed, unsigned
from mpp.testing.rawzip import raw_members, raw_zip
from mpp.testing.wasm import module
from tests.forge import forged

WHO = publisher()
PLAIN = unsigned(extra={SBOM_NAME: b"{}"})


def spoilt(data: bytes, at: int) -> bytes:
    listed = raw_members(read_archive(data))
    listed[at].crc = 1
    return raw_zip(listed)


def test_a_sound_package() -> None:
    data = signed(WHO, extra={SBOM_NAME: b"{}"})
    found = examine(data)
    assert (found.problems, found.warnings, found.undeclared) == ((), (), ())
    assert found.seal is not None
    assert found.seal_intact
    assert found.manifest is not None
    assert found.wasm is not None
    assert found.sbom == b"{}"
    assert found.content_hash == sha256(PLAIN).hexdigest()
    assert found.file_hash == sha256(data).hexdigest()
    assert set(found.files) == {*files(), SBOM_NAME}


def broken_signature() -> bytes:
    return forged(unsigned(), WHO, signatures=lambda made: (replace(made[0], sig=bytes(64)),))


CASES: dict[str, tuple[bytes, str, tuple[bool, bool, bool, bool]]] = {
    "unsigned": (unsigned(), "signature.unsigned", (True, True, False, False)),
    "a broken signature": (broken_signature(), "signature.invalid", (True, True, True, False)),
    "a seal over other content": (forged(unsigned(), WHO, content_hash="0" * 64), "content.mismatch", (True, True, True, False)),
    "an unknown key in the manifest": (unsigned({"surprise": 1}), "manifest.unknown_key", (False, False, False, False)),
    "a manifest that is not JSON": (pack({"manifest.json": b"x"}), "manifest.json", (False, False, False, False)),
    "no entrypoint": (pack({name: data for name, data in files().items() if name != ENTRYPOINT}), "wasm.missing", (True, False, False, False)),
    "an entrypoint that is no code": (unsigned(extra={ENTRYPOINT: b"x"}), "wasm.preamble", (True, False, False, False)),
    "code that breaks a rule": (unsigned(extra={ENTRYPOINT: module(exports={})}), "wasm.", (True, True, False, False)),
    "a broken member": (spoilt(unsigned(), 1), "manifest.member_broken", (True, False, False, False)),
    "a broken manifest member": (spoilt(unsigned(), 0), "manifest.member_broken", (False, False, False, False)),
    "a broken bill of materials": (spoilt(PLAIN, 2), "manifest.member_broken", (True, False, False, False)),
}


@pytest.mark.parametrize(("data", "code", "shown"), CASES.values(), ids=CASES.keys())
def test_what_is_wrong_is_listed_and_the_rest_is_shown(data: bytes, code: str, shown: tuple[bool, bool, bool, bool]) -> None:
    found = examine(data)
    assert any(fault.code.startswith(code) for fault in found.problems), found.problems
    assert (found.manifest is not None, found.wasm is not None, found.seal is not None, found.seal_intact) == shown


@pytest.mark.parametrize("data", [b"", b"text", raw_zip([])])
def test_what_is_no_archive_is_refused(data: bytes) -> None:
    with pytest.raises(Refused):
        examine(data)


def test_a_large_bill_of_materials_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "SBOM_SHOWN_MAX", 1)
    assert examine(PLAIN).sbom == b""
    monkeypatch.setattr(report, "SBOM_SHOWN_MAX", 2)
    assert examine(PLAIN).sbom == b"{}"
