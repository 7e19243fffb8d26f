"""Who starts a registry on this machine knows it already: its id is written down, as ``keygen`` trusts its own key. Nobody has to confirm a fingerprint."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

from mpp.cli.store.registries import config_file, memory_of
from mpp.crypto.roots import read_chain
from mpp.host.outside import is_here
from mpp.remote.config import Registry, with_registry

NAME = "local"


def add_own(url: str, roots: bytes, *, private: bool) -> str:
    """What was done, in words; empty: it was known, or is for others to add. Only one that is reached on this machine alone is taken so."""
    if not is_here(urlsplit(url).hostname or ""):
        return ""
    chain, file = read_chain(roots, where="root.json"), config_file()
    config = file.load()
    known, named = config.by_id(chain.publisher_id), config.registries.get(NAME)
    # Whatever a person has said of it stays.
    if known is not None and (known.name != NAME or known.url == url):
        return ""
    if known is None and named is not None:
        return f"this home knows another registry as {NAME!r}; add this one under another name to use it"
    one = Registry(name=NAME, url=url, registry_id=chain.publisher_id, private=private) if known is None else replace(known, url=url)
    memory_of(chain.publisher_id).begin(chain)
    changed = file.change(lambda latest: with_registry(latest, one, default=False))
    return f"this home knows it as {NAME!r}" + (", and asks it first" if changed.default == NAME else "")
