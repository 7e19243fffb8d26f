"""Lines out of bytes, of bounded length. Spec: mcp-front J-56."""

from __future__ import annotations

from mpp.protocol.mcp.limits import MESSAGE_BYTES_MAX


class Lines:
    """Feed it what was read, in pieces of any size; it gives whole lines. One that is too long is given as None, and its rest is dropped."""

    def __init__(self, most: int = MESSAGE_BYTES_MAX) -> None:
        self._most = most
        self._kept: list[bytes] = []
        self._length = 0
        self._over = False

    def feed(self, data: bytes) -> list[bytes | None]:
        *whole, rest = data.split(b"\n")
        if not (rest or self._kept or self._over) and len(data) <= self._most:
            # Whole lines and nothing before them, as nearly always.
            return [line for line in whole if line.strip(b" \t\r")]
        found: list[bytes | None] = []
        for part in whole:
            self._keep(part)
            line = None if self._over else b"".join(self._kept)
            self._kept, self._length, self._over = [], 0, False
            if line is None or line.strip(b" \t\r"):
                found.append(line)
        self._keep(rest)
        return found

    def _keep(self, part: bytes) -> None:
        if not part:
            return
        self._length += len(part)
        # Attack: a line without an end. It is counted, not kept.
        self._over = self._over or self._length > self._most
        if self._over:
            self._kept = []
        else:
            self._kept.append(part)
