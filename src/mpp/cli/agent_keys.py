"""Key files of agents and organisations, as commands are given them."""

from __future__ import annotations

from mpp.author.keys import load_signer
from mpp.cli.options import read_passphrase
from mpp.crypto import base64text
from mpp.crypto.ed25519 import PUBLIC_BYTES, SeedSigner, valid_public
from mpp.crypto.keyfile import KEY_FILE_BYTES_MAX, KeyFile, read_key
from mpp.errors import Refused
from mpp.files import read_bounded

WORDS = {"agent": "an agent key", "organisation": "an organisation key"}


def load_key(path: str, role: str, passphrase_file: str | None) -> SeedSigner:
    """The signer in a key file of that role; a sealed one asks for its passphrase."""
    key = read_role(path, role)
    passphrase = read_passphrase(passphrase_file, confirm=False, what=WORDS[role]) if key.sealed else None
    return load_signer(path, role, passphrase)


def read_role(path: str, role: str) -> KeyFile:
    """The key file, unopened, once it is of that role."""
    key = read_key(read_bounded(path, KEY_FILE_BYTES_MAX), where=path)
    if key.role != role:
        hint = "make one: mpp agent keygen NAME" + (" --organisation" if role == "organisation" else "")
        raise Refused("key.role", f"this is a key of the role {key.role}; {WORDS[role]} is needed", where=path, hint=hint)
    return key


def read_public_text(text: str, option: str) -> bytes:
    """A public key as a person gives it: base64 or hex of its 32 bytes."""
    public = _hex(text) if len(text) == 2 * PUBLIC_BYTES else base64text.decode(text)
    if public is None or not valid_public(public):
        hint = "give the public key that `mpp agent keygen`, or `mpp agent host-key`, printed"
        raise Refused("key.public", "not the base64 or hex of a sound Ed25519 public key", where=f"{option} {text[:60]}", hint=hint)
    return public


def _hex(text: str) -> bytes | None:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return None
