"""A configuration as a text with tables of servers in it, in either notation. What is changed is read once more before anybody gets it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from mpp.errors import HostFailed, Refused
from mpp.host.clients.jsonedit import Style, with_member, with_raw_member, without_members
from mpp.host.clients.jsonspan import Node, Tree
from mpp.host.clients.tomltext import read_toml, with_table, without_tables
from mpp.model.jsontext import Json, shown

Path = tuple[str, ...]
"""Where a table stands in a document: the keys from the root."""


class Document(Protocol):
    """One text. Each change gives a new one."""

    @property
    def text(self) -> str: ...
    @property
    def meaning(self) -> dict[str, Json]: ...
    def added(self, holder: Path, name: str, item: Json) -> Document: ...
    def removed(self, gone: Mapping[Path, frozenset[str]]) -> Document: ...


def table_at(meaning: dict[str, Json], holder: Path, where: str) -> dict[str, Json]:
    """The table at ``holder``; an empty one where there is none."""
    found: Json = meaning
    for key in holder:
        found = found.get(key, {}) if isinstance(found, dict) else None
    if not isinstance(found, dict):
        raise Refused("host.client_form", f"{shown('.'.join(holder))} must be a table of servers", where=where, hint="mend the file, or remove the key")
    return found


class JsonDocument:
    """JSON with comments."""

    def __init__(self, text: str, where: str) -> None:
        self.text, self._where = text, where
        self._tree = Tree(text if text.strip() else "{}", where)
        self.meaning = table_at({"": self._tree.json(self._tree.root)}, ("",), where)

    def added(self, holder: Path, name: str, item: Json) -> JsonDocument:
        tree, rest = self._tree, list(holder)
        node: Node = tree.root
        while rest and (found := tree.member(node, rest[0])) is not None:
            node = found.node
            rest.pop(0)
        if node.kind != "object":
            raise Refused("host.client_form", "this must be an object", where=tree.place(node.start), hint="write { ... }, or remove it")
        wanted = _put(self.meaning, holder, name, item)
        for key in reversed([*rest[1:], name] if rest else []):
            item = {key: item}
        new = with_member(tree, node, rest[0] if rest else name, item, Style(tree))
        return self._checked(new if self.text.strip() else new + "\n", wanted, holder)

    def removed(self, gone: Mapping[Path, frozenset[str]]) -> JsonDocument:
        found = [(node, names) for holder, names in gone.items() if (node := self._tree.at(*holder)) is not None]
        if not found:
            return self
        wanted = self.meaning
        for holder, names in gone.items():
            wanted = _drop(wanted, holder, names)
        # One reading for all of them: a client with a hundred projects has a large file.
        return self._checked(without_members(self._tree, found), wanted, *gone)

    def raw(self, holder: Path, name: str) -> str:
        """``"name": value`` as it stands in the text; empty where it is not."""
        node = self._tree.at(*holder)
        found = self._tree.member(node, name) if node is not None else None
        return "" if found is None else self.text[found.start : found.node.end]

    def with_raw(self, holder: Path, name: str, raw: str, item: Json) -> JsonDocument:
        """``raw`` put back as it was taken out with ``raw``, where the table is still there."""
        node = self._tree.at(*holder)
        if node is None:
            return self.added(holder, name, item)
        return self._checked(with_raw_member(self._tree, node, raw, Style(self._tree)), _put(self.meaning, holder, name, item), holder)

    def _checked(self, text: str, wanted: dict[str, Json], *holders: Path) -> JsonDocument:
        made = JsonDocument(text, self._where)
        _same(made.meaning, wanted, holders, self._where)
        return made


class TomlDocument:
    """TOML, in which each server has a table of its own or stands below one."""

    def __init__(self, text: str, where: str) -> None:
        self.text, self._where = text, where
        self.meaning = read_toml(text, where)

    def added(self, holder: Path, name: str, item: Json) -> TomlDocument:
        if not isinstance(item, dict):
            raise Refused("host.client_form", "this must be a table", where=self._where, hint="put it there by hand")
        wanted = _put(self.meaning, holder, name, item)
        return self._checked(with_table(self.text, (*holder, name), item, self._where), wanted, holder)

    def removed(self, gone: Mapping[Path, frozenset[str]]) -> TomlDocument:
        text = without_tables(self.text, frozenset((*holder, name) for holder, names in gone.items() for name in names))
        wanted = self.meaning
        for holder, names in gone.items():
            wanted = _drop(wanted, holder, names)
        return self._checked(text, wanted, *gone)

    def _checked(self, text: str, wanted: dict[str, Json], *holders: Path) -> TomlDocument:
        try:
            made = TomlDocument(text, self._where)
            _same(made.meaning, wanted, holders, self._where)
        except (Refused, HostFailed):
            message = "the servers are written in a form that cannot be changed line by line"
            raise Refused("host.client_form", message, where=self._where, hint="write each as a table of its own: [mcp_servers.NAME]") from None
        return made


def _same(meaning: dict[str, Json], wanted: dict[str, Json], holders: Iterable[Path], where: str) -> None:
    """A change that came to something else than it was to is never written."""
    for holder in holders:
        meaning, wanted = _without_empty(meaning, holder), _without_empty(wanted, holder)
    if meaning != wanted:
        raise HostFailed("host.client_form", "the change would alter something else too; the file is as it was", where=where, hint="change it by hand")


def _without_empty(meaning: dict[str, Json], holder: Path) -> dict[str, Json]:
    """A table that is empty and none are the same: TOML need not name it."""
    found = meaning.get(holder[0])
    inner = _without_empty(found, holder[1:]) if isinstance(found, dict) and holder[1:] else found
    return {key: item for key, item in {**meaning, holder[0]: inner}.items() if key != holder[0] or item}


def _put(meaning: dict[str, Json], holder: Path, name: str, item: Json) -> dict[str, Json]:
    if not holder:
        return {**meaning, name: item}
    found = meaning.get(holder[0], {})
    return {**meaning, holder[0]: _put(found if isinstance(found, dict) else {}, holder[1:], name, item)}


def _drop(meaning: dict[str, Json], holder: Path, names: frozenset[str]) -> dict[str, Json]:
    if not holder:
        return {key: item for key, item in meaning.items() if key not in names}
    found = meaning.get(holder[0])
    if found is None:
        return meaning
    return {**meaning, holder[0]: _drop(found if isinstance(found, dict) else {}, holder[1:], names)}
