"""Frames between host and service: two lengths, a JSON head, a body. Each side reads the other's as if it were hostile.

A response has been on the network, so the service that read it may have been taken over; the host believes nothing but types,
sizes, and names that it gave itself.
"""

from __future__ import annotations

import json
import re
import struct

from mpp.host.services.http_limits import FRAME_HEAD_MAX, MESSAGE_MAX, RESPONSE_HEADERS_MAX
from mpp.host.services.http_types import REFUSALS, Headers, Hop, HopAnswer, HttpRefusal, Target
from mpp.model.capabilities import METHODS, Secret
from mpp.model.hosts import WEB_PORTS
from mpp.model.jsontext import Json, shown
from mpp.model.limits import TIMEOUT_MS_MAX
from mpp.model.secretvalue import SecretValue

BEGUN = b"\x01"
"""Stands before the answer: from here on something may have been sent."""
START = "import sys; sys.path.append(sys.argv[1]); from mpp.host.services.http_process import main; main(sys.argv[2:])"
"""What the new interpreter runs; the first argument is the folder that holds the package ``mpp``. Here, because the host does without the modules that the service needs."""

_SIZES = struct.Struct(">II")
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_TEXT = re.compile(r"[\t -~\x80-\xff]*")
_WORDS = re.compile(r"[ -~]*")


class FrameError(ValueError):
    """The other side sent what no frame of ours looks like."""


def _pack(head: Json, body: bytes) -> bytes:
    data = json.dumps(head, separators=(",", ":")).encode("ascii")
    return _SIZES.pack(len(data), len(body)) + data + body


def _plain(headers: Headers) -> list[Json]:
    return [[name, text] for name, text in headers]


def pack_hop(hop: Hop) -> bytes:
    secrets: list[Json] = [[one.secret.name, one.secret.host, one.secret.header, one.secret.format, one.value] for one in hop.secrets]
    target = hop.target
    return _pack(
        {
            "key": hop.key,
            "target": [target.scheme, target.host, target.port, target.path],
            "method": hop.method,
            "headers": _plain(hop.headers),
            "private": hop.private,
            "secrets": secrets,
            "remaining_ms": hop.remaining_ms,
        },
        hop.body,
    )


def pack_answer(answer: HopAnswer | HttpRefusal) -> bytes:
    if isinstance(answer, HopAnswer):
        return _pack({"status": answer.status, "headers": _plain(answer.headers), "echoed": [*answer.echoed]}, answer.body)
    return _pack({"code": answer.code, "message": shown(answer.message, MESSAGE_MAX), "contacted": bool(answer.observed), "sent": bool(answer.secrets)}, b"")


class FrameReader:
    """Collects one frame from pieces."""

    def __init__(self, body_most: int) -> None:
        self._most, self._held = body_most, bytearray()

    def feed(self, piece: bytes) -> bool:
        """Take a piece; True when the frame is whole."""
        self._held += piece
        if len(self._held) < _SIZES.size:
            return False
        head, body = self._sizes()
        if head > FRAME_HEAD_MAX or body > self._most or len(self._held) > _SIZES.size + head + body:
            raise FrameError("a frame is larger than it may be")
        return len(self._held) == _SIZES.size + head + body

    def _sizes(self) -> tuple[int, int]:
        head, body = _SIZES.unpack_from(self._held)
        return int(head), int(body)

    def take(self) -> tuple[dict[str, Json], bytes]:
        """Head and body of the whole frame."""
        size, _ = self._sizes()
        start = _SIZES.size + size
        try:
            head: Json = json.loads(self._held[_SIZES.size : start].decode("ascii"))
        except (ValueError, RecursionError):
            raise FrameError("the head of a frame is not JSON") from None
        if not isinstance(head, dict):
            raise FrameError("the head of a frame is no object")
        return head, bytes(memoryview(self._held)[start:])


def _text(found: Json) -> str:
    if not isinstance(found, str):
        raise FrameError("a text of a frame is none")
    return found


def _number(found: Json, least: int, most: int) -> int:
    if not isinstance(found, int) or isinstance(found, bool) or not least <= found <= most:
        raise FrameError("a number of a frame is none, or out of range")
    return found


def _row(found: Json, size: int) -> list[Json]:
    if not isinstance(found, list) or len(found) != size:
        raise FrameError("a row of a frame has another size")
    return found


def _rows(found: Json) -> list[Json]:
    if not isinstance(found, list):
        raise FrameError("a list of a frame is none")
    return found


def _headers(found: Json) -> Headers:
    out: list[tuple[str, str]] = []
    for row in _rows(found):
        name, text = map(_text, _row(row, 2))
        if _NAME.fullmatch(name) is None or _TEXT.fullmatch(text) is None:
            raise FrameError("a header of a frame is malformed")
        out.append((name, text))
    if len(out) > RESPONSE_HEADERS_MAX:
        raise FrameError("a frame has too many headers")
    return tuple(out)


def read_hop(head: dict[str, Json], body: bytes) -> Hop:
    scheme, host, port, path = _row(head.get("target"), 4)
    method, private = head.get("method"), head.get("private")
    if _text(scheme) not in WEB_PORTS or _text(method) not in METHODS or not isinstance(private, bool):
        raise FrameError("a frame asks for what does not exist")
    secrets: list[SecretValue] = []
    for row in _rows(head.get("secrets")):
        name, place, header, layout, text = map(_text, _row(row, 5))
        secrets.append(SecretValue(secret=Secret(name=name, host=place, header=header, format=layout), value=text))
    return Hop(
        key=_text(head.get("key")),
        target=Target(scheme=_text(scheme), host=_text(host), port=_number(port, 1, 65535), path=_text(path)),
        method=_text(method),
        headers=_headers(head.get("headers")),
        body=body,
        private=private,
        secrets=tuple(secrets),
        remaining_ms=_number(head.get("remaining_ms"), 1, TIMEOUT_MS_MAX),
    )


def read_hop_answer(head: dict[str, Json], body: bytes, hop: Hop) -> HopAnswer | HttpRefusal:
    """The answer to ``hop``. What was contacted and sent is told from the hop, not from the words of the service."""
    names = tuple(one.secret.name for one in hop.secrets)
    if "code" in head:
        code, message = _text(head["code"]), _text(head.get("message"))
        contacted, sent = head.get("contacted"), head.get("sent")
        if code not in REFUSALS or not isinstance(contacted, bool) or not isinstance(sent, bool) or body:
            raise FrameError("a refusal of a frame is malformed")
        if len(message) > MESSAGE_MAX or _WORDS.fullmatch(message) is None:
            raise FrameError("the words of a refusal are malformed")
        return HttpRefusal(code=code, message=message, observed=(hop.target.place,) if contacted else (), secrets=names if sent else ())
    echoed = tuple(map(_text, _rows(head.get("echoed"))))
    if not {*echoed} <= {*names}:
        raise FrameError("a frame names a secret that was not sent")
    return HopAnswer(status=_number(head.get("status"), 200, 599), headers=_headers(head.get("headers")), body=body, echoed=echoed)
