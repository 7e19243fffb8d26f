"""Bodies: how large, how slow, and where they lie meanwhile."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

import anyio
import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive

from mpp.errors import Refused
from mpp_registry.api.limits import BODY_GRACE_SECONDS, BODY_RATE_MIN, SPOOL_BYTES
from mpp_registry.api.receiving import Body


def receiving(*pieces: bytes | None) -> Receive:
    """None: the client is gone. What does not end is silent."""
    left = list(pieces)

    async def receive() -> Message:
        if not left:
            await anyio.Event().wait()
        piece = left.pop(0)
        return {"type": "http.disconnect"} if piece is None else {"type": "http.request", "body": piece, "more_body": bool(left)}

    return receive


class Moments:
    def __init__(self, step: float = 0.0) -> None:
        self.moment, self.step = 0.0, step

    def __call__(self) -> float:
        self.moment += self.step
        return self.moment


def whole(receive: Receive, told: str | None = None, most: int = 100, spool: str = "/tmp", step: float = 0.0) -> tuple[bytes, str]:
    async def run() -> tuple[bytes, str]:
        body = Body(receive, told, most, spool=spool, now=Moments(step))
        return await body.whole(), body.sha256

    return anyio.run(run)


def test_a_body_in_pieces_with_its_digest() -> None:
    assert whole(receiving(b"ab", b"", b"c"), told="3") == (b"abc", sha256(b"abc").hexdigest())


def test_a_large_body_lies_in_a_file_of_the_registry_and_leaves_nothing(tmp_path: Path) -> None:
    pieces = [os.urandom(SPOOL_BYTES // 2) for _ in range(7)]
    data, digest = whole(receiving(*pieces), most=SPOOL_BYTES * 10, spool=str(tmp_path))
    assert (data, digest) == (b"".join(pieces), sha256(b"".join(pieces)).hexdigest())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("told", ["101", "9" * 99, "-1", "x", "1_0", "²"])
def test_what_is_said_to_be_too_large_is_not_even_received(told: str) -> None:
    with pytest.raises(Refused) as caught:
        whole(receiving(), told=told)
    assert caught.value.code == "registry.large"


def test_what_is_too_large_after_all() -> None:
    with pytest.raises(Refused) as caught:
        whole(receiving(b"a" * 60, b"b" * 60), told="5")
    assert caught.value.code == "registry.large"


def test_a_client_that_sends_slowly_is_let_go() -> None:
    # Each look at the clock is two seconds later, and each piece one byte.
    with pytest.raises(Refused) as caught:
        whole(receiving(*[b"x"] * 90), step=2.0)
    assert caught.value.code == "registry.slow"


def test_what_came_buys_time_for_what_comes() -> None:
    piece = b"x" * int(BODY_RATE_MIN * 2.5)
    count = BODY_GRACE_SECONDS * 2
    data, _ = whole(receiving(*[piece] * count), most=len(piece) * count, step=2.0)
    assert len(data) == len(piece) * count


def test_a_client_that_is_gone() -> None:
    with pytest.raises(ClientDisconnect):
        whole(receiving(b"a", None))
