"""A record of the vault: what opens it, what does not, and what is read out of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from mpp.crypto import sealedbox
from mpp.crypto.sealedbox import AES_NONCE_BYTES, aes_open, aes_seal, open_sealed, public_of, seal_to
from mpp.errors import HostFailed, MppError, Refused
from mpp.model.events import SALT_BYTES
from mpp.stages.audit import vaulted
from mpp.stages.audit.transcript import Transcript
from mpp.stages.audit.vaulted import (
    MAGIC,
    Answered,
    Payload,
    Place,
    Places,
    Sent,
    open_record,
    read_payload,
    seal_record,
    write_payload,
)

PRIVATE = bytes(range(32))
PLACE = Place(log_id="a" * 64, seq=7, invocation="b" * 32)
SALT = b"s" * SALT_BYTES
FRESH, NONCE = b"f" * 32, b"n" * AES_NONCE_BYTES
FULL = Payload(
    tool="greet", ended="tool.trap", now_ns=1_767_225_600_123_456_789, memory_bytes=1 << 24, variables=1,
    sent=Sent(before=b'{"a', arguments=b'{"name":"\xc3\xbc"}', after=b"}\n"), answered=Answered(raw=b"\x00\xff", shown=b"{}"),
    transcript=Transcript(data=b'{"method":"log"}\n', cut="size"),
    places=Places(folders=("/in=/srv/in",), files_read=("/in/a\nb",), files_written=(), addresses=("https://a.example/b?c",)),
)  # fmt: skip
BARE = Payload(tool="greet", ended="", now_ns=0, memory_bytes=0, variables=0)
DATA = write_payload(FULL)


def sealed() -> bytes:
    return seal_record(DATA, PLACE, SALT, public_of(PRIVATE), FRESH, NONCE)


def code_of(act: Callable[[], object]) -> str:
    with pytest.raises(MppError) as caught:
        act()
    return caught.value.code


def test_what_was_sealed_is_opened_by_the_recipient_alone() -> None:
    record = sealed()
    assert open_record(record, PLACE, SALT, PRIVATE, where="r") == DATA
    assert code_of(lambda: open_record(record, PLACE, SALT, b"x" * 32, where="r")) == "audit.vault_key"


def test_nothing_of_the_payload_stands_in_the_record() -> None:
    record = sealed()
    assert DATA[:40] not in record
    assert FRESH not in record
    assert SALT not in record


@pytest.mark.parametrize(
    "place",
    [
        Place(log_id="c" * 64, seq=7, invocation="b" * 32),
        Place(log_id="a" * 64, seq=8, invocation="b" * 32),
        Place(log_id="a" * 64, seq=7, invocation="d" * 32),
    ],
)
def test_a_record_opens_in_its_own_place_alone(place: Place) -> None:
    assert code_of(lambda: open_record(sealed(), place, SALT, PRIVATE, where="r")) == "audit.vault"


def test_another_salt_opens_nothing() -> None:
    assert code_of(lambda: open_record(sealed(), PLACE, b"t" * SALT_BYTES, PRIVATE, where="r")) == "audit.vault"


@pytest.mark.parametrize("salt", [bytes(SALT_BYTES), b"", b"s" * 31])
def test_an_erased_salt_seals_and_opens_nothing(salt: bytes) -> None:
    assert code_of(lambda: open_record(sealed(), PLACE, salt, PRIVATE, where="r")) == "audit.erased"
    assert code_of(lambda: seal_record(DATA, PLACE, salt, public_of(PRIVATE), FRESH, NONCE)) == "audit.erased"


def test_each_changed_byte_is_noticed() -> None:
    record = sealed()
    for at in range(0, len(record), 7):
        changed = bytearray(record)
        changed[at] ^= 1
        assert code_of(lambda changed=changed: open_record(bytes(changed), PLACE, SALT, PRIVATE, where="r")) in {"audit.vault", "audit.vault_key"}  # type: ignore[misc]


@pytest.mark.parametrize("data", [b"", MAGIC, b"x" * 500, sealed()[: len(MAGIC) + 107], b"y" + sealed()])
def test_what_is_no_record_is_refused(data: bytes) -> None:
    assert code_of(lambda: open_record(data, PLACE, SALT, PRIVATE, where="r")) == "audit.vault"


def test_a_record_cut_short_is_refused() -> None:
    for cut in (1, 15, 16, 17, 200):
        assert code_of(lambda cut=cut: open_record(sealed()[:-cut], PLACE, SALT, PRIVATE, where="r")) == "audit.vault"  # type: ignore[misc]


def test_too_much_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vaulted, "VAULT_PAYLOAD_BYTES_MAX", len(DATA))
    sealed()
    monkeypatch.setattr(vaulted, "VAULT_PAYLOAD_BYTES_MAX", len(DATA) - 1)
    assert code_of(sealed) == "audit.vault"


def test_too_large_a_record_is_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vaulted, "VAULT_RECORD_BYTES_MAX", len(sealed()) - 1)
    assert code_of(lambda: open_record(sealed(), PLACE, SALT, PRIVATE, where="r")) == "audit.vault"


@pytest.mark.parametrize("payload", [FULL, BARE])
def test_a_payload_comes_back_as_it_was(payload: Payload) -> None:
    assert read_payload(write_payload(payload), where="p") == payload


def test_the_line_is_the_three_parts() -> None:
    assert FULL.sent is not None
    assert FULL.sent.line == b'{"a{"name":"\xc3\xbc"}}\n'


def test_paths_are_kept_once_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vaulted, "VAULT_PATHS_MAX", 2)
    monkeypatch.setattr(vaulted, "VAULT_PATH_CHARS_MAX", 3)
    payload = Payload(tool="t", ended="", now_ns=0, memory_bytes=0, variables=0, places=Places(files_read=("a", "long", "a", "b", "c")))
    found = read_payload(write_payload(payload), where="p").places
    assert found is not None
    assert found.files_read == ("a", "b")


def changed(*path: str, item: object) -> bytes:
    document: Any = json.loads(DATA)
    place = document
    for step in path[:-1]:
        place = place[step]
    if item is None:
        del place[path[-1]]
    else:
        place[path[-1]] = item
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"{", "audit.json"),
        (b"[]", "audit.type"),
        (changed("mpp_vaulted", item=2), "audit.range"),
        (changed("now_ns", item="-1"), "audit.form"),
        (changed("now_ns", item="²"), "audit.form"),
        (changed("tool", item=None), "audit.missing"),
        (changed("more", item=1), "audit.unknown_key"),
        (changed("arguments", item=[]), "audit.type"),
        (changed("arguments", "before", item="?"), "audit.base64"),
        (changed("arguments", "more", item=1), "audit.unknown_key"),
        (changed("result", "raw", item=None), "audit.missing"),
        (changed("transcript", "cut", item="never"), "audit.choice"),
        (changed("paths", "read", item=[1]), "audit.type"),
        (changed("paths", "read", item="x"), "audit.type"),
        (changed("paths", "urls", item=["x" * 9000]), "audit.type"),
    ],
)
def test_a_payload_from_elsewhere_is_read_strictly(data: bytes, code: str) -> None:
    assert code_of(lambda: read_payload(data, where="p")) == code


# -- the cryptography below


def test_a_box_opens_for_its_key_alone() -> None:
    box = seal_to(public_of(PRIVATE), b"data")
    assert open_sealed(PRIVATE, box) == b"data"
    assert open_sealed(b"z" * 32, box) is None
    assert open_sealed(PRIVATE, box[:10]) is None
    assert seal_to(public_of(PRIVATE), b"data") != box


@pytest.mark.parametrize("public", [bytes(32), b"\x01" + bytes(31), b"short"])
def test_no_box_is_sealed_to_a_key_that_opens_for_all(public: bytes) -> None:
    with pytest.raises(Refused) as caught:
        seal_to(public, b"data")
    assert caught.value.code == "audit.vault_key"


def test_aes_holds_data_and_what_is_bound() -> None:
    box = aes_seal(b"k" * 32, NONCE, b"data", b"bound")
    assert aes_open(b"k" * 32, NONCE, box, b"bound") == b"data"
    assert aes_open(b"k" * 32, NONCE, box, b"other") is None
    assert aes_open(b"l" * 32, NONCE, box, b"bound") is None


def test_aes_is_that_of_another_library() -> None:
    aead = pytest.importorskip("cryptography.hazmat.primitives.ciphers.aead")
    assert aes_seal(b"k" * 32, NONCE, b"data", b"bound") == aead.AESGCM(b"k" * 32).encrypt(NONCE, b"data", b"bound")


def test_without_aes_in_the_processor_nothing_is_sealed_or_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    class Lacking:
        """As the library answers on a processor without AES."""

        def __getattr__(self, name: str) -> Callable[..., bytes]:
            def refuse(*_: object) -> bytes:
                raise sealedbox.UnavailableError("Construction requires hardware acceleration")

            return refuse

    monkeypatch.setattr(sealedbox, "bindings", Lacking())
    for act in (aes_seal, aes_open):
        with pytest.raises(HostFailed) as caught:
            act(b"k" * 32, NONCE, b"data", b"")
        assert caught.value.code == "audit.vault"
        assert "AES" in caught.value.message
