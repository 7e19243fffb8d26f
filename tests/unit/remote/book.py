"""A small registry for tests: a real log, map and signatures, and an HTTP server on loopback that can be told to misbehave."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qs, unquote, urlsplit

from mpp.crypto.ed25519 import SeedSigner
from mpp.ledger import keymap
from mpp.ledger.notes import cosign_text, read_note, write_note
from mpp.ledger.tree import consistency_path, inclusion_path, leaf_hash, root_of
from mpp.protocol.registry.bundle import Absence, Bundle, write_absence, write_bundle
from mpp.protocol.registry.checkpoint import origin_of, RegistryCheckpoint, sign_checkpoint
from mpp.protocol.registry.documents import (
    ConsistencyDoc,
    NamespaceDoc,
    PackageDoc,
    PublishedDoc,
    PublisherDoc,
    RegistryInfo,
    SearchPage,
    VersionDoc,
    VersionsPage,
)
from mpp.protocol.registry.found import Found, write_found
from mpp.protocol.registry.peerlist import Peer, PeerList, PEERS_TYPE, write_body
from mpp.protocol.registry.signed_file import write_signed
from mpp.protocol.registry.events import Change, Leaf, Owner, PackageOwners, RegistryOpened, VersionPublished, VersionStatusChanged, write_leaf
from mpp.protocol.registry.state import applied, map_key, map_value, PackageState, version_proof
from mpp.stages.gatekeeper import verify
from mpp.testing.keys import publisher, TestPublisher
from mpp.testing.packages import NOW, trusting


class Reply(NamedTuple):
    status: int
    body: bytes
    headers: Mapping[str, str] = {}


class Seen(NamedTuple):
    """One request as the server saw it."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


class _Leaves:
    def __init__(self, hashes: list[bytes]) -> None:
        self.hashes = hashes

    def subtree(self, level: int, index: int) -> bytes:
        return root_of(self.hashes[index << level : (index + 1) << level])


class _Nodes:
    def __init__(self) -> None:
        self.nodes: dict[bytes, bytes] = {}

    def read(self, paths: Any) -> Mapping[bytes, bytes]:
        return {path: self.nodes[path] for path in paths if path in self.nodes}


class Book:
    """The state of a registry. ``now`` is its clock."""

    def __init__(self, name: str = "Example Registry", now: int = NOW) -> None:
        self.keys, self.now, self.name = publisher(name), now, name
        self.witnesses: dict[str, SeedSigner] = {}
        """Who cosigns each checkpoint, by name."""
        self.leaves: list[bytes] = []
        self.states: dict[str, PackageState] = {}
        self.files: dict[tuple[str, str], bytes] = {}
        self.docs: dict[tuple[str, str], VersionDoc] = {}
        self.publishers: dict[str, TestPublisher] = {}
        self.namespaces: dict[str, NamespaceDoc] = {}
        self.peers: list[Peer] = []
        self.peers_version = 0
        self.introductions: dict[str, Found] = {}
        """What it answers about packages of others, whatever its list says."""
        self.add(RegistryOpened(registry_id=self.id, name=name))

    @property
    def id(self) -> str:
        return self.keys.id

    def add(self, change: Change, at: int | None = None) -> int:
        leaf = Leaf(index=len(self.leaves), at=self.now if at is None else at, change=change)
        package_id = getattr(change, "package_id", "")
        if package_id:
            state = applied(self.states.get(package_id), leaf)
            assert state is not None
            self.states[package_id] = state
        self.leaves.append(write_leaf(leaf))
        return leaf.index

    def publish(self, data: bytes, by: TestPublisher, at: int | None = None) -> VersionDoc:
        package = verify(data, trusting(by), self.now)
        self.publishers[by.id] = by
        if package.package_id not in self.states:
            self.add(PackageOwners(package_id=package.package_id, owners=(Owner(publisher_id=by.id, role="owner"),), by=by.id), at)
        change = VersionPublished(
            package_id=package.package_id, version=package.version, publisher_id=by.id, content_hash=package.content_hash, file_hash=package.file_hash,
            size=len(data),
        )  # fmt: skip
        index = self.add(change, at)
        doc = VersionDoc(
            package_id=package.package_id, version=package.version, publisher_id=by.id, content_hash=package.content_hash, file_hash=package.file_hash,
            size=len(data), status="active", reason="", published_at=self.now if at is None else at, log_index=index,
        )  # fmt: skip
        self.docs[package.package_id, package.version] = doc
        self.files[package.package_id, package.version] = data
        return doc

    def status(self, package_id: str, version: str, status: Any, reason: str = "") -> None:
        self.add(VersionStatusChanged(package_id=package_id, version=version, status=status, reason=reason, by="admin"))
        old = self.docs[package_id, version]
        self.docs[package_id, version] = replace(old, status=status, reason=reason)

    def prove(self, namespace: str, who: TestPublisher) -> None:
        self.namespaces[namespace] = NamespaceDoc(namespace=namespace, publisher_id=who.id, method="dns", state="proven", proven_at=self.now)

    def peer(self, other: Book, url: str, *namespaces: str, introduces: bool = False) -> None:
        """As an operator adds one to the signed list."""
        kept = [one for one in self.peers if one.registry_id != other.id]
        self.peers = [*kept, Peer(chain=other.keys.chain, url=url, namespaces=namespaces or ("*",), introduces=introduces)]
        self.peers_version += 1

    def introduce(self, other: Book, url: str, package_id: str, version: str, *via: Book) -> None:
        self.introductions[package_id] = Found(
            package_id=package_id, version=version, registry_id=other.id, url=url, roots=other.keys.chain.data, bundle=other.bundle(package_id, version),
            introduced_by=tuple(one.id for one in via),
        )  # fmt: skip

    def peer_list(self, signer: TestPublisher | None = None) -> bytes:
        listed = PeerList(registry_id=self.id, version=self.peers_version, at=self.now, peers=tuple(self.peers))
        who = signer or self.keys
        return write_signed(who.chain, PEERS_TYPE, write_body(listed), who.release)

    # -- proofs

    def _nodes(self) -> tuple[_Nodes, bytes]:
        nodes = _Nodes()
        changed = keymap.update_all(nodes, {map_key(name): map_value(state) for name, state in self.states.items()})
        nodes.nodes.update(changed.nodes)
        return nodes, changed.root

    @property
    def hashes(self) -> list[bytes]:
        return [leaf_hash(one) for one in self.leaves]

    def checkpoint(self, signer: TestPublisher | None = None) -> RegistryCheckpoint:
        who = signer or self.keys
        found = sign_checkpoint(origin_of(self.id), len(self.leaves), root_of(self.hashes), self._nodes()[1], self.now, who.release)
        note = read_note(found.note, where="note")
        lines = (cosign_text(note.text, name, one, self.now) for name, one in self.witnesses.items())
        return replace(found, note=write_note(note.text, [*note.signatures, *lines]))

    def bundle(self, package_id: str, version: str) -> bytes:
        state, doc = self.states[package_id], self.docs[package_id, version]
        nodes, _ = self._nodes()
        return write_bundle(
            Bundle(
                roots=self.keys.chain.data, checkpoint=self.checkpoint().note, leaf=self.leaves[doc.log_index],
                inclusion=tuple(inclusion_path(_Leaves(self.hashes), doc.log_index, len(self.leaves))), value=map_value(state),
                map_proof=keymap.prove(nodes, map_key(package_id)), line=version_proof(state, version),
            )
        )  # fmt: skip

    def absence(self, package_id: str) -> bytes:
        nodes, _ = self._nodes()
        proof = keymap.prove(nodes, map_key(package_id))
        return write_absence(Absence(roots=self.keys.chain.data, checkpoint=self.checkpoint().note, package_id=package_id, map_proof=proof))

    def consistency(self, begin: int, end: int) -> ConsistencyDoc:
        return ConsistencyDoc(begin=begin, end=end, hashes=tuple(consistency_path(_Leaves(self.hashes[:end]), begin, end)))

    # -- answers

    def answer(self, seen: Seen, url: str) -> Reply:
        parts = urlsplit(seen.target)
        query = {key: texts[0] for key, texts in parse_qs(parts.query).items()}
        for method, pattern, made in self._routes(query, seen, url):
            found = re.fullmatch(pattern, parts.path)
            if found and method == seen.method:
                try:
                    return made(*map(unquote, found.groups()))
                except KeyError:
                    break
        return problem(404, "registry.absent", "there is no such thing")

    def _routes(self, query: dict[str, str], seen: Seen, url: str) -> list[tuple[str, str, Callable[..., Reply]]]:
        return [
            ("GET", "/v1/registry", lambda: document(self.info(url).to_json())),
            ("GET", "/v1/log/checkpoint", lambda: Reply(200, self.checkpoint().note, {"Content-Type": "text/plain"})),
            ("GET", "/v1/log/consistency", lambda: document(self.consistency(int(query["from"]), int(query["to"])).to_json())),
            ("GET", "/v1/search", lambda: document(self.search(query["q"]).to_json())),
            ("GET", "/v1/packages/([^/]+)/versions", lambda name: document(self.versions(name).to_json())),
            ("GET", "/v1/packages/([^/]+)/versions/([^/]+)/bundle", lambda name, version: Reply(200, self.bundle(name, version))),
            ("GET", "/v1/packages/([^/]+)/versions/([^/]+)/download", lambda name, version: ranged(self.files[name, version], seen)),
            ("GET", "/v1/packages/([^/]+)/absence", lambda name: Reply(200, self.absence(name))),
            ("GET", "/v1/namespaces/([^/]+)", lambda name: document(self.namespaces[name].to_json())),
            ("GET", "/v1/discover/([^/]+)", lambda name: Reply(200, write_found(self.introductions[name], is_local=False))),
            ("GET", "/v1/peers/list", lambda: Reply(200, self.peer_list()) if self.peers_version else problem(404, "registry.absent", "no peers")),
            ("GET", "/v1/publishers/([^/]+)", lambda name: document(self.publisher(self.publishers[name]).to_json())),
        ]

    def info(self, url: str) -> RegistryInfo:
        return RegistryInfo(
            registry_id=self.id, name=self.name, url=url, origin=origin_of(self.id), roots=self.keys.chain.data, is_public=True, require_namespace=False,
            staging=False,
        )  # fmt: skip

    def versions(self, package_id: str) -> VersionsPage:
        found = tuple(doc for (name, _), doc in self.docs.items() if name == package_id)
        if not found:
            raise KeyError(package_id)
        return VersionsPage(versions=found)

    def search(self, text: str) -> SearchPage:
        found: list[PackageDoc] = []
        for name, state in self.states.items():
            if any(word in name for word in text.split()):
                who = self.publishers[state.publisher_id].chain.newest.name
                found.append(
                    PackageDoc(
                        package_id=name, publisher_id=state.publisher_id, publisher_name=who, title="A tool", summary="Does things", keywords=(),
                        visibility="public", latest=state.latest, status=state.status, created_at=NOW, updated_at=NOW, downloads=0,
                    )
                )  # fmt: skip
        return SearchPage(packages=tuple(found))

    def publisher(self, who: TestPublisher) -> PublisherDoc:
        newest = who.chain.newest
        return PublisherDoc(publisher_id=who.id, name=newest.name, root_version=newest.version, status="active", registered_at=NOW, roots=who.chain.data)

    def published(self, data: bytes, by: TestPublisher) -> PublishedDoc:
        doc = self.publish(data, by)
        return PublishedDoc(version=doc, bundle=self.bundle(doc.package_id, doc.version))


def document(found: Any, status: int = 200) -> Reply:
    return Reply(status, json.dumps(found).encode(), {"Content-Type": "application/json"})


def problem(status: int, code: str, detail: str) -> Reply:
    return document({"type": f"urn:mpp:code:{code}", "title": "No", "status": status, "code": code, "detail": detail}, status)


def ranged(data: bytes, seen: Seen) -> Reply:
    """As a file server does: a range where the mark still fits."""
    etag = f'"{sha256(data).hexdigest()}"'
    found = re.fullmatch(r"bytes=(\d+)-", seen.headers.get("range", ""))
    if found and seen.headers.get("if-range", etag) == etag and int(found[1]) < len(data):
        begin = int(found[1])
        return Reply(206, data[begin:], {"ETag": etag, "Content-Range": f"bytes {begin}-{len(data) - 1}/{len(data)}"})
    return Reply(200, data, {"ETag": etag})


class Server:
    """Serves a book. ``change`` may replace an answer; ``raw`` may write whatever it likes to the connection and says True."""

    def __init__(self, book: Book) -> None:
        self.book, self.seen = book, list[Seen]()
        self.change: Callable[[Seen, Reply], Reply] = lambda _, reply: reply
        self.raw: Callable[[Seen, Any], bool] = lambda _seen, _stream: False
        self.ended = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None: ...

            def do_GET(self) -> None:
                outer._answer(self)

            do_POST = do_PUT = do_GET  # noqa: N815 - as above

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        # A client that has heard enough breaks the connection.
        self._server.handle_error = lambda _request, _address: None  # type: ignore[method-assign, assignment]
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length", "0")))
        seen = Seen(handler.command, handler.path, {key.lower(): text for key, text in handler.headers.items()}, body)
        self.seen.append(seen)
        if self.raw(seen, handler.wfile):
            handler.close_connection = True
            return
        reply = self.change(seen, self.book.answer(seen, self.url))
        handler.send_response(reply.status)
        for name, text in reply.headers.items():
            handler.send_header(name, text)
        handler.send_header("Content-Length", str(len(reply.body)))
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.wfile.write(reply.body)
        handler.close_connection = True

    def targets(self, part: str) -> list[str]:
        return [one.target for one in self.seen if part in one.target]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def serving(book: Book | None = None) -> Iterator[Server]:
    with Server(book or Book()) as server:
        yield server
