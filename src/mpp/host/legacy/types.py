"""What this host knows of an older MCP server: how it is started, what it may use, what it was agreed to be. Spec: legacy, sections 1 and 4."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import field

from mpp.host.legacy.offers import described_other, kind_of, TOOL
from mpp.model.capabilities import Capabilities, NetworkRule
from mpp.model.hosts import WEB_PORTS
from mpp.model.jsontext import Json
from mpp.model.rights import Folder, Rights
from mpp.model.scope import Scope
from mpp.model.value import value
from mpp.stages.privacy.guard import Described, describe_tools, pin_of

STDIO, HTTP = "stdio", "http"
KINDS = (STDIO, HTTP)

PACKAGE_PREFIX = "legacy."
"""Before the name of a server where a package has its id. Attack: a package that takes the name: no publisher may sign below it, and no id is equal to one of a package that is bound."""

NO_PUBLISHER = hashlib.sha256(b"mpp: no publisher stands for it").hexdigest()
"""Where the record has the id of a publisher: the hash of these words, which no key has."""

PUBLISHER_NAME = "nobody: an older MCP server, not verified"

VERSION = "0.0.0"


@value
class HostRule:
    """One host and port that the proxy lets through."""

    host: str
    port: int
    wildcard: bool = False

    @property
    def shown(self) -> str:
        return f"{'*.' if self.wildcard else ''}{self.host}:{self.port}"


@value
class Header:
    """One header over HTTP, and the name of the secret in it."""

    name: str
    secret: str


@value
class Login:
    """How this host logs in at a server over HTTP, with OAuth 2.1. Nothing in it is secret."""

    issuer: str
    client_id: str = ""
    """Empty: this host registers itself at each login."""
    secret: str = ""
    """The name of the client's secret, where it has one."""
    scopes: tuple[str, ...] = ()
    own: bool = False
    """By the client's own right, without a person."""


@value
class Server:
    """One server as its owner named it: the permission file, in a value."""

    name: str
    kind: str
    command: tuple[str, ...] = ()
    """The words as they were given; the first is looked up at each start."""
    url: str = ""
    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    hosts: tuple[HostRule, ...] = ()
    env: tuple[str, ...] = ()
    """Names of variables; the values are among the secrets of this home. ``${NAME}`` in a word or behind the host of the address stands for one."""
    headers: tuple[Header, ...] = ()
    """Over HTTP: the headers that are sent with a secret in them."""
    login: Login | None = None
    folder: str = ""
    """Where its program is started; it may read it. Empty: in its own home."""
    sandboxed: bool = True
    pinned_code: bool = False
    """Does the command name one version of what it runs?"""
    added: int = 0
    by: str = ""
    amr: str = ""
    """How the person said yes who added it."""

    @property
    def package_id(self) -> str:
        return PACKAGE_PREFIX + self.name

    @property
    def declared(self) -> Capabilities:
        """What it may use, as a manifest would say it."""
        return Capabilities(network=self._network(), read=self.read, write=self.write, env_vars=self.env, secrets=(), kv_max_bytes=0, hardware=())

    def scope(self, tools: tuple[str, ...]) -> Scope:
        return Scope(network=self._network(), read=self.read, write=self.write, env=self.env, tools=tools)

    def rights(self, tenant: str, content_hash: str) -> Rights:
        folders = (*(Folder(guest=one, host=one, write=False) for one in self.read), *(Folder(guest=one, host=one, write=True) for one in self.write))
        return Rights(
            tenant=tenant,
            publisher_id=NO_PUBLISHER,
            package_id=self.package_id,
            content_hash=content_hash,
            folders=folders,
            network=self._network(),
            env=self.env,
        )

    def _network(self) -> tuple[NetworkRule, ...]:
        return tuple(
            NetworkRule(
                host=one.host,
                wildcard=one.wildcard,
                schemes=("http",) if one.port == WEB_PORTS["http"] else ("https",),
                ports=(one.port,),
                methods=(),
                paths=(),
            )
            for one in self.hosts
        )


@value
class Pin:
    """One definition that a person agreed to, byte for byte."""

    name: str
    """That of a tool; of a prompt, a resource or a template with its kind before it."""
    digest: str
    document: str
    """The definition as JSON, so that a difference can be shown."""

    @property
    def kind(self) -> str:
        return kind_of(self.name)


@value
class Held:
    """A tool, prompt or resource that is kept back, and why."""

    name: str
    why: str


@value
class Stopped:
    """The server is not started any more, until its owner tries it."""

    since: int
    why: str


@value
class Entry:
    """A server with what was agreed to, and what is kept back."""

    server: Server
    pins: tuple[Pin, ...] | None = None
    """None: it was never listed."""
    held: tuple[Held, ...] = ()
    stopped: Stopped | None = None

    @property
    def content_hash(self) -> str:
        """Stands where a package has its content hash: command or address, rights, and each definition that was agreed to."""
        server = self.server
        named: list[Json] = [
            server.name, server.kind, [*server.command], server.url, [*server.read], [*server.write], [one.shown for one in server.hosts], [*server.env],
            [[one.name, one.secret] for one in server.headers], server.folder, server.sandboxed, self.pin,
        ]  # fmt: skip
        if server.login is not None:
            one = server.login
            named.append([one.issuer, one.client_id, one.secret, [*one.scopes], one.own])
        return hashlib.sha256(b"mpp-legacy-1\x00" + json.dumps(named, ensure_ascii=True).encode("ascii")).hexdigest()

    @property
    def tools(self) -> tuple[Pin, ...]:
        """Those of the definitions that are of tools."""
        return self.of(TOOL)

    def of(self, kind: str) -> tuple[Pin, ...]:
        return tuple(one for one in self.pins or () if one.kind == kind)

    @property
    def pin(self) -> str:
        """The digest of all definitions that were agreed to."""
        return pin_of(described(self.pins or ()))


@value
class LegacyTool:
    """One tool that may be listed and called."""

    name: str
    title: str
    description: str
    input_schema: bytes
    output_schema: bytes | None
    annotations: Mapping[str, Json] = field(default_factory=dict)
    """Empty but for the title: hints of a server that nobody verified are not passed on. Attack: a tool that calls itself read-only, so that a client asks nobody."""
    verified: bool = False


@value
class Barriers:
    """What keeps the server in, and what does not."""

    held: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)


@value
class UnverifiedServer:
    """An older server as a subject of policy, approval, privacy and audit. It never becomes a VerifiedPackage."""

    entry: Entry
    barriers: Barriers

    @property
    def package_id(self) -> str:
        return self.entry.server.package_id


def described(pins: tuple[Pin, ...]) -> tuple[Described, ...]:
    tools = describe_tools([json.loads(one.document) for one in pins if one.kind == TOOL])
    return (*tools, *(described_other(one.kind, json.loads(one.document)) for one in pins if one.kind != TOOL))


def tool_of(document: Mapping[str, Json]) -> LegacyTool:
    """The parts of a definition that are passed on."""

    def text(key: str) -> str:
        found = document.get(key)
        return found if isinstance(found, str) else ""

    annotations = document.get("annotations")
    title = text("title") or (str(annotations.get("title") or "") if isinstance(annotations, dict) else "")
    output = document.get("outputSchema")
    return LegacyTool(
        name=text("name"),
        title=title,
        description=text("description"),
        input_schema=_written(document.get("inputSchema")),
        output_schema=_written(output) if isinstance(output, dict) else None,
        annotations={"title": title} if title else {},
    )


def beside(method: str) -> LegacyTool:
    """A request that is no call of a tool, as policy sees it."""
    return LegacyTool(name=method, title="", description="", input_schema=b'{"type":"object"}', output_schema=None)


def _written(found: Json) -> bytes:
    return json.dumps(found if isinstance(found, dict) else {"type": "object"}, sort_keys=True, separators=(",", ":")).encode("utf-8")
