"""Tokens and warrants for tests of what comes after policy and approval: for exactly these rights, for exactly this call."""

from __future__ import annotations

import threading
from dataclasses import replace

from mpp.host.sandbox import CallInput, Ready
from mpp.model.capabilities import Hardware
from mpp.model.events import EntryRef, Event
from mpp.model.rights import Rights
from mpp.model.scope import Scope
from mpp.stages.approval.warrants import Grant, Warrant, warrant
from mpp.stages.gatekeeper import VerifiedPackage
from mpp.stages.policy.token import CapabilityToken, mint


class KeptEvents:
    """A record in memory, in the order in which it was told."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.durable: list[Event] = []

    def record(self, event: Event, *, durable: bool = False) -> EntryRef:
        self.events.append(event)
        if durable:
            self.durable.append(event)
        return EntryRef(len(self.events) - 1, "")

    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]


class SpentOnce:
    """Things that happen once, in one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._spent: set[tuple[str, str]] = set()

    def spend(self, kind: str, name: str, until: int, now: int) -> bool:  # noqa: ARG002 - nothing is forgotten here
        with self._lock:
            is_first = (kind, name) not in self._spent
            self._spent.add((kind, name))
        return is_first


def scope_of_rights(rights: Rights, tools: tuple[str, ...]) -> Scope:
    """The narrowest scope that opens the rights."""
    return Scope(
        network=rights.network,
        read=tuple(one.guest for one in rights.folders if not one.write),
        write=tuple(one.guest for one in rights.folders if one.write),
        env=rights.env,
        secrets=rights.secrets,
        kv_max_bytes=rights.kv_max_bytes,
        devices=tuple(Hardware(device="any", path=one.guest, mode=one.mode) for one in rights.devices),
        tools=tools,
    )


def token_for(package: VerifiedPackage, rights: Rights | Scope, *, tenant: str = "local", timeout_ms: int = 0) -> CapabilityToken:
    """A token of ``package`` that opens exactly these rights, for all its tools; or exactly this scope."""
    tools = tuple(tool.name for tool in package.manifest.tool_definitions)
    return mint(
        tenant=tenant if isinstance(rights, Scope) else rights.tenant,
        publisher_id=package.publisher_id,
        package_id=package.package_id,
        content_hash=package.content_hash,
        scope=rights if isinstance(rights, Scope) else scope_of_rights(rights, tools),
        timeout_ms=timeout_ms,
    )


def meant_for(ready: Ready, given: CallInput) -> CallInput:
    """The same call, with the names of this package in its context."""
    rights = ready.rights
    context = replace(
        given.context, tenant=rights.tenant, publisher_id=rights.publisher_id, package_id=rights.package_id, content_hash=rights.content_hash
    )  # fmt: skip
    return replace(given, context=context)


def grant_for(ready: Ready, given: CallInput, token: CapabilityToken | None = None) -> Grant:
    """A grant for exactly this call, as if policy had allowed it."""
    context = given.context
    return Grant(
        token=token or token_for(ready.package, scope_of_rights(ready.rights, (context.tool,)), tenant=ready.rights.tenant),
        invocation=context.invocation,
        tool=context.tool,
        argument_sha256=given.argument_sha256,
        agent=context.identity,
        because="policy",
    )


def warrant_for(ready: Ready, given: CallInput, token: CapabilityToken | None = None) -> Warrant:
    """Leave to run exactly this call once."""
    return warrant(grant_for(ready, given, token), SpentOnce(), KeptEvents(), given.now_ns // 10**9)
