"""Registries of a test, and a network between them that can be cut, slowed and lied on."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from mpp.crypto.roots import RootChain
from mpp.errors import MppError, RemoteFailed
from mpp.model.jsontext import canonical
from mpp.protocol.registry.documents import ConsistencyDoc
from mpp.protocol.registry.events import Change, Owner, PackageOwners, VersionPublished, VersionStatusChanged
from mpp.testing.packages import TestClock
from mpp_registry.api.asking import Ask
from mpp_registry.api.problems import status_of
from mpp_registry.federation.endpoints import Federation
from mpp.protocol.registry.peerlist import Peer
from mpp_registry.federation.peers import add_peer
from mpp.host.enrolment.wire import Answer, Patience, Web
from mpp_registry.opening import Options, open_services
from mpp_registry.services import Services

PUBLISHER = "aa" * 32


class SeededRandom:
    """The same bytes in each run, and others for each name."""

    def __init__(self, name: str) -> None:
        self._name, self._count = name, 0

    def bytes(self, count: int) -> bytes:
        self._count += 1
        made = b"".join(sha256(f"{self._name} {self._count} {i}".encode()).digest() for i in range(count // 32 + 1))
        return made[:count]


class Moment:
    """A monotonic clock that a test sets on."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


class Registry:
    """One registry with its federation, in this process."""

    def __init__(self, folder: Path, name: str, cable: Cable, clock: TestClock, database_url: str = "") -> None:
        self.name, self.url, self.clock, self.moment = name, f"http://127.0.0.1:{9000 + len(cable.registries)}/{name}", clock, Moment()
        options = Options(data=str(folder / name), name=name, url=self.url, require_namespace=False, database_url=database_url)
        self.services: Services = open_services(options, clock=clock, random=SeededRandom(name), environment={})
        self.cable = cable
        cable.registries[name] = self
        self.federation = Federation(self.services, moment=self.moment, web=View(cable, name))

    @property
    def id(self) -> str:
        return self.services.settings.registry_id

    @property
    def chain(self) -> RootChain:
        return self.services.ledger.roots

    def close(self) -> None:
        self.federation.close()
        self.services.close()

    def forget(self) -> None:
        """A new process, as far as memory goes."""
        self.federation.close()
        self.federation = Federation(self.services, moment=self.moment, web=View(self.cable, self.name))

    def peer(self, other: Registry, *namespaces: str, introduces: bool = False) -> None:
        add_peer(self.services, Peer(chain=other.chain, url=other.url, namespaces=namespaces or ("*",), introduces=introduces))

    def put(self, package_id: str, version: str = "1.0.0", *, data: bytes = b"", visibility: str = "public") -> str:
        """A version, published by the rules of the log; the digest of its file."""
        data = data or f"{self.name} {package_id} {version}".encode()
        file_hash = sha256(data).hexdigest()
        self.services.blobs.put(file_hash, data)
        now = self.clock.now()
        published = VersionPublished(
            package_id=package_id,
            version=version,
            publisher_id=PUBLISHER,
            content_hash=sha256(b"content" + data).hexdigest(),
            file_hash=file_hash,
            size=len(data),
        )
        with self.services.database.write() as rows:
            is_new = rows.one("SELECT 1 FROM packages WHERE package_id = ?", package_id) is None
            first: list[Change] = [PackageOwners(package_id=package_id, owners=(Owner(publisher_id=PUBLISHER, role="owner"),), by=PUBLISHER)] if is_new else []
            self.services.ledger.append(rows, [*first, published], now)
            if is_new:
                columns = "package_id, publisher_id, title, summary, keywords, visibility, latest, status, created_at, updated_at, downloads"
                rows.run(
                    f"INSERT INTO packages ({columns}) VALUES (?, ?, '', '', '', ?, ?, 'active', ?, ?, 0)", package_id, PUBLISHER, visibility, version, now, now
                )
        return file_hash

    def withdraw(self, package_id: str, version: str, status: str = "revoked") -> None:
        with self.services.database.write() as rows:
            change = VersionStatusChanged(package_id=package_id, version=version, status=status, reason="stolen key", by="admin")  # type: ignore[arg-type]
            self.services.ledger.append(rows, [change], self.clock.now())

    def ask(self, path: Mapping[str, str], query: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None) -> Ask:
        return Ask(
            services=self.services, path=path, query=query or {"version": ""}, headers=headers or {}, target="/", address="127.0.0.1",
            counted=lambda _: None,
        )  # fmt: skip

    def discover(self, package_id: str, version: str = "", headers: Mapping[str, str] | None = None) -> bytes:
        return self.federation.discover(self.ask({"package_id": package_id}, {"version": version}, headers)).data

    def answer(self, path: str, query: Mapping[str, list[str]], headers: Mapping[str, str]) -> Answer:
        """As its server would answer another registry."""
        parts = [unquote(one) for one in path.strip("/").split("/")]
        try:
            if parts[:2] == ["v1", "discover"]:
                return Answer(status=200, kind="", body=self.discover(parts[2], query.get("version", [""])[0], headers))
            if parts == ["v1", "log", "consistency"]:
                return Answer(status=200, kind="", body=self.consistency(int(query["from"][0]), int(query["to"][0])))
            with self.services.database.read() as rows:
                found = rows.one("SELECT file_hash FROM log_versions WHERE package_id = ? AND version = ?", parts[2], parts[4])
            return Answer(status=200, kind="", body=b"".join(self.services.blobs.read(str(found[0])))) if found else Answer(status=404, kind="", body=b"")
        except MppError as fault:
            return Answer(status=status_of(fault), kind="", body=b"{}")

    def consistency(self, begin: int, end: int) -> bytes:
        with self.services.database.read() as rows:
            hashes = self.services.ledger.consistency(rows, begin, end)
        return canonical(ConsistencyDoc(begin=begin, end=end, hashes=tuple(hashes)).to_json())


Twist = Callable[[str, Mapping[str, str], Answer], Answer]


class Cable(Web):
    """A network of registries of one process. It counts each question."""

    def __init__(self) -> None:
        super().__init__()
        self.registries: dict[str, Registry] = {}
        self.asked: list[tuple[str, str, Mapping[str, str]]] = []
        self.by: list[tuple[str, str]] = []
        """Who asked whom."""
        self.down: set[str] = set()
        self.twists: dict[str, Twist] = {}

    def get(self, url: str, headers: Mapping[str, str], most: int, patience: Patience) -> Answer:
        parts = urlsplit(url)
        name, _, path = parts.path.lstrip("/").partition("/")
        self.asked.append((name, f"/{path}?{parts.query}" if parts.query else f"/{path}", dict(headers)))
        if name in self.down or name not in self.registries:
            raise RemoteFailed("remote.connection", "the registry cannot be reached", where=url)
        answer = self.registries[name].answer(path, parse_qs(parts.query), headers)
        twist = self.twists.get(name)
        answer = twist(f"/{path}", headers, answer) if twist else answer
        if len(answer.body) > most:
            raise RemoteFailed("remote.length", "too long", where=url)
        return answer

    @contextlib.contextmanager
    def stream(self, url: str, headers: Mapping[str, str], patience: Patience) -> Iterator[tuple[Answer, Iterator[bytes]]]:
        found = self.get(url, headers, 1 << 30, patience)
        yield replace(found, body=b""), iter([found.body[i : i + 7] for i in range(0, len(found.body), 7)])

    def questions(self, name: str = "") -> list[str]:
        return [path for who, path, _ in self.asked if path.startswith("/v1/discover") and name in {"", who}]


class View(Web):
    """The network as one registry has it."""

    def __init__(self, cable: Cable, name: str) -> None:
        super().__init__()
        self._cable, self._name = cable, name

    def get(self, url: str, headers: Mapping[str, str], most: int, patience: Patience) -> Answer:
        self._cable.by.append((self._name, urlsplit(url).path.split("/")[1]))
        return self._cable.get(url, headers, most, patience)

    @contextlib.contextmanager
    def stream(self, url: str, headers: Mapping[str, str], patience: Patience) -> Iterator[tuple[Answer, Iterator[bytes]]]:
        self._cable.by.append((self._name, urlsplit(url).path.split("/")[1]))
        with self._cable.stream(url, headers, patience) as found:
            yield found


@contextlib.contextmanager
def registries(folder: Path, *names: str) -> Iterator[tuple[Registry, ...]]:
    cable, clock = Cable(), TestClock()
    made = tuple(Registry(folder, name, cable, clock) for name in names)
    try:
        yield made
    finally:
        for one in made:
            one.close()
