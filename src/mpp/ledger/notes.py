"""Signed notes: a text and signature lines below it, as C2SP signed-note has them, with the cosignatures of witnesses. Pure.

Spec: audit sections 3 and 6.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256

from mpp.crypto import base64text
from mpp.crypto.ed25519 import PUBLIC_BYTES, SIGNATURE_BYTES, valid_public, verifies
from mpp.errors import Refused
from mpp.limits import KIB
from mpp.model.value import value
from mpp.ports import Signer

NOTE_BYTES_MAX = 64 * KIB
"""Bytes of one signed note. Reason: a checkpoint with all its signatures has less than ten thousand."""

SIGNATURES_MAX = 64
"""Signatures of one note. Reason: two of the host, and more witnesses than anybody runs."""

NAME_CHARS_MAX = 200
"""Characters of the name of a key. Reason: it is an origin, or the address of a witness."""

ED25519 = 0x01
COSIGNATURE = 0x04
_HINT_BYTES = 4
_TIME_BYTES = 8
_TIME_MAX = 2**63 - 1
"""Latest time of a cosignature, in seconds since 1970. Reason: C2SP tlog-cosignature sets it."""

_DASH = "\u2014 "
# A table of our own. Attack: a note that one verifier reads and another refuses, because their Unicode libraries differ.
_NAME = re.compile(r"[^\0- +\x7f-\xa0\xad\u061c\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff\U000e0000-\U000e0fff]+")


@value
class NoteSignature:
    name: str
    hint: bytes
    """The four bytes by which a key is looked up. They decide nothing."""
    signature: bytes


@value
class Note:
    text: str
    """With its last line feed."""
    signatures: tuple[NoteSignature, ...]


@value
class NoteKey:
    """A public key with its name and algorithm: what others call a verifier key."""

    name: str
    public: bytes
    algorithm: int = ED25519

    @property
    def hint(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + bytes([self.algorithm]) + self.public).digest()[:_HINT_BYTES]

    def __str__(self) -> str:
        return f"{self.name}+{self.hint.hex()}+{base64text.encode(bytes([self.algorithm]) + self.public)}"


def is_name(name: str) -> bool:
    """May a key have this name? No space of any kind, no plus, nothing that a terminal would obey."""
    return len(name) <= NAME_CHARS_MAX and _NAME.fullmatch(name) is not None


def read_key(text: str, *, where: str = "key") -> NoteKey:
    """``NAME+HINT+BASE64``, as ``str`` of a key writes it."""
    name, _, rest = text.strip().partition("+")
    hint, _, encoded = rest.partition("+")
    data = base64text.decode(encoded)
    if data is not None and len(data) == 1 + PUBLIC_BYTES and data[0] in {ED25519, COSIGNATURE} and is_name(name):
        key = NoteKey(name=name, public=data[1:], algorithm=data[0])
        if key.hint.hex() == hint and valid_public(key.public):
            return key
    raise Refused("audit.note", "this is no verifier key", where=where, hint="give it as NAME+HASH+KEY, as `mpp audit verify --json` shows it")


def read_note(data: bytes, *, where: str) -> Note:
    """A note from anywhere. Lines of signatures by unknown algorithms stay: their keys are asked for by nobody."""
    if len(data) > NOTE_BYTES_MAX:
        raise _wrong(f"it has more than {NOTE_BYTES_MAX} bytes", where)
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError:
        raise _wrong("it is not UTF-8", where) from None
    text, gap, rest = whole.rpartition("\n\n")
    if not gap or not rest.endswith("\n") or any(char < " " and char != "\n" for char in whole):
        raise _wrong("it has no signatures under an empty line, or holds a control character", where)
    lines = rest[:-1].split("\n")
    if len(lines) > SIGNATURES_MAX:
        raise _wrong(f"it has more than {SIGNATURES_MAX} signatures", where)
    return Note(text=text + "\n", signatures=tuple(_signature(line, where) for line in lines))


def _signature(line: str, where: str) -> NoteSignature:
    name, gap, encoded = line.removeprefix(_DASH).partition(" ")
    data = base64text.decode(encoded)
    if not line.startswith(_DASH) or not gap or not is_name(name) or data is None or len(data) <= _HINT_BYTES:
        raise _wrong("a line of a signature is not one", where)
    return NoteSignature(name=name, hint=data[:_HINT_BYTES], signature=data[_HINT_BYTES:])


def _wrong(why: str, where: str) -> Refused:
    return Refused("audit.note", f"this is no signed note: {why}", where=where, hint="give the file as it was written")


def write_note(text: str, signatures: Iterable[NoteSignature]) -> bytes:
    return (text + "\n" + "".join(signature_line(one) for one in signatures)).encode("utf-8")


def signature_line(one: NoteSignature) -> str:
    return f"{_DASH}{one.name} {base64text.encode(one.hint + one.signature)}\n"


def sign_text(text: str, name: str, signer: Signer) -> NoteSignature:
    return NoteSignature(name=name, hint=NoteKey(name=name, public=signer.public_key).hint, signature=signer.sign(text.encode("utf-8")))


def cosign_text(text: str, name: str, signer: Signer, now: int) -> NoteSignature:
    """The signature of a witness, with its time."""
    key = NoteKey(name=name, public=signer.public_key, algorithm=COSIGNATURE)
    return NoteSignature(name=name, hint=key.hint, signature=now.to_bytes(_TIME_BYTES, "big") + signer.sign(_cosigned(text, now)))


def _cosigned(text: str, now: int) -> bytes:
    return f"cosignature/v1\ntime {now}\n{text}".encode()


def is_signed(note: Note, key: NoteKey) -> bool:
    """Does a signature of this very key stand on the note?"""
    return signed_at(note, key) is not None


def signed_at(note: Note, key: NoteKey) -> int | None:
    """The time of a witness's cosignature, 0 for a plain signature; None where none by this key holds."""
    for one in note.signatures:
        if one.name == key.name and one.hint == key.hint:
            found = _time_of(note.text, one.signature, key)
            if found is not None:
                return found
    return None


def _time_of(text: str, signature: bytes, key: NoteKey) -> int | None:
    if key.algorithm == ED25519:
        return 0 if verifies(key.public, text.encode("utf-8"), signature) else None
    if len(signature) != _TIME_BYTES + SIGNATURE_BYTES:
        return None
    now = int.from_bytes(signature[:_TIME_BYTES], "big")
    return now if now <= _TIME_MAX and verifies(key.public, _cosigned(text, now), signature[_TIME_BYTES:]) else None
