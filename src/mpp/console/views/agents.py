"""What the page about agents shows: who is known, by what, and what each called lately."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mpp.crypto.ed25519 import key_id
from mpp.host.agent_store import KEY_DIGITS_MIN, KnownAgent, KnownAgents
from mpp.host.stops import Stops
from mpp.host.tenants import TenantTokens
from mpp.model.value import value
from mpp.stages.audit import Line, dict_of, text_of, told_of

CALLS_SHOWN = 4
"""Calls shown of each agent. Reason: a glance; the page of calls has all."""

NOBODY = ""
"""The name of calls that nobody put a name to."""


@value
class Called:
    """One call of an agent."""

    at: int
    package: str
    tool: str
    ended: str
    """How it ended: ``ok``, or a code."""
    call: str


@value
class Token:
    id: str
    until: int
    label: str
    is_over: bool


@value
class Agent:
    """One agent that is known here, or that only called."""

    name: str
    is_known: bool
    is_user: bool
    until: int | None
    keys: tuple[str, ...]
    tokens: tuple[Token, ...]
    level: str
    """How sure it was who it is, at its last call."""
    calls: tuple[Called, ...]
    count: int
    """Calls among the entries that were looked at."""


@value
class Network:
    """One token of `mpp serve --http`."""

    id: str
    tenant: str
    agent: str
    user: str
    until: int
    label: str
    rate: int
    is_over: bool


@value
class Stopped:
    kind: str
    name: str
    since: int
    why: str


def calls_of(lines: Iterable[Line]) -> Mapping[str, tuple[str, tuple[Called, ...]]]:
    """By the name of the agent: how sure its name was, and its calls, the newest first. Who called stands in another entry than how it ended."""
    who: dict[str, tuple[str, str]] = {}
    what: dict[str, Called] = {}
    for line in sorted(lines, key=lambda one: one.seq):
        call, said = line.invocation, told_of(line)
        if not call:
            continue
        if line.kind == "agent":
            who[call] = (said.agent, text_of(line.body, "proof"))
            continue
        if said.agent and call not in who:
            who[call] = (said.agent, text_of(dict_of(line.body, "agent"), "proof"))
        before = what.get(call)
        what[call] = Called(
            at=line.at, package=said.package or (before.package if before else ""), tool=said.tool or (before.tool if before else ""),
            ended=said.code or said.outcome or (before.ended if before else "running"), call=call,
        )  # fmt: skip
    found: dict[str, tuple[str, tuple[Called, ...]]] = {}
    for call, called in reversed(what.items()):
        name, level = who.get(call, (NOBODY, ""))
        first, calls = found.get(name, (level, ()))
        found[name] = (first, (*calls, called))
    return found


def agents(known: KnownAgents, called: Mapping[str, tuple[str, tuple[Called, ...]]], now: int) -> tuple[Agent, ...]:
    """Those that are known, by name; then those that only called."""
    names = [*sorted(known.agents), *sorted(name for name in called if name and name not in known.agents), *([NOBODY] if NOBODY in called else [])]
    return tuple(_agent(name, known.agents.get(name), *called.get(name, ("", ())), now) for name in names)


def _agent(name: str, known: KnownAgent | None, level: str, calls: tuple[Called, ...], now: int) -> Agent:
    tokens = known.tokens if known is not None else ()
    return Agent(
        name=name,
        is_known=known is not None,
        is_user=known is not None and known.is_user,
        until=known.until if known is not None else None,
        keys=tuple(key_id(one) for one in (known.keys if known is not None else ())),
        tokens=tuple(Token(id=one.sha256[:KEY_DIGITS_MIN], until=one.until, label=one.label, is_over=one.until <= now) for one in tokens),
        level=level,
        calls=calls[:CALLS_SHOWN],
        count=len(calls),
    )


def network(tokens: TenantTokens, now: int) -> tuple[Network, ...]:
    found = sorted(tokens.values(), key=lambda one: (one.tenant, one.agent, one.until, one.id))
    return tuple(
        Network(id=one.id, tenant=one.tenant, agent=one.agent, user=one.user, until=one.until, label=one.label, rate=one.rate, is_over=one.until <= now)
        for one in found
    )


def stopped(stops: Stops) -> tuple[Stopped, ...]:
    rows = [("everything", "", stops.all)] if stops.all is not None else []
    rows += [("package", name, stop) for name, stop in sorted(stops.packages.items())]
    rows += [("publisher", name, stop) for name, stop in sorted(stops.publishers.items())]
    rows += [("version, by its registry", name, stop) for name, stop in sorted(stops.contents.items())]
    return tuple(Stopped(kind=kind, name=name, since=stop.since, why=stop.why) for kind, name, stop in rows if stop is not None)
