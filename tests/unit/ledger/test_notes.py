"""Signed notes: what is one, what is none, and that no change of a bit leaves a signature standing."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpp.crypto.ed25519 import SeedSigner
from mpp.errors import Refused
from mpp.ledger.notes import (
    COSIGNATURE,
    ED25519,
    NAME_CHARS_MAX,
    NOTE_BYTES_MAX,
    SIGNATURES_MAX,
    Note,
    NoteKey,
    NoteSignature,
    cosign_text,
    is_name,
    is_signed,
    read_key,
    read_note,
    sign_text,
    signature_line,
    signed_at,
    write_note,
)

LOG, WITNESS = SeedSigner(b"l" * 32), SeedSigner(b"w" * 32)
TEXT = "example.com/log\n12\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
LOG_KEY = NoteKey(name="example.com/log", public=LOG.public_key)
WITNESS_KEY = NoteKey(name="witness.example/w1", public=WITNESS.public_key, algorithm=COSIGNATURE)
NOW = 1_790_000_000
WHOLE = write_note(TEXT, (sign_text(TEXT, LOG_KEY.name, LOG), cosign_text(TEXT, WITNESS_KEY.name, WITNESS, NOW)))

GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
"""A key and a note that the first program of this form has in its own tests: the answers are not ours."""


def wrong(data: bytes, match: str = "") -> None:
    with pytest.raises(Refused, match=match) as caught:
        read_note(data, where="note")
    assert caught.value.code == "audit.note"


def test_a_note_of_another_program() -> None:
    key, note = read_key(GO_KEY), read_note(GO_NOTE.encode(), where="note")
    assert str(key) == GO_KEY
    assert signed_at(note, key) == 0
    assert write_note(note.text, note.signatures).decode() == GO_NOTE
    assert not is_signed(Note(text=note.text.replace("answer", "Answer"), signatures=note.signatures), key)


def test_a_note_of_ours_has_the_form_of_the_text_and_another_library_agrees() -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    note = read_note(WHOLE, where="note")
    assert note.text == TEXT
    assert (signed_at(note, LOG_KEY), signed_at(note, WITNESS_KEY)) == (0, NOW)
    plain, cosigned, _ = WHOLE.decode().split("\n\n")[1].split("\n")
    plain_bytes, cosigned_bytes = (base64.b64decode(line.split(" ")[2]) for line in (plain, cosigned))
    Ed25519PublicKey.from_public_bytes(LOG.public_key).verify(plain_bytes[4:], TEXT.encode())
    assert int.from_bytes(cosigned_bytes[4:12], "big") == NOW
    Ed25519PublicKey.from_public_bytes(WITNESS.public_key).verify(cosigned_bytes[12:], f"cosignature/v1\ntime {NOW}\n{TEXT}".encode())


def test_a_signature_counts_for_its_own_kind_only() -> None:
    """The same key under the same name, with the other algorithm: another key."""
    note = read_note(WHOLE, where="note")
    for key in (LOG_KEY, WITNESS_KEY):
        other = NoteKey(name=key.name, public=key.public, algorithm=ED25519 + COSIGNATURE - key.algorithm)
        assert other.hint != key.hint
        assert signed_at(note, other) is None
        forged = tuple(NoteSignature(name=one.name, hint=other.hint, signature=one.signature) for one in note.signatures)
        assert signed_at(Note(text=TEXT, signatures=forged), other) is None


def test_a_name_or_a_hint_alone_is_not_enough() -> None:
    good = sign_text(TEXT, LOG_KEY.name, LOG)
    assert is_signed(Note(text=TEXT, signatures=(good,)), LOG_KEY)
    for bad in (
        NoteSignature(name="example.com/other", hint=good.hint, signature=good.signature),
        NoteSignature(name=good.name, hint=b"none", signature=good.signature),
        NoteSignature(name=good.name, hint=good.hint, signature=good.signature[:-1]),
    ):
        assert not is_signed(Note(text=TEXT, signatures=(bad,)), LOG_KEY)


def test_a_later_line_may_hold_where_an_earlier_does_not() -> None:
    good = sign_text(TEXT, LOG_KEY.name, LOG)
    bad = NoteSignature(name=good.name, hint=good.hint, signature=bytes(64))
    assert is_signed(Note(text=TEXT, signatures=(bad, good)), LOG_KEY)


@pytest.mark.parametrize(("now", "holds"), [(0, True), (2**63 - 1, True), (2**63, False), (2**64 - 1, False)])
def test_the_time_of_a_cosignature_has_an_end(now: int, holds: bool) -> None:
    note = Note(text=TEXT, signatures=(cosign_text(TEXT, WITNESS_KEY.name, WITNESS, now),))
    assert signed_at(note, WITNESS_KEY) == (now if holds else None)


@given(st.integers(0, len(WHOLE) * 8 - 1))
def test_each_change_of_a_bit_costs_a_signature_or_the_note(bit: int) -> None:
    data = bytearray(WHOLE)
    data[bit // 8] ^= 1 << bit % 8
    try:
        note = read_note(bytes(data), where="note")
    except Refused:
        return
    assert not (is_signed(note, LOG_KEY) and signed_at(note, WITNESS_KEY) == NOW and note.text == TEXT)
    if note.text != TEXT:
        assert not is_signed(note, LOG_KEY)
        assert not is_signed(note, WITNESS_KEY)


LINE = signature_line(sign_text(TEXT, LOG_KEY.name, LOG))


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"", "no signatures"),
        (TEXT.encode(), "no signatures"),
        (f"{TEXT}\n".encode(), "no signatures"),
        (f"{TEXT}\n{LINE[:-1]}".encode(), "no signatures"),
        (f"{TEXT}\n{LINE}\n".encode(), "no signatures"),
        (f"{TEXT}{LINE}".encode(), "no signatures"),
        (f"{TEXT}\n{LINE}x\n".encode(), "is not one"),
        (f"{TEXT}\n{LINE}".replace("\n", "\r\n").encode(), "control"),
        (f"a\tb\n\n{LINE}".encode(), "control"),
        (b"\xff\n\n" + LINE.encode(), "UTF-8"),
        (f"{TEXT}\n{LINE}".encode("utf-16"), "UTF-8|control|no signatures"),
        (f"{TEXT}\n{LINE * (SIGNATURES_MAX + 1)}".encode(), "more than 64 signatures"),
        (f"{'a' * NOTE_BYTES_MAX}\n\n{LINE}".encode(), "bytes"),
        (f"{TEXT}\n{LINE.replace('— ', '- ')}".encode(), "is not one"),
        (f"{TEXT}\n— {LINE}".encode(), "is not one"),
        (f"{TEXT}\n{LINE.replace(' ', '  ')}".encode(), "is not one"),
        (f"{TEXT}\n— name\n".encode(), "is not one"),
        (f"{TEXT}\n— na+me AAAAAAA=\n".encode(), "is not one"),
        (f"{TEXT}\n— name AAAAAA==\n".encode(), "is not one"),
        (f"{TEXT}\n— name AAAAAAB=\n".encode(), "is not one"),
        (f"{TEXT}\n— name AAAA AAA=\n".encode(), "is not one"),
        (f"{TEXT}\n{LINE[:-2]}\n".encode(), "is not one"),
    ],
)
def test_what_is_no_note(data: bytes, match: str) -> None:
    wrong(data, match)


def test_what_is_a_note_though_it_looks_odd() -> None:
    """Empty lines in the text, unknown keys and algorithms, as many signatures as may be, and the last empty line counts."""
    text = "a\n\nb\n\n\n"
    note = read_note(f"{text}\n{LINE}".encode(), where="note")
    assert note.text == text
    most = read_note(f"{TEXT}\n{LINE * SIGNATURES_MAX}".encode(), where="note")
    assert len(most.signatures) == SIGNATURES_MAX
    unknown = read_note(f"{TEXT}\n— é.example/ø AAAAAAA=\n{LINE}".encode(), where="note")
    assert is_signed(unknown, LOG_KEY)
    assert read_note(write_note(unknown.text, unknown.signatures), where="again") == unknown
    exact = f"{'a' * (NOTE_BYTES_MAX - len(LINE.encode()) - 2)}\n\n{LINE}".encode()
    assert len(exact) == NOTE_BYTES_MAX
    read_note(exact, where="note")


@pytest.mark.parametrize(
    ("name", "may"),
    [
        ("a", True),
        ("example.com/log/0", True),
        ("Ünïcode.example", True),
        ("a" * NAME_CHARS_MAX, True),
        ("a" * (NAME_CHARS_MAX + 1), False),
        ("", False),
        ("a b", False),
        ("a+b", False),
        ("a\u00a0b", False),
        ("a\u2003b", False),
        ("a\u3000b", False),
        ("a\nb", False),
        ("a\x1b[31m", False),
        ("a\u202eb", False),
        ("a\u200bb", False),
    ],
)
def test_what_a_key_may_be_called(name: str, may: bool) -> None:
    assert is_name(name) == may


def test_keys_are_read_as_they_are_written() -> None:
    for key in (LOG_KEY, WITNESS_KEY):
        assert read_key(str(key)) == key
        assert read_key(f" {key}\n") == key


def vkey(name: str, data: bytes, hint: str | None = None) -> str:
    key = NoteKey(name=name, public=data[1:], algorithm=data[0])
    return f"{name}+{hint if hint is not None else key.hint.hex()}+{base64.b64encode(data).decode()}"


PUBLIC = LOG.public_key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a+b",
        "a+b+c",
        "example.com/log+" + LOG_KEY.hint.hex(),
        vkey("example.com/log", b"\x01" + PUBLIC, "00000000"),
        vkey("example.com/log", b"\x01" + PUBLIC, LOG_KEY.hint.hex().upper() + "0"),
        vkey("example.com/log", b"\x02" + PUBLIC),
        vkey("example.com/log", b"\x01" + PUBLIC[:-1]),
        vkey("example.com/log", b"\x01" + PUBLIC + b"\x00"),
        vkey("example.com/log", b"\x01" + bytes(32)),
        vkey("example.com/log", b"\x01" + b"\x01" + bytes(31)),
        vkey("", b"\x01" + PUBLIC),
        vkey("a b", b"\x01" + PUBLIC),
        str(LOG_KEY)[:-1],
        str(LOG_KEY) + "=",
    ],
)
def test_what_is_no_key(text: str) -> None:
    with pytest.raises(Refused) as caught:
        read_key(text)
    assert caught.value.code == "audit.note"
