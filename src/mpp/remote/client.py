"""Questions to one registry. Every answer is bounded and read strictly enough; what must hold is proven elsewhere."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Callable, Sequence
from typing import TypeVar
from urllib.parse import quote, urlencode, urlsplit

from mpp.errors import FAMILIES, Refused, RemoteFailed
from mpp.model.jsontext import canonical, shown
from mpp.protocol.registry import answers
from mpp.protocol.registry.bodies import NamespaceBody, StatusBody
from mpp.protocol.registry.documents import NamespaceDoc, PackageDoc, Problem, PublishedDoc, PublisherDoc, RegistryInfo, SearchPage, VersionDoc
from mpp.protocol.registry.limits import BUNDLE_BYTES_MAX, PATH_HASHES_MAX, VERSIONS_MAX
from mpp.protocol.registry.peerlist import LIST_BYTES_MAX
from mpp.remote.address import origin_of
from mpp.remote.config import Registry
from mpp.remote.credentials import Credentials, Nobody
from mpp.remote.http import ask, Asked, exchange, Head, Patience, Progress, Reply, Sink, unseen
from mpp.remote.limits import (
    ASK_SECONDS_MAX,
    DOCUMENT_BYTES_MAX,
    PAGES_MAX,
    SEARCH_SHOWN_MAX,
    TEXT_SHOWN_MAX,
    TRANSFER_SECONDS_MAX,
)

T = TypeVar("T")

PASSED_ON = frozenset(
    ("archive", "size", "path", "content", "signature", "publisher", "manifest", "capability", "wasm", "description", "privacy", "registry")
)  # fmt: skip
"""Families of codes that a registry may answer with: what it refuses of a package, and its own."""

PACKAGE_TYPE = "application/vnd.mpp.package"
JSON_TYPE = "application/json"


class RegistryClient:
    """One registry, with the mirrors of its files. It holds nothing open."""

    def __init__(
        self, registry: Registry, *, credentials: Credentials | None = None, seconds: float = ASK_SECONDS_MAX, silence: float | None = None,
        transfer: float = TRANSFER_SECONDS_MAX, context: ssl.SSLContext | None = None,
    ) -> None:  # fmt: skip
        self.registry, self._credentials, self._context = registry, credentials or Nobody(), context
        self._ask = Patience(seconds=seconds) if silence is None else Patience(seconds=seconds, silence=silence)
        self._transfer = Patience(seconds=transfer) if silence is None else Patience(seconds=transfer, silence=silence)

    # -- reading

    def info(self) -> RegistryInfo:
        return self._document("/v1/registry", answers.read_info)

    def search(self, text: str, limit: int = SEARCH_SHOWN_MAX) -> SearchPage:
        return self._document(f"/v1/search?{urlencode({'q': text, 'limit': limit})}", answers.read_search)

    def package(self, package_id: str) -> PackageDoc:
        return self._document(f"/v1/packages/{quote(package_id, safe='')}", answers.read_package)

    def versions(self, package_id: str) -> list[VersionDoc]:
        """All of them; a registry that goes on without end is refused."""
        found: list[VersionDoc] = []
        cursor = ""
        for _ in range(PAGES_MAX):
            query = f"?{urlencode({'cursor': cursor, 'limit': 100} if cursor else {'limit': 100})}"
            page = self._document(f"/v1/packages/{quote(package_id, safe='')}/versions{query}", answers.read_versions)
            found += [one for one in page.versions if one.package_id == package_id]
            if not page.next:
                return found
            if len(found) > VERSIONS_MAX or page.next == cursor:
                break
            cursor = page.next
        raise RemoteFailed("remote.answer", "the registry lists versions without end", where=self.registry.url, hint="ask who runs the registry")

    def bundle(self, package_id: str, version: str, base: str = "") -> bytes:
        return self._get(f"{_of_version(package_id, version)}/bundle", BUNDLE_BYTES_MAX, base).body

    def absence(self, package_id: str) -> bytes:
        return self._get(f"/v1/packages/{quote(package_id, safe='')}/absence", BUNDLE_BYTES_MAX).body

    def discover(self, package_id: str) -> bytes:
        """Which registry it knows that has the package."""
        return self._get(f"/v1/discover/{quote(package_id, safe='')}", DOCUMENT_BYTES_MAX).body

    def peer_list(self) -> bytes:
        """Whom it asks, as it has signed it."""
        return self._get("/v1/peers/list", LIST_BYTES_MAX).body

    def checkpoint(self) -> bytes:
        return self._get("/v1/log/checkpoint", BUNDLE_BYTES_MAX).body

    def consistency(self, begin: int, end: int) -> Sequence[bytes]:
        if begin == 0:
            return ()
        found = self._document(f"/v1/log/consistency?from={begin}&to={end}", answers.read_consistency)
        return found.hashes[: 2 * PATH_HASHES_MAX] if (found.begin, found.end) == (begin, end) else ()

    def namespace(self, name: str) -> NamespaceDoc:
        return self._document(f"/v1/namespaces/{quote(name, safe='')}", answers.read_namespace)

    def publisher(self, publisher_id: str) -> PublisherDoc:
        return self._document(f"/v1/publishers/{quote(publisher_id, safe='')}", answers.read_publisher)

    # -- writing

    def register(self, publisher_json: bytes) -> PublisherDoc:
        return self._sent("POST", "/v1/publishers", publisher_json, JSON_TYPE, answers.read_publisher)

    def renew_root(self, publisher_id: str, publisher_json: bytes) -> PublisherDoc:
        return self._sent("PUT", f"/v1/publishers/{quote(publisher_id, safe='')}/root", publisher_json, JSON_TYPE, answers.read_publisher)

    def claim(self, namespace: str, method: str) -> NamespaceDoc:
        body = canonical(NamespaceBody(namespace=namespace, method=method).to_json())
        return self._sent("POST", "/v1/namespaces", body, JSON_TYPE, answers.read_namespace)

    def publish(self, data: bytes, sent: Progress = unseen, *, visibility: str = "public") -> PublishedDoc:
        path = "/v1/packages" + ("" if visibility == "public" else f"?{urlencode({'visibility': visibility})}")
        return self._sent("POST", path, data, PACKAGE_TYPE, answers.read_published, sent)

    def set_status(self, package_id: str, version: str, status: str, reason: str) -> VersionDoc:
        body = canonical(StatusBody(status=status, reason=reason).to_json())
        return self._sent("PUT", f"{_of_version(package_id, version)}/status", body, JSON_TYPE, answers.read_version)

    # -- files

    def download(self, base: str, package_id: str, version: str, headers: tuple[tuple[str, str], ...], most: int, sink: Callable[[Head], Sink]) -> Head:
        """``base``: the registry itself or one of its mirrors. Raises for what is no file; the caller judges every byte."""
        url = f"{base}{_of_version(package_id, version)}/download"
        asked = Asked(method="GET", url=url, headers=(*headers, *self._own("GET", url, b"", reading=True)), most=most, patience=self._transfer)
        problem: list[bytes] = []
        head = exchange(asked, lambda found: sink(found) if found.status < http.client.BAD_REQUEST else problem.append, self._context)
        if head.status >= http.client.BAD_REQUEST and head.status != http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise _refusal(Reply(head=head, body=b"".join(problem)))
        return head

    # -- one exchange

    def _document(self, path: str, read: Callable[..., T]) -> T:
        reply = self._get(path, DOCUMENT_BYTES_MAX)
        found: T = read(reply.body, where=shown(reply.head.url))
        return found

    def _get(self, path: str, most: int, base: str = "") -> Reply:
        url = (base or self.registry.url) + path
        asked = Asked(method="GET", url=url, headers=self._own("GET", url, b"", reading=True), most=most, patience=self._ask)
        return _judged(ask(asked, self._context))

    def _sent(
        self, method: str, path: str, body: bytes, kind: str, read: Callable[..., T], sent: Progress = unseen, *, most: int = DOCUMENT_BYTES_MAX
    ) -> T:  # fmt: skip
        url = self.registry.url + path
        headers = (("Content-Type", kind), *self._own(method, url, body, reading=False))
        reply = _judged(ask(Asked(method=method, url=url, headers=headers, body=body, most=most, patience=self._transfer, sent=sent), self._context))
        found: T = read(reply.body, where=shown(url))
        return found

    def _own(self, method: str, url: str, body: bytes, *, reading: bool) -> tuple[tuple[str, str], ...]:
        """Attack: a mirror that is shown what lets its owner read or write as the user."""
        if (reading and not self.registry.private) or origin_of(url) != origin_of(self.registry.url):
            return ()
        parts = urlsplit(url)
        header = self._credentials.header(method, parts.path + (f"?{parts.query}" if parts.query else ""), body)
        return (("Authorization", header),) if header else ()


def _of_version(package_id: str, version: str) -> str:
    return f"/v1/packages/{quote(package_id, safe='')}/versions/{quote(version, safe='')}"


def _judged(reply: Reply) -> Reply:
    if reply.status >= http.client.BAD_REQUEST:
        raise _refusal(reply)
    if reply.status not in {http.client.OK, http.client.CREATED, http.client.ACCEPTED, http.client.NO_CONTENT}:
        raise RemoteFailed("remote.answer", f"the registry answers {reply.status}", where=shown(reply.head.url), hint="check the address of the registry")
    return reply


def _refusal(reply: Reply) -> Refused | RemoteFailed:
    """What the registry says in its own words is shown as such, bounded, and never decides more than an exit code."""
    where = shown(reply.head.url)
    try:
        problem = answers.read_problem(reply.body, where=where)
    except RemoteFailed:
        problem = Problem(status=reply.status, code="", title="", detail="")
    if reply.status == http.client.NOT_FOUND and problem.code in {"", "registry.absent", "registry.no_version"}:
        return Refused("registry.absent", "the registry has no such thing, or does not show it to you", where=where, hint="check the name; see `mpp search`")
    family = problem.code.partition(".")[0]
    words = shown(problem.detail or problem.title, TEXT_SHOWN_MAX)
    if reply.status < http.client.INTERNAL_SERVER_ERROR and family in PASSED_ON and family in FAMILIES:
        message = f"the registry refuses it: {words}" if words else "the registry refuses it"
        return Refused(problem.code, message, where=shown(problem.where) or where, hint=shown(problem.hint, TEXT_SHOWN_MAX) or "ask who runs the registry")
    if reply.status in {http.client.UNAUTHORIZED, http.client.FORBIDDEN}:
        hint = "log in with `mpp registry login`, or register with `mpp register`"
        return Refused("registry.forbidden", f"the registry does not let you do this: {words or reply.status}", where=where, hint=hint)
    message = f"the registry answers {reply.status}" + (f": {words}" if words else "")
    return RemoteFailed("remote.answer", message, where=where, hint="try again later, or ask who runs the registry")
