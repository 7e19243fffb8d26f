"""Addresses of registries: https, or plain http to this machine; nothing in them that would be kept or shown by mistake."""

from __future__ import annotations

from urllib.parse import SplitResult, urljoin, urlsplit

from mpp.errors import Refused, RemoteFailed
from mpp.model.jsontext import shown
from mpp.protocol.addresses import is_here
from mpp.remote.limits import URL_CHARS_MAX

_HINT = "give an address that begins with https://"


def check_address(url: str) -> SplitResult:
    """Spec: registry client. Raises Refused ``usage.address``."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise _unusable(url, "this is no address") from None
    if len(url) > URL_CHARS_MAX or not url.isascii() or not url.isprintable() or " " in url or not host:
        raise _unusable(url, "this is no address")
    if parts.username is not None or parts.password is not None:
        # Attack on oneself: the address is remembered, shown and recorded, and the password with it.
        raise Refused("usage.address", "an address with a name or a password in it is not taken", where=host, hint="log in with `mpp registry login`")
    if parts.scheme not in {"http", "https"}:
        raise _unusable(url, "neither http nor https")
    if parts.scheme == "http" and not is_here(host):
        raise _unusable(url, "plain http is taken from this machine only")
    return parts


def check_base(url: str) -> str:
    """The address under which a registry's ``/v1`` lies, without a slash at its end."""
    parts = check_address(url)
    if parts.query or parts.fragment:
        raise _unusable(url, "the address of a registry has no ? and no #")
    return url.rstrip("/")


def _unusable(url: str, why: str) -> Refused:
    return Refused("usage.address", why, where=shown(url), hint=_HINT)


def origin_of(url: str) -> tuple[str, str, int]:
    """Scheme, host and port: what a credential is for."""
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or (443 if parts.scheme == "https" else 80)


def redirected(url: str, moved: str) -> str:
    """Where a redirect leads. Attack: from https to http, or from the network to a service of this machine."""
    before, target = urlsplit(url), urljoin(url, moved)
    try:
        after = check_address(target)
    except Refused as fault:
        raise RemoteFailed("remote.redirect", f"the server redirects to an address that is not taken: {fault.message}", where=shown(target)) from None
    if before.scheme == "https" and after.scheme != "https":
        raise RemoteFailed("remote.redirect", "the server redirects to plain http", where=shown(target), hint="ask who runs the server")
    if is_here(after.hostname or "") and not is_here(before.hostname or ""):
        raise RemoteFailed("remote.redirect", "the server redirects to this machine", where=shown(target), hint="ask who runs the server")
    return target
