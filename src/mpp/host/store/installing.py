"""The whole way of a package into the store, for a host that embeds it: verified, judged, agreed to, compiled, put in place. Spec: spec/store.md sections 5 and 6."""

from __future__ import annotations

from collections.abc import Callable, Set as AbstractSet

from mpp.host.home import Home
from mpp.host.store.changing import apply, Done, NOBODY, plan_for
from mpp.host.store.planning import Agreed, Plan, Wish
from mpp.host.store.preparing import judge_texts, prepare
from mpp.host.store.store import PackageStore
from mpp.ports import Events
from mpp.stages.approval import Consent
from mpp.stages.archive import Buffer
from mpp.stages.gatekeeper import verify, VerifiedPackage


def nobody(_: Plan) -> Agreed:
    """There is no person to ask: what grows is refused."""
    return NOBODY


def install(
    store: PackageStore,
    data: Buffer,
    home: Home,
    events: Events,
    *,
    wish: Wish | None = None,
    agree: Callable[[Plan], Agreed] = nobody,
    consent: Callable[[VerifiedPackage], Consent | None] = lambda _: None,
    reserved: AbstractSet[str] = frozenset(),
) -> Done:
    """Install a package from its bytes. Nobody is asked about a publisher: one that is not trusted yet is refused.

    ``agree`` is asked where the plan has something to ask, and shows all of it. Whatever fails leaves the store as it was.
    """
    wish = Wish() if wish is None else wish
    package = verify(data, store.trust.load(), store.clock.now())
    agreed_before = consent(package)
    found = plan_for(store, package, wish, consent=agreed_before, reserved=reserved)
    judge_texts(package, home)
    yes = agree(found) if found.asks else NOBODY
    prepare(package, home)
    return apply(store, package, wish, events, agreed=yes, consent=agreed_before, reserved=reserved)
