"""Standard output of a server, cut into messages. What is no message is skipped and counted; what is too long ends it. Spec: legacy V-1 to V-4."""

from __future__ import annotations

from mpp.errors import ToolFailed
from mpp.protocol.mcp_client.limits import LINE_BYTES_MAX, NOISE_BYTES_MAX

_HINT = "a server writes one JSON message a line to standard output, and nothing else there"


class Lines:
    """Feed it what was read; it gives whole lines that begin as JSON does."""

    def __init__(self, line_max: int = LINE_BYTES_MAX, noise_max: int = NOISE_BYTES_MAX) -> None:
        self._line_max, self._noise_max = line_max, noise_max
        self._pieces: list[bytes] = []
        self._size = 0
        self.noise = 0
        """Bytes that were no messages."""

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that are whole now. Raises ToolFailed ``tool.protocol`` for a line, or for noise, without end."""
        found: list[bytes] = []
        *whole, rest = data.split(b"\n")
        for one in whole:
            line = b"".join((*self._pieces, one)).strip(b" \t\r")
            self._pieces, self._size = [], 0
            if len(line) > self._line_max:
                raise ToolFailed("tool.protocol", f"the server wrote a line of more than {self._line_max} bytes", where="standard output", hint=_HINT)
            if line.startswith((b"{", b"[")):
                found.append(line)
            elif line:
                self.skip(line)
        if rest:
            self._pieces.append(rest)
            self._size += len(rest)
        # Attack: a line that never ends. It is not kept until it does.
        if self._size > self._line_max:
            raise ToolFailed("tool.protocol", f"the server wrote a line of more than {self._line_max} bytes", where="standard output", hint=_HINT)
        return found

    def skip(self, line: bytes) -> None:
        """Count what is no message after all."""
        self.noise += len(line) + 1
        if self.noise > self._noise_max:
            raise ToolFailed("tool.protocol", f"the server wrote more than {self._noise_max} bytes that are no messages", where="standard output", hint=_HINT)
