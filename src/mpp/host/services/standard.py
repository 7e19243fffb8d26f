"""The services behind host calls as a host on one machine has them: storage in files, requests through a process of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from mpp.errors import HostFailed, MppError, Refused
from mpp.host.home import Home
from mpp.host.secret_store import SecretStore
from mpp.host.services.dispatch import Contexts, Dispatcher, Params, refused
from mpp.host.services.http import HttpService
from mpp.host.services.border import said
from mpp.host.services.http_fetch import shown
from mpp.host.services.http_types import HttpConfig, HttpRefusal, HttpResponse
from mpp.host.services.kv import answer_kv
from mpp.host.services.secrets import resolve_secrets
from mpp.host.stores.kv import KvStore
from mpp.model.calls import HostAnswer
from mpp.model.secretvalue import SecretValue
from mpp.ports import Steps
from mpp.stages.sandbox import Scope

CALLS_KNOWN_MAX = 64
"""Calls whose secrets are kept while they run. Reason: as many as a host runs at a time; values must not stay longer than they are used."""


class KvAnswers:
    """``kv.*`` from one store."""

    def __init__(self, store: KvStore) -> None:
        self._store = store

    def answer(self, method: str, params: Params, scope: Scope, until: float) -> Steps[HostAnswer]:  # noqa: ARG002 - a store answers at once
        yield from ()
        # The guest learns only that it failed; the owner learns what to mend.
        return answer_kv(self._store, method, dict(params), scope.rights, scope.context.tool, report=lambda fault: _warn(scope, fault))


class HttpAnswers:
    """``http.fetch`` through the service's process. ``secrets`` None: no secret is ever sent."""

    def __init__(self, service: HttpService, secrets: SecretStore | None, environment: Mapping[str, str]) -> None:
        self._service, self._secrets, self._environment = service, secrets, environment
        self._known: dict[str, tuple[SecretValue, ...] | None] = {}

    def answer(self, method: str, params: Params, scope: Scope, until: float) -> Steps[HostAnswer]:
        if method != "http.fetch":
            return refused("unknown_method", "the host has no such method")
        if not scope.rights.network:
            # Spec: call-contract. What is declared and was not granted is a permission error; what is not declared does not exist.
            return refused("not_granted", "no network was granted") if scope.declared else refused("not_declared", "the package declares no network")
        try:
            values = self._values(scope, until)
        except (Refused, HostFailed) as fault:
            # The person at the host learns which one and how to set it; the guest only that it is not there.
            _warn(scope, fault)
            values = None
        if values is None:
            return refused("unavailable", "a secret of this package is not set on this host")
        # Spec: 6-privacy F-40. Before the service puts in what the host itself sends, and before anything leaves.
        try:
            params = scope.border.leave(params)
        except Refused as fault:
            _warn(scope, fault)
            return refused("not_granted", f"{fault.message} ({fault.where}) [{fault.code}]")
        found = yield from self._service.answer(dict(params), scope.rights, values, until, scope.declared)
        if isinstance(found, HttpResponse):
            scope.border.returned(found.url, said(found))
        if isinstance(found, HttpRefusal):
            return HostAnswer(result=None, error=found.code, message=found.message, hosts=found.observed, secrets=found.secrets, echoed=found.echoed)
        return HostAnswer(result=shown(found), error="", message="", hosts=found.observed, secrets=found.secrets, echoed=found.echoed)

    def _values(self, scope: Scope, until: float) -> tuple[SecretValue, ...] | None:
        """The secrets of one call, looked up once: a command that prints one may take seconds. None: that failed before."""
        if self._secrets is None or not scope.rights.secrets:
            return ()
        invocation = scope.context.invocation
        if invocation in self._known:
            return self._known.get(invocation)
        # Attack: a guest that asks again and again has a command that fails run thousands of times.
        self._known[invocation] = None
        found = resolve_secrets(scope.rights.secrets, scope.rights.package_id, self._secrets, self._environment, until)
        self._known[invocation] = found
        while len(self._known) > CALLS_KNOWN_MAX:
            self._known.pop(next(iter(self._known)), None)
        return found


def _warn(scope: Scope, fault: MppError) -> None:
    scope.live.log("warning", f"{fault.message} ({fault.where}); {fault.hint}")


@contextmanager
def standard_calls(
    home: Home, secrets: SecretStore | None, config: HttpConfig | None = None, contexts: Contexts | None = None
) -> Iterator[Dispatcher]:  # fmt: skip
    """The dispatcher of one host, with all it holds closed at the end. ``contexts`` None: no context is signed for remote back ends."""
    store, service = KvStore(home.kv), HttpService(config)
    try:
        yield Dispatcher(kv=KvAnswers(store), http=HttpAnswers(service, secrets, os.environ), contexts=contexts)
    finally:
        service.close()
        store.close()
