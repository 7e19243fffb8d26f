"""The agents that this home knows, what they called lately, and what stops them. Everything here only takes away: nothing is added or lifted."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from mpp.console.desk import CHANNEL, Desk, work
from mpp.console.pages.asking import Indexing, asked, indexing_page
from mpp.console.render import form_of, redirect, render
from mpp.console.views.agents import Agent, Network, Stopped, agents, calls_of, network, stopped
from mpp.crypto.roots import is_plain_line
from mpp.errors import Refused
from mpp.host.agent_store import AgentStore, KnownAgents, without_credential
from mpp.host.audit.log import AuditLog
from mpp.host.audit.searching import find, lines_of
from mpp.host.stops import WHY_CHARS_MAX, Stop, StopStore, with_stop
from mpp.host.tenants import TokenStore, without_token
from mpp.host.told import stop_event, trust_event
from mpp.model.events import Event
from mpp.model.value import value
from mpp.stages.audit import Wanted

KINDS = ("agent", "intent", "result", "refused", "interrupted")
LOOKED_AT = 1000
"""Entries of the record that "lately" is made of. Reason: some hundred calls; reading them takes some milliseconds."""

FORM_HINT = "load the page again"


@value
class Shown:
    agents: tuple[Agent, ...]
    tokens: tuple[Network, ...]
    organisations: tuple[tuple[str, str, str], ...]
    """Name, key, and what each may name."""
    issuers: tuple[tuple[str, str, str], ...]
    """Address, audience, and what each may name."""
    stops: tuple[Stopped, ...]
    packages: tuple[str, ...]
    """Packages that were called lately, to be stopped by hand."""


def routes(desk: Desk) -> list[BaseRoute]:
    async def page(request: Request) -> Response:
        found = await work(_shown, desk)
        return indexing_page(request, found) if isinstance(found, Indexing) else render(request, "agents.html", found=found, why_max=WHY_CHARS_MAX)

    async def stop(request: Request) -> Response:
        fields = form_of(request)
        words = await work(_stop, desk, fields.get("kind", ""), fields.get("package", "").strip(), " ".join(fields.get("why", "").split()))
        return redirect(request, "/agents", said=words, tone="careful")

    async def forget(request: Request) -> Response:
        fields = form_of(request)
        words = await work(_forget, desk, fields.get("agent", ""), fields.get("key", ""), fields.get("token", ""))
        return redirect(request, "/agents", said=words, tone="careful")

    async def revoke(request: Request) -> Response:
        return redirect(request, "/agents", said=await work(_revoke, desk, form_of(request).get("token", "")), tone="careful")

    return [
        Route("/agents", page),
        Route("/agents/stop", stop, methods=["POST"]),
        Route("/agents/forget", forget, methods=["POST"]),
        Route("/agents/revoke", revoke, methods=["POST"]),
    ]


def _shown(desk: Desk) -> Shown | Indexing:
    now, known = desk.now(), AgentStore(desk.home.agents).load()
    seqs = asked(desk, lambda index: find(index, Wanted(kinds=KINDS), LOOKED_AT))
    if isinstance(seqs, Indexing):
        return seqs
    called = calls_of(lines_of(desk.home.log, sorted(seqs or ())))
    lately = sorted({call.package for _, calls in called.values() for call in calls if call.package})
    return Shown(
        agents=agents(known, called, now),
        tokens=network(TokenStore(desk.home.tokens).load(), now),
        organisations=tuple((one.name, name, one.may_name) for name, one in sorted(known.organisations.items())),
        issuers=tuple((address, one.audience, one.may_name) for address, one in sorted(known.issuers.items())),
        stops=stopped(StopStore(desk.home.stops).current()),
        packages=tuple(lately),
    )


def _stop(desk: Desk, kind: str, package: str, why: str) -> str:
    """To stop needs no question; to lift a stop needs a person at a terminal, and so is not done here. Spec: approval H-81."""
    if kind not in {"all", "package"}:
        raise Refused("usage.option", "nothing is named that is to be stopped", where="kind", hint=FORM_HINT)
    if why and (len(why) > WHY_CHARS_MAX or not why.isprintable() or not is_plain_line(why)):
        raise Refused("usage.text", f"a reason is one line of at most {WHY_CHARS_MAX} printable characters", where="why", hint="write it in plain letters")
    name = package if kind == "package" else ""
    now = desk.now()
    StopStore(desk.home.stops).change(lambda stops: with_stop(stops, kind, name, Stop(since=now, why=why)))
    # The stop holds already: a record that cannot be written must not keep it from holding.
    _tell(desk, stop_event(kind, name, lifted=False, why=why, by=desk.user, how="", at=now, channel=CHANNEL))
    return f"Stopped {'everything' if kind == 'all' else name}, from the next call on."


def _forget(desk: Desk, name: str, key: str, token: str) -> str:
    if bool(key) == bool(token):
        raise Refused("usage.option", "name one key or one token", where="agent", hint=FORM_HINT)

    def step(known: KnownAgents) -> KnownAgents:
        return known.with_agent(without_credential(known.find(name), key, token))

    AgentStore(desk.home.agents).change(step)
    _tell(desk, trust_event("agent", name, "key or token removed", by=desk.user, how="", at=desk.now(), channel=CHANNEL))
    return f"{name} is not known by that {'key' if key else 'token'} any more."


def _revoke(desk: Desk, token: str) -> str:
    TokenStore(desk.home.tokens).change(lambda known: without_token(known, token))
    _tell(desk, trust_event("token", token, "revoked", by=desk.user, how="", at=desk.now(), channel=CHANNEL))
    return f"The token {token} has ended; a server takes it no more from its next request on."


def _tell(desk: Desk, event: Event) -> None:
    with AuditLog(desk.home, clock=desk.clock, random=desk.random) as log:
        log.record(event, durable=True)
