"""The bytes of one client's configuration: which servers it names, and the same bytes with ours instead. Nothing here touches a disk."""

from __future__ import annotations

import codecs
from dataclasses import replace

from mpp.errors import Refused
from mpp.host.clients.documents import Document, JsonDocument, Path, table_at, TomlDocument
from mpp.host.clients.known import Client
from mpp.host.clients.limits import PROJECTS_MAX, SERVERS_MAX
from mpp.host.clients.servers import read_server, Server
from mpp.model.jsontext import Json

OUR_NAME = "mpp"
"""Under this name our entry stands in each client."""


class Config:
    """One configuration. Each change gives a new one."""

    def __init__(self, client: Client, data: bytes, where: str, *, document: Document | None = None) -> None:
        self.client, self.where = client, where
        self._mark = codecs.BOM_UTF8 if data.startswith(codecs.BOM_UTF8) else b""
        self.document: Document = document or _read(client, data[len(self._mark) :], where)

    @property
    def data(self) -> bytes:
        return self._mark + self.document.text.encode("utf-8")

    def holders(self) -> tuple[Path, ...]:
        """Where tables of servers may stand; that of the whole client first."""
        if not self.client.has_projects:
            return (self.client.key,)
        projects = table_at(self.document.meaning, ("projects",), self.where)
        if len(projects) > PROJECTS_MAX:
            raise Refused("host.client_form", f"more than {PROJECTS_MAX} projects", where=self.where, hint="let the client forget some")
        return (self.client.key, *(("projects", one, *self.client.key) for one in projects))

    def servers(self) -> tuple[Server, ...]:
        """All servers, in the order of the file."""
        found: list[Server] = []
        for holder in self.holders():
            off = self._switched_off(holder)
            for name, item in table_at(self.document.meaning, holder, self.where).items():
                one = read_server(name, item, holder)
                found.append(replace(one, is_disabled=one.is_disabled or name in off, base=self._base(holder)))
        if len(found) > SERVERS_MAX:
            raise Refused("host.client_form", f"more than {SERVERS_MAX} servers", where=self.where, hint="remove some")
        return tuple(found)

    def entry(self, server: Server) -> Json:
        """The entry as the client wrote it."""
        return table_at(self.document.meaning, server.holder, self.where).get(server.name)

    def with_ours(self, entry: Json) -> Config:
        """With our entry in the table of the whole client, in place of another that was ours."""
        document = self.document
        if OUR_NAME in table_at(document.meaning, self.client.key, self.where):
            document = document.removed({self.client.key: frozenset((OUR_NAME,))})
        return self._of(document.added(self.client.key, OUR_NAME, entry))

    def without(self, servers: tuple[Server, ...]) -> Config:
        holders = dict.fromkeys(one.holder for one in servers)
        return self._of(self.document.removed({holder: frozenset(one.name for one in servers if one.holder == holder) for holder in holders}))

    def with_back(self, servers: tuple[Server, ...], before: Config) -> Config:
        """With these servers of ``before`` where they were, each as it was written there."""
        document, old = self.document, before.document
        for one in servers:
            item = before.entry(one)
            if one.name in table_at(document.meaning, one.holder, self.where):
                continue
            if isinstance(document, JsonDocument) and isinstance(old, JsonDocument):
                document = document.with_raw(one.holder, one.name, old.raw(one.holder, one.name), item)
            else:
                document = document.added(one.holder, one.name, item)
        return self._of(document)

    def _of(self, document: Document) -> Config:
        return Config(self.client, self._mark, self.where, document=document)

    def _base(self, holder: Path) -> str:
        """The folder of the project whose server stands at ``holder``; empty where it belongs to none."""
        if holder != self.client.key:
            return holder[1]
        project = self.client.project
        return self.where.removesuffix("/" + project) if project and self.where.startswith("/") and self.where.endswith("/" + project) else ""

    def _switched_off(self, holder: Path) -> frozenset[str]:
        """Servers that a project of this client names as switched off."""
        if holder == self.client.key:
            return frozenset()
        found = table_at(self.document.meaning, holder[:2], self.where).get("disabledMcpServers")
        return frozenset(one for one in found if isinstance(one, str)) if isinstance(found, list) else frozenset()


def _read(client: Client, data: bytes, where: str) -> Document:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as fault:
        raise Refused("host.client_syntax", "the text is not UTF-8", where=f"{where}: byte {fault.start}", hint="save the file as UTF-8") from None
    return TomlDocument(text, where) if client.is_toml else JsonDocument(text, where)
