"""Keys of those for whom the vault keeps: made, opened, and given as text."""

from __future__ import annotations

import os
import shlex

import click

from mpp.cli.calling import user_name
from mpp.cli.options import home, read_passphrase
from mpp.crypto import base64text
from mpp.crypto.keyfile import KEY_FILE_BYTES_MAX, VAULT, open_private, read_key, write_key
from mpp.crypto.sealedbox import PRIVATE_BYTES, PUBLIC_BYTES, public_of, seal_to
from mpp.errors import Refused
from mpp.files import PRIVATE, is_private, make_private_folder, read_bounded, write_atomic
from mpp.host.audit.log import AuditLog
from mpp.host.audit.reader import LogReader
from mpp.host.audit.vault import Call, find_call
from mpp.host.system import SystemClock
from mpp.model.events import Event
from mpp.model.jsontext import Json, shown
from mpp.ports import Random

key_option = click.option(
    "--key", "key_file", required=True, metavar="FILE", type=click.Path(dir_okay=False), help="The private key of the recipient: see `mpp audit vault keygen`."
)
log_option = click.option(
    "--log", "folder", default="", metavar="FOLDER", help="The audit folder of another home, or a copy of one. Nothing is recorded there."
)
entry_argument = click.argument("entry", metavar="ENTRY")


def make_vault_key(path: str, passphrase: bytes | None, random: Random) -> bytes:
    """A new key file; the public key. It never overwrites."""
    private = random.bytes(PRIVATE_BYTES)
    make_private_folder(os.path.dirname(os.path.abspath(path)))
    write_atomic(path, write_key(private, VAULT, passphrase, random), PRIVATE, replace=False)
    return public_of(private)


def load_vault_key(path: str, passphrase_file: str | None) -> bytes:
    """The private key in a file; a sealed one asks for its passphrase."""
    key = read_key(read_bounded(path, KEY_FILE_BYTES_MAX), where=path)
    if key.role != VAULT:
        raise Refused(
            "key.role", f"this is a {key.role} key; a key for the vault is needed", where=path, hint="give the one that `mpp audit vault keygen` made"
        )
    if not key.sealed and not is_private(path):
        raise Refused("key.mode", "other users can read this unsealed key", where=path, hint=f"run: chmod 600 {shlex.quote(path)}")
    passphrase = read_passphrase(passphrase_file, confirm=False, what="the key of the vault's recipient") if key.sealed else None
    return open_private(key, passphrase, where=path)


def read_recipient(text: str) -> bytes:
    """The public key of a recipient, as `keygen` prints it."""
    public = base64text.decode(text)
    if public is None or len(public) != PUBLIC_BYTES:
        hint = "give what `mpp audit vault keygen` printed as public key"
        raise Refused("audit.vault_key", "this is not the base64 of a public key of 32 bytes", where=f"--recipient {shown(text, 60)}", hint=hint)
    seal_to(public, b"")
    return public


def named_call(reader: LogReader, text: str) -> Call:
    """ENTRY: the number of an entry of a call, or the id of the call."""
    if len(text) == 32 and set(text) <= set("0123456789abcdef"):
        return find_call(reader, text)
    return find_call(reader, read_number(text, "ENTRY"))


def read_number(text: str, where: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 15:
        hint = "give the number of an entry, or the 32 digits of a call: see mpp audit search"
        raise Refused("usage.option", f"{shown(text)!r} is no entry and no call", where=where, hint=hint)
    return int(text)


def told_vault(what: str, body: dict[str, Json]) -> None:
    """The record says who turned the vault on or off, who opened what it kept, and who ran a call again."""
    event = Event(kind="vault", at=SystemClock().now(), tenant="local", invocation="", body={"what": what, "by": user_name(), **body})
    with AuditLog(home()) as log:
        log.record(event, durable=True)
