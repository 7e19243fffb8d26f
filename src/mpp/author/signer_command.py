"""A signer that is another program: a security module, an agent, a cloud service. Spec: spec/keys.md section 7.

The program is called with ``public`` and prints the base64 of the public key, or with ``sign``, reads the message
from standard input, and prints the base64 of the signature. Only what verifies is used.
"""

from __future__ import annotations

import os
import shlex
import subprocess

from mpp.crypto import base64text
from mpp.crypto.ed25519 import PUBLIC_BYTES, SIGNATURE_BYTES, valid_public, verifies
from mpp.errors import HostFailed

SIGNER_SECONDS_MAX = 120
"""Seconds an external signer may take. Reason: a person may have to touch a device; longer is a hang."""

SIGNER_TEXT_MAX = 200
"""Characters of an external signer's error shown. Reason: it is another program's text on our terminal."""


class CommandSigner:
    """A ``Signer`` behind an external command."""

    def __init__(self, command: str) -> None:
        self._words = shlex.split(command)
        if not self._words:
            raise HostFailed("host.signer", "the signer command is empty", hint="give the program and its arguments")
        self._public = self._ask("public", b"", PUBLIC_BYTES)
        if not valid_public(self._public):
            raise self._wrong("printed no sound Ed25519 public key")

    @property
    def public_key(self) -> bytes:
        return self._public

    def sign(self, message: bytes) -> bytes:
        signature = self._ask("sign", message, SIGNATURE_BYTES)
        if not verifies(self._public, message, signature):
            raise self._wrong("printed a signature that does not verify")
        return signature

    def _ask(self, verb: str, message: bytes, size: int) -> bytes:
        try:
            done = subprocess.run([*self._words, verb], input=message, capture_output=True, timeout=SIGNER_SECONDS_MAX, check=False)  # noqa: S603
        except (OSError, subprocess.TimeoutExpired) as fault:
            raise self._wrong(f"did not run: {fault.__class__.__name__}") from None
        if done.returncode != 0:
            said = ascii(done.stderr[:SIGNER_TEXT_MAX].decode("utf-8", "replace").strip())
            raise self._wrong(f"ended with exit code {done.returncode}: {said}")
        answer = base64text.decode(done.stdout[:1024].decode("ascii", "replace").strip())
        if answer is None or len(answer) != size:
            raise self._wrong(f"did not print the base64 of {size} bytes for {verb!r}")
        return answer

    def _wrong(self, message: str) -> HostFailed:
        return HostFailed("host.signer", f"the signer {message}", where=os.path.basename(self._words[0]), hint="try the command by hand with the word 'public'")
