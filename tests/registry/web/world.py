"""A registry with a few packages, friendly ones and hostile ones, in a real store with a real log; and a browser without a window."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

from mpp.model.jsontext import Json
from mpp.protocol.registry.bodies import AdvisoryBody
from mpp.protocol.registry.events import (
    Change,
    NamespaceLapsed,
    NamespaceProven,
    Owner,
    PackageOwners,
    PublisherRegistered,
    PublisherRoot,
    VersionPublished,
    VersionStatusChanged,
)
from mpp.testing.keys import TestPublisher, publisher, rotated
from mpp.testing.packages import NOW, TestClock, TestRandom, manifest
from mpp_registry.advisories.advising import publish_advisory
from mpp_registry.catalog import writing
from mpp_registry.catalog.types import PackageRow, VersionFiles, VersionRow
from mpp_registry.opening import Options, open_services
from mpp_registry.services import Services
from mpp_registry.store.ports import Rows
from mpp_registry.web.routes import web_routes
from mpp_registry.wiring import pages

TOKEN = "an administrator's token, long enough: 8f1c"
DAY = 86_400
BEGIN = NOW - 200 * DAY

SEARCH_TOOL: Json = {
    "name": "search_notes",
    "title": "Search notes",
    "description": "Finds notes by words, the best first.\nAnswers with titles and places.",
    "parameters": {
        "type": "object",
        "properties": {
            "query": {"type": "string", "description": "Words to look for", "minLength": 1, "maxLength": 200},
            "limit": {"type": "integer", "description": "How many notes at most", "minimum": 1, "maximum": 50, "default": 10},
            "order": {"type": "string", "enum": ["best", "newest", "oldest"], "description": "What comes first"},
            "archived": {"type": "boolean", "description": "Look into the archive too"},
            "tags": {"type": "array", "items": {"type": "string"}, "description": "Only notes with all of these"},
        },
        "required": ["query"],
    },
    "returns": {"type": "object", "properties": {"notes": {"type": "array", "items": {"type": "string"}}}},
    "security_level": "low",
}
WRITE_TOOL: Json = {
    "name": "write_note",
    "description": "Writes a note, or replaces the one of that name.",
    "parameters": {"type": "object", "properties": {"name": {"type": "string"}, "text": {"type": "string"}}, "required": ["name", "text"]},
    "security_level": "medium",
}
README = b"""# Notes

Looks after a folder of **notes**: plain text, one file each.

## Use

1. Put notes into a folder.
2. Give it to the tool as its workspace.

```
mpp run notes.mpp --tool search_notes --workspace ~/notes
```

| setting | meaning |
|---|---|
| `limit` | how many are shown |

> It never leaves the folder.

See [the handbook](https://example.com/notes/handbook) or ![a picture](https://example.com/shot.png).
"""


class Answered(NamedTuple):
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8")

    def header(self, name: str) -> str:
        return next((item for key, item in self.headers if key == name), "")


class Browser:
    """Asks an application as a server would, without a socket. It keeps one cookie and follows nothing."""

    def __init__(self, app: Starlette, scheme: str = "http") -> None:
        self.app, self.scheme, self.cookie, self.address = app, scheme, "", "192.0.2.7"

    def get(self, target: str, **headers: str) -> Answered:
        return self.ask("GET", target, headers=headers)

    def post(self, target: str, form: Mapping[str, str], **headers: str) -> Answered:
        kind = {"content_type": "application/x-www-form-urlencoded", "origin": "http://registry.test"}
        return self.ask("POST", target, body=urlencode(form).encode(), headers={**kind, **headers})

    def stream(self, method: str, target: str, pieces: Iterator[bytes], headers: Mapping[str, str]) -> Answered:
        """The body comes piece by piece, and only as far as somebody reads."""
        return self.ask(method, target, body=pieces, headers=headers)

    def ask(self, method: str, target: str, *, body: bytes | Iterator[bytes] = b"", headers: Mapping[str, str] | None = None) -> Answered:
        path, _, query = target.partition("?")
        given = {"host": "registry.test", "accept": "text/html", **{name.replace("_", "-"): item for name, item in (headers or {}).items()}}
        if self.cookie:
            given["cookie"] = self.cookie
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": self.scheme, "raw_path": path.encode(),
            "path": _unquoted(path), "query_string": query.encode(), "root_path": "", "client": (self.address, 4711), "server": ("registry.test", 80),
            "headers": [(name.encode(), item.encode()) for name, item in given.items()],
        }  # fmt: skip
        answer = asyncio.run(_asked(self.app, scope, iter([body]) if isinstance(body, bytes) else body))
        found = answer.header("set-cookie")
        if found:
            self.cookie = found.partition(";")[0]
        return answer


def _unquoted(path: str) -> str:
    from urllib.parse import unquote

    return unquote(path)


async def _asked(app: Starlette, scope: dict[str, object], pieces: Iterator[bytes]) -> Answered:
    sent: list[Message] = []

    async def receive() -> Message:
        piece = next(pieces, None)
        return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start = next(one for one in sent if one["type"] == "http.response.start")
    body = b"".join(one.get("body", b"") for one in sent if one["type"] == "http.response.body")
    return Answered(start["status"], [(name.decode(), item.decode()) for name, item in start["headers"]], body)


class World:
    """A registry that tests fill. Each change is in the log and in the tables, in one transaction."""

    def __init__(self, place: Path, *, start: int = NOW, **options: object) -> None:
        self.clock = TestClock(start)
        given = {"name": "Example Registry", "url": "https://registry.test", "admin_token_sha256": sha256(TOKEN.encode()).hexdigest(), **options}
        self.services: Services = open_services(Options(data=str(place), **given), clock=self.clock, random=TestRandom(), environment={})
        page = pages(self.services)

        def wrong(request: Request, fault: Exception) -> Response:
            assert isinstance(fault, HTTPException)
            made = page(request, fault.status_code)
            assert made is not None
            return made

        self.app = Starlette(routes=web_routes(self.services), exception_handlers={HTTPException: wrong})
        self.browser = Browser(self.app)

    def change(self, rows: Rows, *changes: Change) -> int:
        """The index of the first of the new entries."""
        first = self.services.ledger.size(rows)
        self.services.ledger.append(rows, changes, self.clock.now())
        return first

    def register(self, who: TestPublisher, *, name: str | None = None) -> None:
        root = who.chain.newest
        with self.services.database.write() as rows:
            digest = sha256(who.chain.data).hexdigest()
            self.change(rows, PublisherRegistered(publisher_id=who.id, name=root.name, root_version=root.version, root_sha256=digest))
            rows.run(
                "INSERT INTO publishers (publisher_id, name, roots, root_version, status, registered_at) VALUES (?, ?, ?, ?, 'active', ?)",
                who.id, root.name if name is None else name, who.chain.data, root.version, self.clock.now(),
            )  # fmt: skip

    def rotate(self, who: TestPublisher, label: str) -> TestPublisher:
        now = rotated(who, label, revoke=True)
        with self.services.database.write() as rows:
            root = now.chain.newest
            digest = sha256(now.chain.data).hexdigest()
            self.change(rows, PublisherRoot(publisher_id=who.id, name=root.name, root_version=root.version, root_sha256=digest))
            rows.run("UPDATE publishers SET roots = ?, root_version = ? WHERE publisher_id = ?", now.chain.data, root.version, who.id)
        return now

    def prove(self, namespace: str, who: TestPublisher, *, lapsed: bool = False) -> None:
        with self.services.database.write() as rows:
            self.change(rows, NamespaceProven(namespace=namespace, publisher_id=who.id, method="dns"))
            if lapsed:
                self.change(rows, NamespaceLapsed(namespace=namespace, publisher_id=who.id, method="dns"))
            rows.run(
                "INSERT INTO namespaces (namespace, publisher_id, method, state, proven_at, checked_at, failures) VALUES (?, ?, 'dns', ?, ?, ?, ?)",
                namespace, who.id, "lapsed" if lapsed else "proven", self.clock.now(), self.clock.now(), 3 if lapsed else 0,
            )  # fmt: skip

    def publish(
        self,
        who: TestPublisher,
        package_id: str,
        version: str,
        *,
        changes: Mapping[str, Json] | None = None,
        readme: bytes = b"",
        sbom: bytes = b"",
        provenance: bytes = b"",
        raw_manifest: bytes | None = None,
        visibility: str = "public",
        downloads: int = 0,
        title: str | None = None,
        summary: str | None = None,
    ) -> int:
        made = manifest({"package_id": package_id, "version": version, **(changes or {})})
        text = json.dumps(made).encode() if raw_manifest is None else raw_manifest
        content, file = sha256(b"content" + text).hexdigest(), sha256(b"file" + text).hexdigest()
        at = self.clock.now()
        words = " ".join(changes.get("keywords", []) if changes else [])
        with self.services.database.write() as rows:
            if rows.one("SELECT 1 FROM packages WHERE package_id = ?", package_id) is None:
                owners = (Owner(publisher_id=who.id, role="owner"),)
                self.change(rows, PackageOwners(package_id=package_id, owners=owners, by=who.id))
                writing.set_owners(rows, package_id, owners, at)
            leaf = VersionPublished(package_id=package_id, version=version, publisher_id=who.id, content_hash=content, file_hash=file, size=48_211)
            index = self.change(rows, leaf)
            row = VersionRow(
                package_id=package_id, version=version, publisher_id=who.id, content_hash=content, file_hash=file, size=48_211, status="active", reason="",
                published_at=at, log_index=index,
            )  # fmt: skip
            writing.put_version(rows, row, VersionFiles(manifest=text, readme=readme, sbom=sbom, provenance=provenance))
            state = self.services.ledger.package_state(rows, package_id)
            assert state is not None
            package = PackageRow(
                package_id=package_id, publisher_id=who.id, title=str(made["name"]) if title is None else title,
                summary=str(made["description"]) if summary is None else summary, keywords=words, visibility=visibility, latest=state.latest, status=state.status,
                created_at=at, updated_at=at,
            )  # fmt: skip
            writing.put_package(rows, package)
            writing.follow_state(rows, state, at)
            self._spread(rows, package_id, downloads)
        return index

    @staticmethod
    def _spread(rows: Rows, package_id: str, downloads: int) -> None:
        """A curve of downloads that looks like one, and that adds up."""
        shares = [90 - back + (back * 7919 % 23) * 3 + (40 if back % 7 < 5 else 0) for back in range(80)]
        had, so_far = 0, 0
        for back, share in enumerate(shares):
            so_far += share
            now = downloads * so_far // sum(shares)
            if now > had:
                writing.count_downloads(rows, {package_id: now - had}, NOW // DAY - back)
            had = now

    def set_status(self, package_id: str, version: str, status: str, reason: str, by: str = "admin") -> None:
        with self.services.database.write() as rows:
            self.change(rows, VersionStatusChanged(package_id=package_id, version=version, status=status, reason=reason, by=by))
            writing.set_status(rows, package_id, version, status, reason)
            state = self.services.ledger.package_state(rows, package_id)
            assert state is not None
            writing.follow_state(rows, state, self.clock.now())

    def advise(
        self, package_id: str, *versions: str, title: str = "The key that signed it was stolen", text: str = "", advisory_id: str = "ADV-2026-1"
    ) -> None:
        about = text or "Somebody else can sign versions of this package.\nRemove it, and take one that is signed by the new key."
        body = AdvisoryBody(advisory_id=advisory_id, package_id=package_id, versions=versions, severity="high", title=title, text=about)
        publish_advisory(self.services, body, None)

    def witness(self, name: str) -> None:
        """A cosignature as it lies in the table. Pages count it and do not verify it; clients do."""
        with self.services.database.write() as rows:
            size = self.services.ledger.size(rows)
            rows.run("INSERT INTO cosignatures (size, witness, line) VALUES (?, ?, ?)", size, name, f"\u2014 {name} AAAA\n")

    def close(self) -> None:
        self.services.close()


def friendly(world: World) -> None:
    """What a visitor of a good day sees. The world begins at ``BEGIN``."""
    ada, bob = publisher("Ada's Workshop"), publisher("Northwind Tools", releases=2)
    world.clock.moment = BEGIN
    world.register(ada)
    world.register(bob)
    world.prove("com.example", ada)
    world.prove("org.northwind", bob)
    world.clock.moment += 10 * DAY
    tools: dict[str, Json] = {"name": "notes", "description": "Searches and writes notes in one folder", "tool_definitions": [SEARCH_TOOL, WRITE_TOOL]}
    workspace: dict[str, Json] = {"capabilities/filesystem/read": ["${workspace}"]}
    world.publish(ada, "com.example.notes", "1.0.0", changes={**tools, **workspace, "tool_definitions": [SEARCH_TOOL]}, downloads=12)
    world.clock.moment += 60 * DAY
    world.publish(ada, "com.example.notes", "1.1.0-beta.1", changes={**tools, **workspace})
    world.clock.moment += 60 * DAY
    grown: dict[str, Json] = {**tools, **workspace, "capabilities/filesystem/write": ["${workspace}"], "capabilities/network": ["api.example.com"]}
    more: dict[str, Json] = {"homepage": "https://example.com/notes", "repository": "https://example.com/notes.git", "keywords": ["notes", "search"]}
    world.publish(
        ada,
        "com.example.notes",
        "1.1.0",
        changes={**grown, **more},
        readme=README,
        downloads=18_204,
        sbom=json.dumps(SBOM).encode(),
        provenance=json.dumps(MADE).encode(),
    )
    world.set_status("com.example.notes", "1.0.0", "deprecated", "1.1.0 finds notes by their tags too", by=ada.id)
    world.publish(bob, "org.northwind.orders", "3.2.1", changes={"name": "orders", "description": "Looks up orders and invoices of customers"}, downloads=5_120)
    world.publish(bob, "org.northwind.mailer", "0.4.0", changes={"name": "mailer", "description": "Sends letters from templates"}, downloads=310)
    world.set_status("org.northwind.mailer", "0.4.0", "revoked", "the key that signed it was stolen")
    world.advise("org.northwind.mailer", "0.4.0")
    world.publish(
        ada,
        "com.example.weather",
        "2.0.0",
        changes={"name": "weather", "description": "The weather at a place, from the service of your choice"},
        downloads=940,
    )
    world.rotate(bob, "second")
    world.clock.moment = NOW - 600
    world.publish(ada, "com.example.hello", "0.1.0", downloads=77)
    world.witness("witness.example.org/w1")
    world.witness("witness.example.net")
    world.clock.moment = NOW


SBOM: Json = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "metadata": {"tools": {"components": [{"name": "mpp", "version": "0.1.0"}, {"name": "wasi-sdk", "version": "24"}]}},
    "components": [
        {"type": "file", "name": "bin/main.wasm", "hashes": [{"alg": "SHA-256", "content": "cd" * 32}]},
        {
            "type": "library",
            "name": "textwrap-wasm",
            "version": "2.3.1",
            "licenses": [{"license": {"name": "MIT"}}],
            "hashes": [{"alg": "SHA-256", "content": "ef" * 32}],
        },
    ],
}
MADE: Json = {
    "predicate": {
        "buildDefinition": {
            "buildType": "urn:mpp:build:1",
            "externalParameters": {"language": "rust", "reproducible": True, "arguments": []},
            "resolvedDependencies": [{"name": "src/main.rs"}, {"name": "Cargo.lock"}],
        },
        "runDetails": {"builder": {"id": "urn:mpp:builder:local", "version": {"rustc": "1.91.0"}}},
    }
}
