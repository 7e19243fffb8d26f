"""The prompts and resources of all installed packages under their public names, put together anew when the packages changed. Spec: static-content X-2, X-26."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from mpp.errors import Fault, MppError
from mpp.host.sources.naming import SEPARATOR
from mpp.host.static.static import EMPTY, Static, static_of
from mpp.model.jsontext import Json
from mpp.model.value import value
from mpp.stages.gatekeeper import VerifiedPackage

Installed = Sequence[tuple[str, VerifiedPackage]]
"""Packages by alias, in the order in which they are offered."""


@value
class Kept:
    """What one package ships."""

    alias: str
    package: VerifiedPackage
    static: Static


@value
class Shelf:
    """All of it at one moment. A change is another shelf."""

    key: tuple[tuple[str, str], ...] = ()
    kept: tuple[Kept, ...] = ()
    by_name: Mapping[str, tuple[Kept, str]] | None = None
    """Public name of a prompt: the package, and the name that it gave."""
    faults: tuple[Fault, ...] = ()

    def prompts(self) -> tuple[Json, ...]:
        """Entries of ``prompts/list`` under their public names, sorted."""
        names = self.by_name or {}
        own = {(one.alias, str(entry["name"])): entry for one in self.kept for entry in one.static.prompts()}
        return tuple({**own[names[name][0].alias, names[name][1]], "name": name} for name in sorted(names))

    def prompt(self, name: str) -> tuple[Kept, str] | None:
        return (self.by_name or {}).get(name)

    def resources(self) -> tuple[Json, ...]:
        return _first_of(one.static.resources() for one in self.kept)

    def templates(self) -> tuple[Json, ...]:
        return _first_of(one.static.templates() for one in self.kept)

    def read(self, uri: str) -> tuple[Kept, list[Json]] | None:
        """The contents of a resource and whose it is; of several packages the first has it."""
        for one in self.kept:
            found = one.static.read(uri)
            if found is not None:
                return one, found
        return None

    def complete(self, ref: Mapping[str, Json], argument: str, text: str) -> tuple[str, ...]:
        if ref.get("type") == "ref/prompt":
            named = self.prompt(str(ref.get("name")))
            found = None if named is None else named[0].static.complete({**ref, "name": named[1]}, argument, text)
            return found or ()
        listed = (one.static.complete(ref, argument, text) for one in self.kept)
        return next((found for found in listed if found is not None), ())


class Shelves:
    """Safe to use from many threads."""

    def __init__(self, installed: Callable[[], Installed], *, plain_names: bool) -> None:
        self._installed, self._plain_names = installed, plain_names
        self._lock = threading.Lock()
        self._shelf = Shelf()

    def now(self) -> Shelf:
        installed = self._installed()
        key = tuple((alias, package.content_hash) for alias, package in installed)
        with self._lock:
            if self._shelf.key != key:
                self._shelf = _shelf(key, installed, plain_names=self._plain_names)
            return self._shelf


def _shelf(key: tuple[tuple[str, str], ...], installed: Installed, *, plain_names: bool) -> Shelf:
    kept: list[Kept] = []
    faults: list[Fault] = []
    for alias, package in installed:
        try:
            static = static_of(package)
        except MppError as fault:
            # Its tools are served all the same: they were judged by themselves.
            faults += fault.faults
            static = EMPTY
        if static != EMPTY:
            kept.append(Kept(alias=alias, package=package, static=static))
    named = [(one, str(entry["name"])) for one in kept for entry in one.static.prompts()]
    counts = Counter(name for _, name in named)
    by_name = {(name if plain_names and counts[name] == 1 else f"{one.alias}{SEPARATOR}{name}"): (one, name) for one, name in named}
    return Shelf(key=key, kept=tuple(kept), by_name=by_name, faults=tuple(faults))


def _first_of(lists: Iterable[Sequence[dict[str, Json]]]) -> tuple[Json, ...]:
    """Spec: static-content X-26. What stands under an address that was there before is left out."""
    found: dict[str, dict[str, Json]] = {}
    for entries in lists:
        for entry in entries:
            found.setdefault(str(entry.get("uri", entry.get("uriTemplate"))), entry)
    return tuple(found.values())
