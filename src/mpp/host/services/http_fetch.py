"""One fetch, from the words of a guest to an answer: every hop is judged here, in the host, before the service hears of it.

The service is given one judged request at a time with the secrets of that origin alone. So a service that was taken over by an
answer can neither choose where the next request goes nor see a secret of another host.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urljoin

from mpp.crypto import base64text
from mpp.host.services.http_limits import GRACE_MS_MAX, REDIRECTS_MAX
from mpp.host.services.http_rules import judge_body, judge_headers, judge_target, read_url
from mpp.host.services.http_secrets import Needles, check_outgoing, for_target, taken_headers
from mpp.host.services.http_types import Headers, Hop, HopAnswer, HttpRefusal, HttpRequest, HttpResponse, Stopped, Target
from mpp.model.capabilities import NetworkRule
from mpp.model.jsontext import Json
from mpp.model.rights import Rights
from mpp.model.secretvalue import SecretValue
from mpp.ports import Steps

Exchange = Callable[[Hop, float], "Steps[HopAnswer | HttpRefusal]"]
"""Carries out one hop until a moment of the monotonic clock."""

_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_LOCATION = re.compile(r"[!-~]+")
_OWN_TO_ORIGIN = frozenset(("authorization", "cookie"))


class _Trail:
    """What the hops so far have touched."""

    def __init__(self) -> None:
        self.observed: list[str] = []
        self.secrets: list[str] = []
        self.echoed: list[str] = []

    def note(self, hop: Hop, answer: HopAnswer | HttpRefusal) -> None:
        if isinstance(answer, HttpRefusal):
            observed, sent = answer.observed, answer.secrets
        else:
            observed, sent = (hop.target.place,), tuple(one.secret.name for one in hop.secrets)
        for known, found in ((self.observed, observed), (self.secrets, sent), (self.echoed, answer.echoed)):
            known.extend(one for one in found if one not in known)

    def refusal(self, fault: Stopped) -> HttpRefusal:
        return HttpRefusal(code=fault.code, message=fault.message, observed=tuple(self.observed), secrets=tuple(self.secrets), echoed=tuple(self.echoed))


def fetch(
    request: HttpRequest,
    rights: Rights,
    secrets: tuple[SecretValue, ...],
    until: float,
    exchange: Exchange,
    declared: tuple[NetworkRule, ...] = (),
) -> Steps[HttpResponse | HttpRefusal]:
    """The answer to ``request``; redirects are followed if it wants that. ``until`` is the end of the call."""
    trail = _Trail()
    last = min(until, time.monotonic() + request.timeout_ms / 1000)
    try:
        return (yield from _fetch(request, rights, secrets, last, exchange, declared, trail))
    except Stopped as fault:
        if fault.code == "timeout" and last >= until:
            fault = Stopped("deadline", "the time for the call is over")
        return trail.refusal(fault)


def _fetch(
    request: HttpRequest,
    rights: Rights,
    secrets: tuple[SecretValue, ...],
    last: float,
    exchange: Exchange,
    declared: tuple[NetworkRule, ...],
    trail: _Trail,
) -> Steps[HttpResponse | HttpRefusal]:
    before: Target | None = None
    for _ in range(REDIRECTS_MAX + 1):
        hop = judged_hop(request, rights, secrets, declared, before, last)
        answer = yield from exchange(hop, last)
        trail.note(hop, answer)
        if isinstance(answer, HttpRefusal):
            raise Stopped(answer.code, answer.message)
        following = next_request(request, hop.target, answer) if request.follow else None
        if following is None:
            return HttpResponse(
                status=answer.status,
                headers=answer.headers,
                body=answer.body,
                url=hop.target.url,
                observed=tuple(trail.observed),
                secrets=tuple(trail.secrets),
                echoed=tuple(trail.echoed),
            )
        request, before = following, hop.target
    raise Stopped("redirect", f"there are more than {REDIRECTS_MAX} redirects")


def judged_hop(
    request: HttpRequest, rights: Rights, secrets: tuple[SecretValue, ...], declared: tuple[NetworkRule, ...], before: Target | None, last: float
) -> Hop:
    """``request`` as a hop that may leave, or ``Stopped``. ``before`` is where a redirect came from."""
    # The search is work, so it comes after what costs nothing.
    target = _judged_target(request, rights, declared, before)
    # Attack: a redirect whose address carries the secret of its sender to somebody else. Judged on the address as it was written.
    check_outgoing(tuple(map(Needles, secrets)), request.url, request.headers, request.body)
    own = for_target(secrets, target)
    headers = request.headers
    if before is not None and before.origin != target.origin:
        headers = _without(headers, _OWN_TO_ORIGIN | taken_headers(own))
    judge_headers(headers, taken_headers(own))
    judge_body(request.method, request.body)
    remaining = int((last - time.monotonic()) * 1000) - GRACE_MS_MAX
    if remaining < 1 - GRACE_MS_MAX:
        raise Stopped("timeout", "the time for this request is over")
    return Hop(
        key=rights.digest,
        target=target,
        method=request.method,
        headers=headers,
        body=request.body,
        private=target.place in rights.private_hosts,
        secrets=own,
        remaining_ms=max(1, remaining),
    )


def _judged_target(request: HttpRequest, rights: Rights, declared: tuple[NetworkRule, ...], before: Target | None) -> Target:
    try:
        target = read_url(request.url, rights.network)
        judge_target(request.method, target, rights.network, declared)
    except Stopped as fault:
        if before is None or fault.code == "not_granted":
            raise
        raise Stopped("redirect", f"the server redirects to where this tool may not go: {fault.message}") from None
    if before is not None and before.scheme == "https" and target.scheme == "http":
        raise Stopped("redirect", "the server redirects from https to http")
    return target


def shown(response: HttpResponse) -> dict[str, Json]:
    """The result of ``http.fetch`` as a guest receives it."""
    headers: list[Json] = [[name, text] for name, text in response.headers]
    return {"status": response.status, "headers": headers, "body": base64text.encode(response.body), "url": response.url}


def next_request(request: HttpRequest, target: Target, answer: HopAnswer) -> HttpRequest | None:
    """The request that a redirect asks for, not judged yet; None if the answer is no redirect."""
    places = [text for name, text in answer.headers if name.lower() == "location"]
    if answer.status not in _REDIRECTS or not places:
        return None
    if len(places) > 1 or _LOCATION.fullmatch(places[0]) is None:
        raise Stopped("redirect", "the server redirects to more than one place, or to none that can be read")
    try:
        url = urljoin(target.url, places[0])
    except ValueError:
        raise Stopped("redirect", "the server redirects to an address that cannot be read") from None
    becomes_get = (answer.status in {301, 302} and request.method == "POST") or (answer.status == 303 and request.method not in {"GET", "HEAD"})
    if not becomes_get:
        return replace(request, url=url)
    about_body = frozenset(name.lower() for name, _ in request.headers if name.lower().startswith("content-"))
    return replace(request, url=url, method="GET", body=b"", headers=_without(request.headers, about_body))


def _without(headers: Headers, names: frozenset[str]) -> Headers:
    return tuple((name, text) for name, text in headers if name.lower().replace("_", "-") not in names)
