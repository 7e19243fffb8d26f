"""Where a target is: a file, a syslog server or a web server. Spec: audit L-88."""

from __future__ import annotations

import os
from urllib.parse import SplitResult, urlsplit

from mpp.errors import Refused
from mpp.host.audit.forwarding.limits import PATH_CHARS_MAX, URL_CHARS_MAX
from mpp.model.jsontext import shown
from mpp.model.value import value
from mpp.host.outside import is_here

PORTS = {"tcp": 601, "tls": 6514, "http": 80, "https": 443}
SAFE = frozenset(("tls", "https"))


@value
class Address:
    scheme: str
    """``file``, ``tcp``, ``tls``, ``http`` or ``https``."""
    host: str = ""
    port: int = 0
    path: str = ""
    """Of a file, or behind the host, with its query."""

    @property
    def secure(self) -> bool:
        return self.scheme in SAFE

    def shown(self) -> str:
        if self.scheme == "file":
            return f"file:{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self.path}"


def read_address(text: str, *, insecure: bool) -> Address:
    """``insecure``: somebody said that others may read it on the way."""
    if "://" not in text:
        return _file(text.removeprefix("file:"))
    if text.startswith("file://"):
        return _file(text.removeprefix("file://"))
    parts, host, port = _split(text)
    if parts.scheme not in PORTS:
        raise _unusable(text, f"{shown(parts.scheme)} is none of file, tcp, tls, http and https")
    if parts.scheme not in SAFE and not is_here(host) and not insecure:
        raise Refused(
            "usage.forward", f"{parts.scheme} lets others read and change the record on its way", where=host,
            hint="take tls:// or https://, or add --insecure-plaintext if the network itself is protected",
        )  # fmt: skip
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    if parts.scheme in {"tcp", "tls"} and path not in {"", "/"}:
        raise _unusable(text, "a syslog server has no path")
    return Address(scheme=parts.scheme, host=host, port=port or PORTS[parts.scheme], path=path if parts.scheme in {"http", "https"} else "")


def _split(text: str) -> tuple[SplitResult, str, int | None]:
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _unusable(text, "this is no address") from None
    if not host or len(text) > URL_CHARS_MAX or not text.isascii() or not text.isprintable() or " " in text or parts.fragment:
        raise _unusable(text, "this is no address")
    if parts.username is not None or parts.password is not None:
        # Attack on oneself: the address is kept and shown, and the password with it.
        raise Refused("usage.forward", "an address with a name or a password in it is not taken", where=host, hint="put it into a file for --header-file")
    return parts, host, port


def _file(path: str) -> Address:
    if not path or len(path) > PATH_CHARS_MAX or "\0" in path:
        raise _unusable(path, "this is no path")
    return Address(scheme="file", path=os.path.abspath(path))


def _unusable(text: str, why: str) -> Refused:
    return Refused("usage.forward", why, where=shown(text), hint="give a path, or an address such as tls://logs.example.com:6514 or https://otel.example.com")
