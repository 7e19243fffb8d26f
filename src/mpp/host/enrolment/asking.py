"""A host's requests to its fleet's registry: signed with the host's key, one by one, and bounded."""

from __future__ import annotations

import re
from hashlib import sha256
from urllib.parse import urlsplit

from mpp.errors import Refused, RemoteFailed
from mpp.host.enrolment.limits import ASK_SECONDS_MAX
from mpp.host.enrolment.trust_bundle import URL_CHARS_MAX
from mpp.host.enrolment.wire import Answer, Patience, Sent, Web
from mpp.host.host_key import HostKey
from mpp.host.outside import is_here
from mpp.model.jsontext import shown
from mpp.ports import Clock, Random
from mpp.protocol.registry.answers import read_problem
from mpp.protocol.registry.requests import sign_request

_CODE = re.compile(r"[a-z]{1,20}\.[a-z_]{1,40}")


def check_address(url: str) -> str:
    """https, or plain http to this very machine: enrolment codes and the list of what runs here go over it."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    is_plain_text = url.isascii() and url.isprintable() and " " not in url and len(url) <= URL_CHARS_MAX
    if host is None or not is_plain_text or parts.query or parts.fragment or parts.username is not None or parts.password is not None:
        raise Refused("policy.address", "this is no address of a registry", where=shown(url), hint="give an address that begins with https://")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_here(host)):
        raise Refused("policy.address", "plain http is taken to this machine only", where=shown(url), hint="give an address that begins with https://")
    return url.rstrip("/")


class Asking:
    """One host and one registry."""

    def __init__(self, url: str, registry_id: str, key: HostKey, clock: Clock, random: Random, web: Web | None = None) -> None:
        self.url, self._registry_id, self._key = check_address(url), registry_id, key
        self._clock, self._random, self._web = clock, random, web or Web()

    def ask(self, method: str, path: str, most: int, body: bytes = b"") -> tuple[bytes, str]:
        """The body of a good answer, and the nonce of the request that it is for."""
        nonce = self._random.bytes(16).hex()
        target = urlsplit(self.url).path + path
        header = sign_request(
            self._key.signer, method=method, target=target, body_sha256=sha256(body).hexdigest(), audience=self._registry_id, at=self._clock.now(), nonce=nonce
        )
        headers = {"Accept": "application/json", "Authorization": header, **({"Content-Type": "application/json"} if body else {})}
        answer = self._web.send(Sent(url=self.url + path, headers=headers, method=method, body=body), most, Patience(seconds=ASK_SECONDS_MAX))
        if answer.status not in {200, 201}:
            raise refusal(answer, self.url)
        return answer.body, nonce


def refusal(answer: Answer, url: str) -> Refused | RemoteFailed:
    """What the registry says in its own words is shown as such, and decides nothing but whether it is worth trying again."""
    try:
        problem = read_problem(answer.body, where=url)
    except RemoteFailed:
        return RemoteFailed("remote.answer", f"the registry answers {answer.status}", where=shown(url), hint="check the address, or ask who runs it")
    words = f"the registry refuses: {shown(problem.detail or problem.title)}"
    if answer.status >= 500 or answer.status in {408, 429}:
        return RemoteFailed("remote.answer", words, where=shown(url), hint="try again later")
    code = problem.code if _CODE.fullmatch(problem.code) else ""
    hint = shown(problem.hint) if problem.hint else "ask the administrator of the fleet"
    return Refused("registry.fleet", f"{words} ({code})" if code else words, where=shown(url), hint=hint)
