"""A private key as a file: sealed with a passphrase, or plainly. Spec: spec/keys.md section 6."""

from __future__ import annotations

from nacl import bindings
from nacl.exceptions import CryptoError

from mpp.crypto import base64text
from mpp.crypto.ed25519 import PUBLIC_BYTES, SEED_BYTES, SeedSigner
from mpp.crypto.sealedbox import public_of
from mpp.errors import HostFailed, Refused
from mpp.limits import KIB, MIB
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import Json, canonical, read
from mpp.model.value import value
from mpp.ports import Random

KEY_FILE_BYTES_MAX = 16 * KIB
"""Bytes of a key file. Reason: a key file has under 1 KiB; anything larger is something else."""

ARGON_OPS = 3
"""Passes of argon2id for a new key file. Reason: with the memory below, about half a second to open."""

ARGON_BYTES = 256 * MIB
"""Memory of argon2id for a new key file. Reason: makes guessing on graphics cards expensive."""

ARGON_OPS_MAX = 16
"""Passes accepted when a key file is opened. Reason: a planted file must not stall the machine."""

ARGON_BYTES_MAX = 1024 * MIB
"""Memory accepted when a key file is opened. Reason: a planted file must not exhaust the machine."""

ARGON_BYTES_MIN = 8 * MIB
"""Least memory accepted. Reason: below it a passphrase would be cheap to guess."""

SALT_BYTES = 16
NONCE_BYTES = 24
TAG_BYTES = 16
VAULT = "vault"
"""The role of a key that opens what the vault keeps. It signs nothing."""
ROLES = ("root", "release", "publish-approve", "agent", "organisation", "approver", VAULT)
"""What a key is for. A key of one role is never taken for another: the role is bound into the seal."""


@value
class KeyFile:
    """A key file as found. The public half is checked against the private one when it is opened."""

    role: str
    public: bytes
    seed: bytes
    """The plain seed; empty when sealed."""
    box: bytes
    salt: bytes
    nonce: bytes
    ops: int
    memory: int

    @property
    def sealed(self) -> bool:
        return not self.seed


def write_key(seed: bytes, role: str, passphrase: bytes | None, random: Random, *, ops: int = ARGON_OPS, memory: int = ARGON_BYTES) -> bytes:
    """The text of a key file; ``passphrase`` None leaves the key readable to whoever reads the file."""
    public = _public(role, seed)
    document: dict[str, Json] = {"mpp_key": 1, "alg": _algorithm(role), "role": role, "public": base64text.encode(public)}
    if passphrase is None:
        document["seed"] = base64text.encode(seed)
    else:
        salt, nonce = random.bytes(SALT_BYTES), random.bytes(NONCE_BYTES)
        box = bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(seed, _bound(role, public), nonce, _derive(passphrase, salt, ops, memory))
        document["sealed"] = {
            "kdf": "argon2id",
            "ops": ops,
            "memory_bytes": memory,
            "salt": base64text.encode(salt),
            "cipher": "xchacha20poly1305",
            "nonce": base64text.encode(nonce),
            "box": base64text.encode(box),
        }
    return canonical(document) + b"\n"


def read_key(data: bytes, *, where: str) -> KeyFile:
    """Parse a key file; opens nothing yet."""
    if len(data) > KEY_FILE_BYTES_MAX:
        raise Refused("key.length", "too large for a key file", where=where, hint="give the path of a key that `mpp keygen` made")
    faults = Faults("key")
    fields = Fields(read(data, family="key", where=where), where, faults)
    fields.number("mpp_key", least=1, most=1)
    role = fields.one_of("role", ROLES)
    fields.one_of("alg", (_algorithm(role),))
    public = base64text.read_field(fields, "public", PUBLIC_BYTES, PUBLIC_BYTES)
    seed = base64text.read_field(fields, "seed", SEED_BYTES, SEED_BYTES) if fields.has("seed") else b""
    sealed = fields.object("sealed", required=not seed)
    found = _read_sealed(sealed) if sealed is not None and not seed else (b"", b"", b"", ARGON_OPS, ARGON_BYTES_MIN)
    # Attack: a file with both could be opened without the passphrase that its owner believes in.
    if seed and sealed is not None:
        faults.add("type", fields.path("sealed"), "stands beside a plain seed", "keep one of them")
    fields.end()
    faults.stop()
    return KeyFile(role=role, public=public, seed=seed, box=found[0], salt=found[1], nonce=found[2], ops=found[3], memory=found[4])


def _read_sealed(fields: Fields) -> tuple[bytes, bytes, bytes, int, int]:
    fields.one_of("kdf", ("argon2id",))
    fields.one_of("cipher", ("xchacha20poly1305",))
    found = (
        base64text.read_field(fields, "box", SEED_BYTES + TAG_BYTES, SEED_BYTES + TAG_BYTES),
        base64text.read_field(fields, "salt", SALT_BYTES, SALT_BYTES),
        base64text.read_field(fields, "nonce", NONCE_BYTES, NONCE_BYTES),
        fields.number("ops", least=1, most=ARGON_OPS_MAX),
        fields.number("memory_bytes", least=ARGON_BYTES_MIN, most=ARGON_BYTES_MAX),
    )
    fields.end()
    return found


def open_key(key: KeyFile, passphrase: bytes | None, *, where: str) -> SeedSigner:
    """The signer in a key file; a sealed one needs its passphrase."""
    if key.role == VAULT:
        # Attack on oneself: the half of a key for secrets, used as one for signatures.
        raise Refused("key.role", "this key opens the vault and signs nothing", where=where, hint="give a key that signs")
    return SeedSigner(open_private(key, passphrase, where=where))


def open_private(key: KeyFile, passphrase: bytes | None, *, where: str) -> bytes:
    """The private half: of a key of the vault the X25519 key, of every other the seed."""
    seed = key.seed
    if key.sealed:
        if passphrase is None:
            raise Refused("key.passphrase", "the key is sealed with a passphrase", where=where, hint="run in a terminal, or give --passphrase-file")
        try:
            seed = bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(
                key.box, _bound(key.role, key.public), key.nonce, _derive(passphrase, key.salt, key.ops, key.memory)
            )
        except CryptoError:
            raise Refused(
                "key.passphrase", "the passphrase does not open the key", where=where, hint="try again; a lost passphrase cannot be recovered"
            ) from None
    # Attack: a file whose public half was swapped would make signatures under a key nobody knows.
    if _public(key.role, seed) != key.public:
        raise Refused("key.mismatch", "the two halves of the key do not belong together", where=where, hint="restore the file from a copy")
    return seed


def _algorithm(role: str) -> str:
    return "x25519" if role == VAULT else "ed25519"


def _public(role: str, seed: bytes) -> bytes:
    return public_of(seed) if role == VAULT else SeedSigner(seed).public_key


def _bound(role: str, public: bytes) -> bytes:
    return b"mpp-key-1 " + role.encode("ascii") + b" " + public


def _derive(passphrase: bytes, salt: bytes, ops: int, memory: int) -> bytes:
    try:
        return bindings.crypto_pwhash_alg(32, passphrase, salt, ops, memory, bindings.crypto_pwhash_ALG_ARGON2ID13)
    except CryptoError:
        # The parameters are within bounds, so the one thing that can fail is the memory.
        raise HostFailed(
            "host.memory", f"cannot get the {memory // MIB} MiB of memory that a passphrase takes", hint="close other programs and try again"
        ) from None
