"""Bodies: each has a most, and brings a least of bytes a second. What is large lies in a file until it is whole."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable
from hashlib import sha256
from typing import IO

import anyio.to_thread
from starlette.requests import ClientDisconnect
from starlette.types import Receive

from mpp.errors import Refused
from mpp_registry.api.limits import BODY_GRACE_SECONDS, BODY_RATE_MIN, SPOOL_BYTES


class Body:
    """The body of one request, as it comes."""

    def __init__(self, receive: Receive, told: str | None, most: int, *, spool: str, now: Callable[[], float] = time.monotonic) -> None:
        self._receive, self._most, self._spool, self._now = receive, most, spool, now
        self._digest = sha256()
        self._begun: float | None = None
        self.size = 0
        # Attack: a length of a thousand digits. What is no number of ordinary size is too large.
        if told is not None and (not (told.isascii() and told.isdigit()) or len(told) > 15 or int(told) > most):
            raise self._large()

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def _large(self) -> Refused:
        return Refused("registry.large", f"a body has at most {self._most} bytes here", hint="send less")

    async def whole(self) -> bytes:
        """All of it. Refuses one that is too large or too slow; ClientDisconnect: nobody sends it any more."""
        kept: list[bytes] = []
        held = 0
        file: IO[bytes] | None = None
        try:
            while True:
                piece, is_last = await self._piece()
                kept.append(piece)
                held += len(piece)
                if held > SPOOL_BYTES and not is_last:
                    file = file or tempfile.TemporaryFile(dir=self._spool)  # noqa: SIM115 - closed below
                    await anyio.to_thread.run_sync(_keep, file, kept)
                    kept, held = [], 0
                if is_last:
                    return await anyio.to_thread.run_sync(_joined, file, kept) if file is not None else b"".join(kept)
        finally:
            if file is not None:
                file.close()

    async def _piece(self) -> tuple[bytes, bool]:
        now = self._now()
        self._begun = now if self._begun is None else self._begun
        left = BODY_GRACE_SECONDS + self.size / BODY_RATE_MIN - (now - self._begun)
        try:
            # Attack: a byte every few seconds. What came buys time for what comes.
            message = await asyncio.wait_for(self._receive(), max(left, 0))
        except TimeoutError:
            raise Refused("registry.slow", f"a body brings at least {BODY_RATE_MIN} bytes a second", hint="send it again over a better line") from None
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        piece: bytes = message.get("body", b"")
        self.size += len(piece)
        if self.size > self._most:
            raise self._large()
        self._digest.update(piece)
        return piece, not message.get("more_body", False)


def _keep(file: IO[bytes], pieces: list[bytes]) -> None:
    file.writelines(pieces)


def _joined(file: IO[bytes], pieces: list[bytes]) -> bytes:
    file.writelines(pieces)
    file.seek(0)
    return file.read()
