"""What a page takes and gives. Both are plain values, so that a page knows nothing of sockets."""

from __future__ import annotations

from collections.abc import Mapping

from mpp.model.value import value
from mpp_registry.web.headers import HTML

ALWAYS_ASK = "no-cache"
"""A browser may keep it, and asks each time whether it still holds."""

NEVER_KEEP = "no-store"
FOR_EVER = "public, max-age=31536000, immutable"


@value
class Asked:
    method: str
    path: str
    places: Mapping[str, str]
    """The parts of the address that a route names."""
    query: Mapping[str, str]
    form: Mapping[str, str]
    cookie: str
    """That of an administrator's session; empty: none."""
    etag: str
    """``If-None-Match``."""
    address: str
    """Of whoever asked, as the server sees it."""
    is_secure: bool
    """Over https."""
    own_cookie: str = ""
    """That of a publisher's session; empty: none."""


@value
class Answer:
    body: bytes
    status: int = 200
    kind: str = HTML
    cache: str = ALWAYS_ASK
    more: tuple[tuple[str, str], ...] = ()
    etag: str = ""
    """Empty: made of the body."""


def redirect(place: str, *, more: tuple[tuple[str, str], ...] = ()) -> Answer:
    """See other: what follows a form is a page that can be loaded again without sending it twice."""
    return Answer(body=b"", status=303, cache=NEVER_KEEP, more=(("location", place), *more))
