"""A signer that is another program: a security module, an agent, a cloud service. Spec: spec/keys.md section 7.

The program is called with ``public`` and prints the base64 of the public key, or with ``sign``, reads the message
from standard input, and prints the base64 of the signature. Only what verifies is used.
"""

from __future__ import annotations

import os
import selectors
import shlex
import subprocess
import tempfile
import time

from mpp.crypto import base64text
from mpp.crypto.ed25519 import PUBLIC_BYTES, SIGNATURE_BYTES, valid_public, verifies
from mpp.errors import HostFailed

SIGNER_SECONDS_MAX = 120
"""Seconds an external signer may take. Reason: a person may have to touch a device; longer is a hang."""

SIGNER_OUTPUT_MAX = 64 * 1024
"""Bytes of each output of an external signer. Reason: an answer has under 100, the rest is room for remarks; more is a fault."""

SIGNER_TEXT_MAX = 200
"""Characters of an external signer's error shown. Reason: it is another program's text on our terminal."""


class CommandSigner:
    """A ``Signer`` behind an external command."""

    def __init__(self, command: str) -> None:
        try:
            self._words = shlex.split(command)
        except ValueError:
            raise HostFailed("host.signer", "the signer command has an open quotation mark", hint="close it, or escape it with a backslash") from None
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
            code, said, complained = _run([*self._words, verb], message)
        except OSError as fault:
            raise self._wrong(f"did not run: {fault.__class__.__name__}") from None
        except subprocess.TimeoutExpired:
            raise self._wrong(f"gave no answer within {SIGNER_SECONDS_MAX} seconds") from None
        except _TooMuchError:
            raise self._wrong("printed far more than an answer") from None
        if code != 0:
            raise self._wrong(f"ended with exit code {code}: {complained[:SIGNER_TEXT_MAX].decode('utf-8', 'replace').strip()!a}")
        answer = base64text.decode(said.decode("ascii", "replace").strip())
        if answer is None or len(answer) != size:
            raise self._wrong(f"did not print the base64 of {size} bytes for {verb!r}")
        return answer

    def _wrong(self, message: str) -> HostFailed:
        return HostFailed("host.signer", f"the signer {message}", where=os.path.basename(self._words[0]), hint="try the command by hand with the word 'public'")


class _TooMuchError(Exception):
    """The program printed more than any answer has."""


def _run(words: list[str], message: bytes) -> tuple[int, bytes, bytes]:
    """The exit code and both outputs.

    Attack: a program that prints without end would fill our memory, one that hangs would hold us for ever.
    """
    until = time.monotonic() + SIGNER_SECONDS_MAX
    with tempfile.TemporaryFile() as given:
        given.write(message)
        given.seek(0)
        child = subprocess.Popen(words, stdin=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with child:
        try:
            said, complained = _collect(child, until)
            return child.wait(timeout=max(0.0, until - time.monotonic())), said, complained
        finally:
            child.kill()


def _collect(child: subprocess.Popen[bytes], until: float) -> tuple[bytes, bytes]:
    texts: dict[str, bytes] = {"out": b"", "err": b""}
    with selectors.DefaultSelector() as waiting:
        for name, stream in (("out", child.stdout), ("err", child.stderr)):
            if stream is not None:
                waiting.register(stream, selectors.EVENT_READ, name)
        while waiting.get_map():
            ready = waiting.select(max(0.0, until - time.monotonic()))
            if not ready:
                raise subprocess.TimeoutExpired(child.args, SIGNER_SECONDS_MAX)
            for key, _ in ready:
                piece = os.read(key.fd, SIGNER_OUTPUT_MAX)
                texts[key.data] += piece
                if len(texts[key.data]) > SIGNER_OUTPUT_MAX:
                    raise _TooMuchError
                if not piece:
                    waiting.unregister(key.fileobj)
    return texts["out"], texts["err"]
