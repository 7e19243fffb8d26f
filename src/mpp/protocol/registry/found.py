"""What registries say to each other about a package: one document, written by us and read from anybody. Pure."""

from __future__ import annotations

import re

from mpp.crypto import base64text
from mpp.errors import Refused, RemoteFailed
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import canonical, Json, read, shown
from mpp.model.limits import PACKAGE_ID_MAX, VERSION_MAX
from mpp.model.names import PACKAGE_ID, PACKAGE_ID_FORM, SHA256_HEX, SHA256_HEX_FORM, VERSION, VERSION_FORM
from mpp.model.value import value
from mpp.protocol.registry.limits import BUNDLE_BYTES_MAX, HOPS_MAX, PEER_URL_CHARS_MAX, ROOTS_BYTES_MAX

_URL = re.compile(r"(?:https?://[!-~]+)?")


@value
class Found:
    """A package, and the registry that vouches for it. ``bundle`` proves all but the address."""

    package_id: str
    version: str
    registry_id: str
    """Of the home: the registry in whose log the version was published."""
    url: str
    roots: bytes
    bundle: bytes
    introduced_by: tuple[str, ...] = ()
    """The registries through which an unlisted home was learned of; empty where it is in the list itself, or here."""

    @property
    def size(self) -> int:
        return len(self.bundle) + len(self.roots) + 1000


def write_found(found: Found, *, is_local: bool) -> bytes:
    return canonical(
        {
            "mpp_discovery": 1,
            "package_id": found.package_id,
            "version": found.version,
            "home": {"registry_id": found.registry_id, "url": found.url, "roots": base64text.encode(found.roots)},
            "bundle": found.bundle.decode("utf-8"),
            "introduced_by": list[Json](found.introduced_by),
            "is_local": is_local,
        }
    )


def read_found(data: bytes, *, where: str) -> Found:
    """An answer of any registry. Keys that we do not know are passed over: newer registries may say more."""
    faults = Faults("registry")
    try:
        fields = Fields(read(data, family="registry", where=where), where, faults)
        found = _read(fields)
        faults.stop()
    except Refused as fault:
        message = f"the registry answers with something else: {fault.message}"
        raise RemoteFailed("remote.answer", message, where=shown(where), hint="ask who runs it") from None
    return found


def _read(fields: Fields) -> Found:
    fields.number("mpp_discovery", least=1, most=1)
    home = fields.object("home") or Fields({}, fields.where, fields.faults)
    return Found(
        package_id=fields.text("package_id", most=PACKAGE_ID_MAX, pattern=PACKAGE_ID, form=PACKAGE_ID_FORM),
        version=fields.text("version", most=VERSION_MAX, pattern=VERSION, form=VERSION_FORM),
        registry_id=home.text("registry_id", most=64, pattern=SHA256_HEX, form=SHA256_HEX_FORM),
        url=home.text("url", most=PEER_URL_CHARS_MAX, default="", least=0, pattern=_URL, form="the address of a registry"),
        roots=base64text.read_field(home, "roots", 1, ROOTS_BYTES_MAX),
        bundle=_bundle(fields),
        introduced_by=fields.texts("introduced_by", most=HOPS_MAX, each_most=64, pattern=SHA256_HEX, form=SHA256_HEX_FORM),
    )


def _bundle(fields: Fields) -> bytes:
    """Not by a getter of texts: a bundle is a document of its own, and its reader judges it."""
    text = fields.raw("bundle")
    if not isinstance(text, str) or not 0 < len(text) <= BUNDLE_BYTES_MAX:
        fields.faults.add("type", fields.path("bundle"), "must be the text of a bundle", "write it as a string")
        return b""
    return text.encode("utf-8")
