"""Where else a package is: a registry may know another one that has it. Nobody is believed for that; a person may add the other one.

The other registry's proof is judged before it is named, so that a name space cannot be claimed by a mere word.
"""

from __future__ import annotations

from collections.abc import Callable

from mpp.errors import MppError, RemoteFailed
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import read
from mpp.model.limits import PACKAGE_ID_MAX
from mpp.model.names import PACKAGE_ID, PACKAGE_ID_FORM, SHA256_HEX, SHA256_HEX_FORM
from mpp.model.value import value
from mpp.protocol.registry.bundle import proven, read_bundle
from mpp.protocol.registry.limits import BUNDLE_BYTES_MAX
from mpp.remote.address import check_base
from mpp.remote.limits import URL_CHARS_MAX
from mpp.remote.proofs import Terms


@value
class Home:
    """Another registry that has published a package, as its own log proves."""

    registry_id: str
    url: str

    @property
    def words(self) -> str:
        return f"the registry {self.registry_id[:16]} at {self.url} has it; if you trust that one: mpp registry add {self.url} --fingerprint {self.registry_id}"


def read_home(data: bytes, package_id: str, terms: Terms, *, where: str) -> Home:
    """Raises MppError for what is no answer, or proves nothing. Keys that are not known are passed over."""
    faults = Faults("registry")
    fields = Fields(read(data, family="registry", where=where), where, faults)
    fields.number("mpp_discovery", least=1, most=1)
    home = fields.object("home") or Fields({}, where, faults)
    named = fields.text("package_id", most=PACKAGE_ID_MAX, pattern=PACKAGE_ID, form=PACKAGE_ID_FORM)
    registry_id = home.text("registry_id", most=64, pattern=SHA256_HEX, form=SHA256_HEX_FORM)
    url, bundle = home.text("url", most=URL_CHARS_MAX), fields.raw("bundle")
    faults.stop()
    text = bundle if isinstance(bundle, str) and len(bundle) <= BUNDLE_BYTES_MAX else ""
    found = proven(read_bundle(text.encode("utf-8")), registry_id, now=terms.now, max_age=terms.max_age)
    if {named, found.package_id} != {package_id}:
        raise RemoteFailed("remote.answer", "the registry answers about another package", where=where, hint="ask who runs it")
    return Home(registry_id=registry_id, url=check_base(url))


def elsewhere(ask: Callable[[], bytes], package_id: str, terms: Terms, *, where: str) -> str:
    """A sentence for a person; empty where nothing is known, or nothing proven."""
    try:
        return read_home(ask(), package_id, terms, where=where).words
    except MppError:
        return ""
