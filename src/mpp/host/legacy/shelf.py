"""Prompts, resources and templates of all older servers under the names and addresses that agents know. Spec: legacy V-60 to V-62."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import unquote

from mpp.host.legacy.offers import fits, own_name, passed_on, PROMPT, RESOURCE, TEMPLATE, under
from mpp.host.legacy.types import Entry, Pin
from mpp.host.sources.naming import SEPARATOR
from mpp.model.jsontext import Json
from mpp.model.value import value

META = "org.modelpackageprotocol/"


@value
class Item:
    """One prompt, resource or template that is as it was agreed to."""

    entry: Entry
    pin: Pin
    public: str
    """The name or address that agents know."""

    @property
    def own(self) -> str:
        """The name or address that the server knows."""
        return own_name(self.pin.name)

    def listed(self, key: str) -> dict[str, Json]:
        """As it stands in a list. Spec: legacy V-60: whose it is, and that nobody verified it."""
        return {**passed_on(self.pin.kind, json.loads(self.pin.document)), key: self.public, "_meta": self.labels}

    @property
    def labels(self) -> dict[str, Json]:
        return {META + "package": self.entry.server.package_id, META + "verified": False}


@value
class LegacyShelf:
    """All of it at one moment."""

    prompts: tuple[Item, ...] = ()
    resources: tuple[Item, ...] = ()
    templates: tuple[Item, ...] = ()

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> LegacyShelf:
        listed = [*entries]
        prompts = tuple(Item(entry=one, pin=pin, public=f"{one.server.name}{SEPARATOR}{own_name(pin.name)}") for one, pin in _free(listed, PROMPT))
        return cls(prompts=prompts, resources=_addressed(listed, RESOURCE), templates=_addressed(listed, TEMPLATE))

    def prompt(self, name: str) -> Item | None:
        return next((one for one in self.prompts if one.public == name), None)

    def template(self, uri: str) -> Item | None:
        return next((one for one in self.templates if one.public == uri), None)

    def resource(self, uri: str) -> tuple[Item, str] | None:
        """What answers under this address, and the address as its server knows it. A listed resource goes before a template.

        Attack: a server whose template takes in what is another one's. Where two could answer, neither does under the plain address.
        """
        for one in self.resources:
            if one.public == uri:
                return one, one.own
        found = [one for one in self.templates if fits(one.own, uri)]
        if len({one.entry.server.name for one in found}) == 1:
            return found[0], uri
        named = [(one, own) for one in self.templates if (own := _inside(one.entry.server.name, uri)) and fits(one.own, own)]
        return named[0] if named else None

    def public(self, server: str, uri: str) -> str:
        """The address that agents know, from the one that the server knows."""
        return next((one.public for one in self.resources if one.entry.server.name == server and one.own == uri), uri)


def _free(entries: Sequence[Entry], kind: str) -> list[tuple[Entry, Pin]]:
    """What is not kept back."""
    found: list[tuple[Entry, Pin]] = []
    for one in entries:
        held = {each.name for each in one.held}
        found += [(one, pin) for pin in one.of(kind) if pin.name not in held]
    return found


def _addressed(entries: Sequence[Entry], kind: str) -> tuple[Item, ...]:
    """Attack: a server that answers under the address of another one. Where two have the same, each is named with its server."""
    free = _free(entries, kind)
    counts: Mapping[str, int] = Counter(pin.name for _, pin in free)
    return tuple(
        Item(entry=one, pin=pin, public=own_name(pin.name) if counts[pin.name] == 1 else under(one.server.name, own_name(pin.name))) for one, pin in free
    )


def _inside(server: str, uri: str) -> str:
    """The server's own address in one that names the server; empty where it names another."""
    begin = under(server, "")
    return unquote(uri[len(begin) :]) if uri.startswith(begin) else ""
