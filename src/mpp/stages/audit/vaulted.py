"""A record of the vault: the payloads of one call, sealed so that its host cannot open it again. Pure. Spec: audit L-42.

The file: the line ``mpp-vault-1``, a box for the recipient with 32 random bytes r, a nonce, and the payload under AES-256-GCM. The key is
HMAC-SHA-256 under the salt of the intent's entry. So two things open it, and the host does not hold the one, and can erase the other.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import TypeVar

from mpp.crypto import base64text
from mpp.crypto.sealedbox import AES_NONCE_BYTES, AES_TAG_BYTES, SEAL_EXTRA_BYTES, aes_open, aes_seal, open_sealed, seal_to
from mpp.errors import HostFailed, Refused
from mpp.limits import JSON_INT_MAX
from mpp.model.events import SALT_BYTES
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import Json, canonical, read
from mpp.model.value import value
from mpp.stages.audit.limits import (
    TRANSCRIPT_BYTES_MAX,
    VAULT_ARGUMENT_BYTES_MAX,
    VAULT_PATH_CHARS_MAX,
    VAULT_PATHS_MAX,
    VAULT_PAYLOAD_BYTES_MAX,
    VAULT_RECORD_BYTES_MAX,
    VAULT_RESULT_BYTES_MAX,
)
from mpp.stages.audit.transcript import CUTS, Transcript

T = TypeVar("T")

MAGIC = b"mpp-vault-1\n"
LABEL = b"mpp-vault-1"
FRESH_BYTES = 32
NO_SALT = bytes(SALT_BYTES)
"""What stands where a salt was erased, or where there never was one."""

ARGUMENTS, RESULT, TRANSCRIPT, PATHS = KEEPS = ("arguments", "result", "transcript", "paths")
"""What a vault can keep."""

_BOX_BYTES = FRESH_BYTES + SEAL_EXTRA_BYTES
_HEAD_BYTES = len(MAGIC) + _BOX_BYTES + AES_NONCE_BYTES
_NS_DIGITS_MAX = 20
_CODE_CHARS_MAX = 64
_TOOL_CHARS_MAX = 200
_AS_WRITTEN = "give the record as MPP wrote it"


@value
class Place:
    """What a record belongs to: it opens nowhere else. Attack: a record put in the place of another."""

    log_id: str
    seq: int
    invocation: str

    @property
    def bound(self) -> bytes:
        return canonical(["mpp-vault-1", self.log_id, self.seq, self.invocation])


@value
class Sent:
    """The request line, in three parts."""

    before: bytes
    arguments: bytes
    after: bytes

    @property
    def line(self) -> bytes:
        return self.before + self.arguments + self.after


@value
class Answered:
    raw: bytes
    """As the tool wrote it."""
    shown: bytes
    """As it was passed on; empty where nothing was."""


@value
class Places:
    """Exactly what was touched, where the log says only how much."""

    folders: tuple[str, ...] = ()
    """Granted, as ``GUEST=HOST``."""
    files_read: tuple[str, ...] = ()
    files_written: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()


@value
class Payload:
    """What one record holds. None: that part is not kept by this vault."""

    tool: str
    ended: str
    """The code of the fault by which the run ended; empty where the tool ended by itself."""
    now_ns: int
    """The moment of the call, which is the clock of a deterministic tool."""
    memory_bytes: int
    variables: int
    """How many variables had a value. Values are never kept."""
    sent: Sent | None = None
    answered: Answered | None = None
    transcript: Transcript | None = None
    places: Places | None = None


def seal_record(payload: bytes, place: Place, salt: bytes, recipient: bytes, fresh: bytes, nonce: bytes) -> bytes:
    """The bytes of the file. ``fresh`` and ``nonce`` are random and used for nothing else."""
    if len(payload) > VAULT_PAYLOAD_BYTES_MAX:
        raise HostFailed("audit.vault", f"what is to be kept has more than {VAULT_PAYLOAD_BYTES_MAX} bytes", where="vault", hint="keep less: --keep")
    key = _key(salt, fresh)
    return MAGIC + seal_to(recipient, fresh) + nonce + aes_seal(key, nonce, payload, place.bound)


def open_record(data: bytes, place: Place, salt: bytes, private: bytes, *, where: str) -> bytes:
    """The payload, for whoever holds the recipient's private key, as long as the salt is there."""
    if not data.startswith(MAGIC) or not _HEAD_BYTES + AES_TAG_BYTES <= len(data) <= VAULT_RECORD_BYTES_MAX:
        raise Refused("audit.vault", "this is no record of the vault", where=where, hint=_AS_WRITTEN)
    at = len(MAGIC)
    fresh = open_sealed(private, data[at : at + _BOX_BYTES])
    if fresh is None:
        raise Refused("audit.vault_key", "the record is sealed for another key, or was changed", where=where, hint="give the key of the recipient of that time")
    nonce = data[at + _BOX_BYTES : _HEAD_BYTES]
    payload = aes_open(_key(salt, fresh), nonce, data[_HEAD_BYTES:], place.bound)
    if payload is None:
        message = "the record does not open: it was changed, belongs to another entry, or the salt of its entry is not what it was"
        raise Refused("audit.vault", message, where=where, hint="restore it from a copy, and see whether the log holds: mpp audit verify --deep")
    return payload


def _key(salt: bytes, fresh: bytes) -> bytes:
    if len(salt) != SALT_BYTES or salt == NO_SALT:
        # Attack: an erased salt is a salt that everybody knows.
        raise Refused("audit.erased", "the salt of the entry was erased, or never was: nothing opens its record", where="vault", hint="nothing brings it back")
    return hmac.digest(salt, LABEL + fresh, "sha256")


def write_payload(payload: Payload) -> bytes:
    out: dict[str, Json] = {
        "mpp_vaulted": 1, "tool": payload.tool, "ended": payload.ended, "now_ns": str(payload.now_ns), "memory_bytes": payload.memory_bytes,
        "variables": payload.variables,
    }  # fmt: skip
    if payload.sent is not None:
        out[ARGUMENTS] = {"before": _b64(payload.sent.before), "arguments": _b64(payload.sent.arguments), "after": _b64(payload.sent.after)}
    if payload.answered is not None:
        out[RESULT] = {"raw": _b64(payload.answered.raw), "shown": _b64(payload.answered.shown)}
    if payload.transcript is not None:
        out[TRANSCRIPT] = {"lines": _b64(payload.transcript.data), "cut": payload.transcript.cut}
    if payload.places is not None:
        places = payload.places
        out[PATHS] = {
            "folders": _kept(places.folders), "read": _kept(places.files_read), "written": _kept(places.files_written), "urls": _kept(places.addresses)
        }  # fmt: skip
    return canonical(out)


def _b64(data: bytes) -> Json:
    return base64text.encode(data)


def _kept(names: tuple[str, ...]) -> Json:
    kept: list[Json] = [name for name in dict.fromkeys(names) if len(name) <= VAULT_PATH_CHARS_MAX]
    return kept[:VAULT_PATHS_MAX]


def read_payload(data: bytes, *, where: str) -> Payload:
    """Parse a payload strictly: the host that sealed it may be another's."""
    faults = Faults("audit")
    fields = Fields(read(data, family="audit", where=where), where, faults)
    fields.number("mpp_vaulted", least=1, most=1)
    moment = fields.text("now_ns", most=_NS_DIGITS_MAX)
    if not (moment.isascii() and moment.isdecimal()):
        faults.add("form", fields.path("now_ns"), "must be a number as text", _AS_WRITTEN)
        moment = "0"
    payload = Payload(
        tool=fields.text("tool", most=_TOOL_CHARS_MAX),
        ended=fields.text("ended", most=_CODE_CHARS_MAX, least=0),
        now_ns=int(moment),
        memory_bytes=fields.number("memory_bytes", least=0, most=JSON_INT_MAX),
        variables=fields.number("variables", least=0, most=JSON_INT_MAX),
        sent=_part(fields, ARGUMENTS, _read_sent),
        answered=_part(fields, RESULT, _read_answered),
        transcript=_part(fields, TRANSCRIPT, _read_transcript),
        places=_part(fields, PATHS, _read_places),
    )
    fields.end()
    faults.stop()
    return payload


def _part(fields: Fields, key: str, read_it: Callable[[Fields], T]) -> T | None:
    found = fields.object(key, required=False)
    if found is None:
        return None
    part = read_it(found)
    found.end()
    return part


def _read_sent(fields: Fields) -> Sent:
    before, arguments, after = (_bytes(fields, key, VAULT_ARGUMENT_BYTES_MAX) for key in ("before", "arguments", "after"))
    return Sent(before=before, arguments=arguments, after=after)


def _read_answered(fields: Fields) -> Answered:
    return Answered(raw=_bytes(fields, "raw", VAULT_RESULT_BYTES_MAX), shown=_bytes(fields, "shown", VAULT_RESULT_BYTES_MAX))


def _read_transcript(fields: Fields) -> Transcript:
    return Transcript(data=_bytes(fields, "lines", TRANSCRIPT_BYTES_MAX), cut=fields.one_of("cut", CUTS))


def _read_places(fields: Fields) -> Places:
    folders, files_read, written, urls = (_names(fields, key) for key in ("folders", "read", "written", "urls"))
    return Places(folders=folders, files_read=files_read, files_written=written, addresses=urls)


def _names(fields: Fields, key: str) -> tuple[str, ...]:
    """Paths may hold any character: whoever shows one makes it safe."""
    found = fields.items(key, most=VAULT_PATHS_MAX, required=True)
    names = tuple(name for name in found if isinstance(name, str) and len(name) <= VAULT_PATH_CHARS_MAX)
    if len(names) != len(found):
        fields.faults.add("type", fields.path(key), "must be a list of paths", _AS_WRITTEN)
    return names


def _bytes(fields: Fields, key: str, most: int) -> bytes:
    return base64text.read_field(fields, key, 0, most)
