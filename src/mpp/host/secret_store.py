"""The owner's secrets and settings: one sealed document, changed under a lock, replaced whole.

It is sealed with a key that lies elsewhere (see mpp.host.secret_keys), so a copy of the document alone says nothing.
Whoever acts as its owner on this machine can open it.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator, Mapping

from nacl import bindings
from nacl.exceptions import CryptoError

from mpp.crypto import base64text
from mpp.errors import HostFailed, Refused
from mpp.files import PRIVATE, locked, make_private_folder, read_bounded, write_atomic
from mpp.host.home import Home
from mpp.host.secret_entry import SecretEntry, binding_words, read_row, row, same_binding
from mpp.host.secret_keys import Keyring, check_private, file_key, find_keyring, keyring_key, works
from mpp.host.system import SystemRandom
from mpp.limits import MIB
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import Json, canonical, read, shown
from mpp.ports import Random

SECRETS_STORED_MAX = 1000
"""Secrets of one home. Reason: a person manages tens; bounds reading."""

SEALED_BYTES_MAX = 24 * MIB
"""Bytes of the sealed document. Reason: it holds all secrets at their largest, encoded twice."""

STORE_FILE = "secrets.sealed"
SOURCES = ("file", "keyring")


class SecretStore:
    """The secrets of one home. Reading is cheap while the document stays the same."""

    def __init__(self, folder: str, key_path: str, *, keyring: Callable[[], Keyring | None] = lambda: None, random: Random | None = None) -> None:
        self.path = os.path.join(folder, STORE_FILE)
        self._folder, self._key_path, self._keyring = folder, key_path, keyring
        self._random = random or SystemRandom()
        self._seen: tuple[tuple[int, int, int, int], Mapping[str, SecretEntry]] | None = None

    def load(self) -> Mapping[str, SecretEntry]:
        """All entries by name; none if there is no document yet."""
        # Judged each time: a document that others may read by now is refused even if it was fine before.
        if not check_private(self.path):
            return {}
        stamp = self._stamp()
        if self._seen is None or self._seen[0] != stamp:
            self._seen = (stamp, self._opened(self._sealed()))
        return self._seen[1]

    def change(self, step: Callable[[Mapping[str, SecretEntry]], Mapping[str, SecretEntry]]) -> Mapping[str, SecretEntry]:
        """Apply ``step`` to the newest entries and write them, one process at a time."""
        make_private_folder(self._folder)
        with locked(self.path + ".lock", "the secrets"):
            there = check_private(self.path)
            before = self._opened(self._sealed()) if there else {}
            after = step(before)
            if after is before:
                return before
            if len(after) > SECRETS_STORED_MAX:
                raise Refused("secret.count", f"more than {SECRETS_STORED_MAX} secrets", where=self.path, hint="remove some with `mpp secret rm NAME`")
            source, name = self._header() if there else self._new_header()
            box = self._seal(after, source, name)
            # What could not be opened again would lock its owner out.
            if len(box) > SEALED_BYTES_MAX:
                raise Refused(
                    "secret.count", f"the secrets would take more than {SEALED_BYTES_MAX} bytes", where=self.path, hint="remove some with `mpp secret rm NAME`"
                )
            self._opened(box)
            write_atomic(self.path, box, PRIVATE)
            return after

    def put(self, entry: SecretEntry, *, replace: bool) -> None:
        """Store ``entry``. Another binding, or other packages, than the name has already only with ``replace``."""

        def step(entries: Mapping[str, SecretEntry]) -> Mapping[str, SecretEntry]:
            known = entries.get(entry.name)
            if known is not None and not replace and not same_binding(known, entry):
                raise Refused("secret.exists", f"the secret is stored already, {binding_words(known)}", where=entry.name, hint="give --replace to bind it anew")
            return {**entries, entry.name: entry}

        self.change(step)

    def remove(self, name: str) -> None:
        def step(entries: Mapping[str, SecretEntry]) -> Mapping[str, SecretEntry]:
            if name not in entries:
                raise Refused("secret.missing", f"there is no secret {shown(name)!r}", hint="see `mpp secret list`")
            return {one: entry for one, entry in entries.items() if one != name}

        self.change(step)

    @property
    def key_source(self) -> str:
        """Where the key of the present document is: ``file``, ``keyring``, or nothing where there is no document."""
        return self._header()[0] if check_private(self.path) else ""

    def _stamp(self) -> tuple[int, int, int, int]:
        try:
            found = os.stat(self.path)
        except OSError as fault:
            raise HostFailed("host.file", f"cannot look at the secrets: {fault.strerror}", where=self.path, hint="try again") from None
        return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size

    def _sealed(self) -> bytes:
        with self._judged():
            return read_bounded(self.path, SEALED_BYTES_MAX)

    def _header(self) -> tuple[str, str]:
        source, name, _, _ = self._outer(self._sealed())
        return source, name

    def _new_header(self) -> tuple[str, str]:
        """A keyring that works is taken; else the file. A name of its own: two homes never share a key."""
        name = self._random.bytes(16).hex()
        keyring = self._keyring()
        if keyring is None or not works(keyring, self._random):
            file_key(self._key_path, self._random, create=True)
            return "file", name
        keyring.put(name, base64text.encode(self._random.bytes(32)))
        return "keyring", name

    def _key(self, source: str, name: str) -> bytes:
        return keyring_key(self._keyring(), name) if source == "keyring" else file_key(self._key_path, self._random, create=False)

    def _seal(self, entries: Mapping[str, SecretEntry], source: str, name: str) -> bytes:
        rows: list[Json] = [row(entries[one]) for one in sorted(entries)]
        nonce = self._random.bytes(24)
        plain = canonical({"mpp_secrets": 1, "entries": rows})
        box = bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(plain, _bound(source, name), nonce, self._key(source, name))
        head: dict[str, Json] = {"mpp_sealed": 1, "cipher": "xchacha20poly1305", "key": source, "name": name}
        return canonical({**head, "nonce": base64text.encode(nonce), "box": base64text.encode(box)})

    def _opened(self, data: bytes) -> Mapping[str, SecretEntry]:
        source, name, nonce, box = self._outer(data)
        try:
            plain = bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(box, _bound(source, name), nonce, self._key(source, name))
        except CryptoError:
            raise self._broken("was changed, or is sealed with another key") from None
        with self._judged():
            faults = Faults("secret")
            fields = Fields(read(plain, family="secret", where=self.path), self.path, faults)
            fields.number("mpp_secrets", least=1, most=1)
            found = fields.each("entries", lambda item, at: read_row(Fields(item, at, faults)), most=SECRETS_STORED_MAX)
            fields.end()
            faults.stop()
        return {entry.name: entry for entry in found}

    def _outer(self, data: bytes) -> tuple[str, str, bytes, bytes]:
        with self._judged():
            faults = Faults("secret")
            fields = Fields(read(data, family="secret", where=self.path), self.path, faults)
            fields.number("mpp_sealed", least=1, most=1)
            fields.one_of("cipher", ("xchacha20poly1305",))
            source = fields.one_of("key", SOURCES)
            name = fields.text("name", most=32, least=32, pattern=re.compile("[0-9a-f]*"), form="32 hex digits")
            nonce = base64text.decode(fields.text("nonce", most=32))
            box = base64text.decode(fields.text("box", most=SEALED_BYTES_MAX))
            fields.end()
            faults.stop()
        if nonce is None or len(nonce) != 24 or box is None:
            raise self._broken("is not in the form that mpp writes")
        return source, name, nonce, box

    @contextlib.contextmanager
    def _judged(self) -> Iterator[None]:
        """Attack: a message about a damaged document could quote what is in it; ours says only that it is damaged."""
        try:
            yield
        except Refused:
            raise self._broken("is not in the form that mpp writes") from None

    def _broken(self, how: str) -> Refused:
        hint = "restore it and its key from a copy; or move it away and set the secrets again"
        return Refused("secret.sealed", f"the document with the secrets {how}", where=self.path, hint=hint)


def open_secrets(home: Home) -> SecretStore:
    """The secrets of ``home``, with the keyring of this session if there is one."""
    return SecretStore(home.secrets, home.seal, keyring=find_keyring)


def _bound(source: str, name: str) -> bytes:
    return f"mpp-secrets-1 {source} {name}".encode("ascii")
