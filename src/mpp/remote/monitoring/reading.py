"""What a monitor asks of a registry. Nothing that comes is believed: what it says is compared with what was signed."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Protocol
from urllib.parse import quote, urlsplit

from mpp.errors import RemoteFailed
from mpp.model.jsontext import shown
from mpp.protocol.registry import answers
from mpp.protocol.registry.limits import BUNDLE_BYTES_MAX, PATH_HASHES_MAX
from mpp.remote.address import check_base
from mpp.remote.credentials import Credentials, Nobody
from mpp.remote.http import Asked, Patience, Reply, ask
from mpp.remote.limits import DOCUMENT_BYTES_MAX
from mpp.remote.monitoring.limits import ANSWER_BYTES_MAX, BATCH_LEAVES


class Source(Protocol):
    """A registry as a monitor sees it."""

    def roots(self) -> bytes: ...

    def checkpoint(self) -> bytes: ...

    def leaves(self, start: int, count: int) -> list[bytes]: ...

    def consistency(self, begin: int, end: int) -> Sequence[bytes]: ...

    def bundle(self, package_id: str, version: str) -> bytes: ...

    def cosign(self, lines: bytes) -> int:
        """Give it a cosignature; the status that it answers."""
        ...


class HttpSource:
    """One registry over HTTP. It holds nothing open. ``credentials``: for one that not everybody may read."""

    def __init__(self, url: str, credentials: Credentials | None = None, patience: Patience | None = None) -> None:
        self.url, self._credentials, self._patience = check_base(url), credentials or Nobody(), patience or Patience()

    def _get(self, path: str, most: int) -> bytes:
        header = self._credentials.header("GET", urlsplit(self.url).path + path, b"")
        headers = (("Authorization", header),) if header else ()
        reply = ask(Asked(method="GET", url=self.url + path, headers=headers, most=most, patience=self._patience))
        if reply.status != HTTPStatus.OK:
            raise self._odd(f"the registry answers {reply.status}{_words(reply)}", path)
        return reply.body

    def _odd(self, why: str, path: str) -> RemoteFailed:
        return RemoteFailed("remote.answer", why, where=self.url + path, hint="check the address; try again later")

    def roots(self) -> bytes:
        return answers.read_info(self._get("/v1/registry", DOCUMENT_BYTES_MAX), where=self.url).roots

    def checkpoint(self) -> bytes:
        return self._get("/v1/log/checkpoint", BUNDLE_BYTES_MAX)

    def leaves(self, start: int, count: int) -> list[bytes]:
        path = f"/v1/log/entries?start={start}&count={min(count, BATCH_LEAVES)}"
        page = answers.read_log(self._get(path, DOCUMENT_BYTES_MAX), where=self.url)
        if page.start != start or not page.leaves:
            raise self._odd("the registry does not give the leaves that were asked for", path)
        return [*page.leaves[:count]]

    def consistency(self, begin: int, end: int) -> Sequence[bytes]:
        path = f"/v1/log/consistency?from={begin}&to={end}"
        return answers.read_consistency(self._get(path, DOCUMENT_BYTES_MAX), where=self.url).hashes[: 2 * PATH_HASHES_MAX]

    def bundle(self, package_id: str, version: str) -> bytes:
        return self._get(f"/v1/packages/{quote(package_id, safe='')}/versions/{quote(version, safe='')}/bundle", BUNDLE_BYTES_MAX)

    def cosign(self, lines: bytes) -> int:
        headers = (("Content-Type", "text/plain; charset=utf-8"),)
        asked = Asked(method="POST", url=f"{self.url}/v1/log/cosignatures", headers=headers, body=lines, most=ANSWER_BYTES_MAX, patience=self._patience)
        return ask(asked).status


def _words(reply: Reply) -> str:
    """What it says about it, bounded and only to be shown."""
    try:
        return f": {shown(answers.read_problem(reply.body, where='answer').detail)}"
    except RemoteFailed:
        return ""
