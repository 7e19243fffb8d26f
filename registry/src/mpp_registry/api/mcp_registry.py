"""The same packages in the shape of the MCP registry, to read: clients that know that one find what is here, with its hash.

A package id is a name there once its last dot is a slash: ``com.example.hello`` is ``com.example/hello``. A search finds words, as ours does, and
gives the newest version of each package; without one, all versions of all packages are listed, or with ``version=latest`` the newest of each.
"""

from __future__ import annotations

import re
from datetime import datetime, UTC
from typing import cast

from mpp.errors import Refused
from mpp.model.jsontext import Json
from mpp.model.limits import NAME_MAX, PACKAGE_ID_MAX, VERSION_MAX
from mpp.model.names import PACKAGE_ID, VERSION
from mpp.protocol.registry.documents import PAGE_ITEMS_MAX
from mpp_registry.api.answering import Answer, document
from mpp_registry.api.asking import Ask, CURSOR, not_found, number, Parameter
from mpp_registry.api.endpoint import Endpoint, Reply
from mpp_registry.catalog import reading
from mpp_registry.catalog.cursors import read_cursor, write_cursor
from mpp_registry.catalog.search import search as find
from mpp_registry.catalog.types import PackageRow, VersionRow
from mpp_registry.store.ports import Cell, Rows

SCHEMA = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
META = "io.modelcontextprotocol.registry/official"
"""Under this name clients look for the state of a version, of whichever registry."""

SHORT_WORDS_MAX = 100
"""Characters of a title and of a description in that shape. Reason: its schema says so; the whole text is in the manifest."""

TIME_CHARS_MAX = 40
"""Characters of a time. Reason: with fractions and an offset it has thirty-five."""

STATES = {"active": "active", "deprecated": "deprecated", "yanked": "deprecated", "quarantined": "deleted", "revoked": "deleted"}

NAME = Parameter(
    name="server_name", words="The name of the server, with its slash as `%2F` or as it is.", most=PACKAGE_ID_MAX,
    pattern=re.compile(r"[a-z0-9.-]{1,126}/[a-z0-9-]{1,126}"), form="a name such as com.example/hello", example="com.example/hello",
)  # fmt: skip
ONE_VERSION = Parameter(
    name="version", words="A version, or `latest`.", most=VERSION_MAX, pattern=re.compile(rf"latest|{VERSION.pattern}"), form="a version or latest",
    example="latest",
)  # fmt: skip
WANTED = Parameter(name="version", words="`latest`, or an exact version; none: all.", most=NAME_MAX)
SEARCH = Parameter(name="search", words="Words of its name or description.", most=200)
SINCE = Parameter(name="updated_since", words="Only what changed since this time, as RFC 3339.", most=TIME_CHARS_MAX, example="2026-01-01T00:00:00Z")
DELETED = Parameter(
    name="include_deleted",
    words="Those too that were quarantined or revoked.",
    most=5,
    pattern=re.compile("true|false|"),
    form="true or false",
    example="false",
)

# Written so that no index over visibility or time fits: the order of the page is the way in, and it reads what it gives.
_PAGE = (
    "SELECT v.package_id, v.version FROM versions v JOIN packages p ON p.package_id = v.package_id "
    "WHERE p.visibility <> 'private' AND CAST(p.updated_at AS BIGINT) >= CAST(? AS BIGINT) AND (v.package_id, v.version) > (?, ?) ORDER BY v.package_id, v.version LIMIT ?"
)


def name_of(package_id: str) -> str:
    head, _, last = package_id.rpartition(".")
    return f"{head}/{last}"


def id_of(name: str) -> str:
    """The package of a name. Refused ``registry.absent``: it can be none."""
    found = name.replace("/", ".")
    if PACKAGE_ID.fullmatch(found) is None:
        raise not_found("there is no such server")
    return found


def servers(ask: Ask) -> Answer:
    since = seconds_of(ask.query["updated_since"])
    with ask.services.database.read() as rows:
        if ask.query["search"]:
            found, cursor = _searched(rows, ask, since)
        elif ask.query["version"] == "latest":
            found, cursor = _newest(rows, ask, since)
        else:
            found, cursor = _all(rows, ask, since)
    wanted = ask.query["version"]
    shown = [(package, row) for package, row in found if wanted in {"", "latest", row.version}]
    return _page(ask, shown, cursor, is_all=bool(since))


def _searched(rows: Rows, ask: Ask, since: int) -> tuple[list[tuple[PackageRow, VersionRow]], str]:
    page = find(rows, ask.query["search"], ask.query["cursor"], ask.count("limit"))
    return _with_newest(rows, page.items, since), page.next


def _newest(rows: Rows, ask: Ask, since: int) -> tuple[list[tuple[PackageRow, VersionRow]], str]:
    page = reading.by_id(rows, ask.query["cursor"], ask.count("limit"))
    return _with_newest(rows, page.items, since), page.next


def _with_newest(rows: Rows, packages: tuple[PackageRow, ...], since: int) -> list[tuple[PackageRow, VersionRow]]:
    found = ((one, reading.version(rows, one.package_id, one.latest)) for one in packages if one.latest and one.updated_at >= since)
    return [(package, row) for package, row in found if row is not None]


def _all(rows: Rows, ask: Ask, since: int) -> tuple[list[tuple[PackageRow, VersionRow]], str]:
    begin = read_cursor(ask.query["cursor"], (str, str)) if ask.query["cursor"] else ("", "")
    limit = ask.count("limit")
    keys = cast("list[tuple[str, str]]", rows.all(_PAGE, since, *cast("tuple[Cell, Cell]", begin), limit + 1))
    found: list[tuple[PackageRow, VersionRow]] = []
    for package_id, version in keys[:limit]:
        package, row = reading.package(rows, package_id), reading.version(rows, package_id, version)
        if package is not None and row is not None:
            found.append((package, row))
    return found, write_cursor(*keys[limit - 1]) if len(keys) > limit else ""


def versions(ask: Ask) -> Answer:
    with ask.services.database.read() as rows:
        package = _package(rows, ask)
        page = reading.versions(rows, package.package_id)
    return _page(ask, [(package, row) for row in page.items], "")


def version(ask: Ask) -> Answer:
    with ask.services.database.read() as rows:
        package = _package(rows, ask)
        wanted = package.latest if ask.path["version"] == "latest" else ask.path["version"]
        row = reading.version(rows, package.package_id, wanted)
    if row is None or (STATES[row.status] == "deleted" and ask.query["include_deleted"] != "true"):
        raise not_found("there is no such version")
    return document(server_json(package, row, ask.services.settings.url))


def _package(rows: Rows, ask: Ask) -> PackageRow:
    found = reading.package(rows, id_of(ask.path["server_name"]))
    if found is None:
        raise not_found("there is no such server")
    return found


def _page(ask: Ask, found: list[tuple[PackageRow, VersionRow]], cursor: str, *, is_all: bool = False) -> Answer:
    is_all = is_all or ask.query["include_deleted"] == "true"
    shown: list[Json] = [
        server_json(package, row, ask.services.settings.url) for package, row in found if is_all or STATES[row.status] != "deleted"
    ]  # fmt: skip
    metadata: dict[str, Json] = {"count": len(shown)}
    if cursor:
        metadata["nextCursor"] = cursor
    return document({"servers": shown, "metadata": metadata})


def server_json(package: PackageRow, row: VersionRow, url: str) -> Json:
    """One version. Its file has the hash that is given; what else is said of it, its bundle proves."""
    title = package.title[:SHORT_WORDS_MAX] or package.package_id[:SHORT_WORDS_MAX]
    one: dict[str, Json] = {
        "registryType": "mpp", "registryBaseUrl": url, "identifier": package.package_id, "version": row.version, "fileSha256": row.file_hash,
        "transport": {"type": "stdio"},
    }  # fmt: skip
    meta: dict[str, Json] = {
        "status": STATES[row.status], "publishedAt": text_of(row.published_at), "updatedAt": text_of(max(package.updated_at, row.published_at)),
        "isLatest": row.version == package.latest,
    }  # fmt: skip
    if row.reason:
        meta["statusMessage"] = row.reason
    server: dict[str, Json] = {
        "$schema": SCHEMA, "name": name_of(package.package_id), "title": title, "description": shortened(package.summary) or title, "version": row.version,
        "packages": [one],
    }  # fmt: skip
    return {"server": server, "_meta": {META: meta}}


def shortened(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= SHORT_WORDS_MAX else words[: SHORT_WORDS_MAX - 3].rstrip() + "..."


def text_of(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds_of(text: str) -> int:
    """Of an RFC 3339 time; 0 for none."""
    if not text:
        return 0
    try:
        found = datetime.fromisoformat(text)
        seconds = int(found.timestamp()) if found.tzinfo is not None else -1
    except (ValueError, OverflowError):
        seconds = -1
    if seconds < 0:
        raise Refused("registry.parameter", "this is no time", where="?updated_since", hint="write 2026-01-01T00:00:00Z")
    return seconds


def _row(path: str, name: str, words: str, reply: Reply, places: tuple[Parameter, ...], query: tuple[Parameter, ...]) -> Endpoint:
    handle = {"mcp_servers": servers, "mcp_versions": versions, "mcp_version": version}[name]
    return Endpoint(method="GET", path=path, name=name, words=words, tag="mcp", handle=handle, replies=(reply,), places=places, query=query, passes_over=True)


SERVERS = number("limit", "Items of a page.", least=1, most=PAGE_ITEMS_MAX, default="30")
MCP_ENDPOINTS: tuple[Endpoint, ...] = (
    _row(
        "/v0.1/servers", "mcp_servers", "Packages as servers.", Reply(status=200, words="A page.", schema="McpServers"), (),
        (CURSOR, SERVERS, SEARCH, SINCE, WANTED, DELETED),
    ),
    _row(
        "/v0.1/servers/{server_name:path}/versions", "mcp_versions", "The highest versions of one.",
        Reply(status=200, words="Its versions.", schema="McpServers"), (NAME,), (DELETED,),
    ),
    _row(
        "/v0.1/servers/{server_name:path}/versions/{version}", "mcp_version", "One version.", Reply(status=200, words="The version.", schema="McpServer"),
        (NAME, ONE_VERSION), (DELETED,),
    ),
)  # fmt: skip
