"""Headers with a secret in them: from a file that only its owner reads, never from the command line. Spec: audit L-88."""

from __future__ import annotations

import re

from mpp.errors import Refused
from mpp.files import is_private, read_bounded
from mpp.host.audit.forwarding.limits import HEADERS_BYTES_MAX, HEADERS_MAX

_LINE = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}):[ \t]*([\x20-\x7e]*[\x21-\x7e])[ \t]*")
_OURS = frozenset(("host", "content-length", "content-type", "content-encoding", "transfer-encoding", "connection", "expect"))


def read_headers(path: str) -> dict[str, str]:
    """Lines ``Name: value``; empty lines and lines that begin with ``#`` are passed over. The words of a fault never quote a line."""
    if not is_private(path):
        raise Refused("audit.forward_headers", "others can read the file of headers", where=path, hint=f"run: chmod 600 {path}")
    try:
        lines = read_bounded(path, HEADERS_BYTES_MAX).decode("ascii").splitlines()
    except UnicodeDecodeError:
        raise Refused("audit.forward_headers", "the file of headers is not ASCII", where=path, hint="write lines such as: Authorization: Bearer …") from None
    found: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None or match[1].lower() in _OURS or len(found) >= HEADERS_MAX:
            hint = f"write lines such as `Authorization: Bearer …`, at most {HEADERS_MAX}, and none that say how long or to whom"
            raise Refused("audit.forward_headers", f"line {number} is no header that can be sent", where=path, hint=hint)
        found[match[1]] = match[2]
    return found
