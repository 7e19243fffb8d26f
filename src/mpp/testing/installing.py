"""A home with installed packages, for tests of hosts and fronts: the real store, the real lockfile, and no terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mpp.host.home import Home
from mpp.host.store import Agreed, Done, PackageStore, Wish, apply, plan_for
from mpp.host.system import SystemClock
from mpp.host.trust_store import TrustStore, with_publisher
from mpp.model.jsontext import Json
from mpp.ports import Events
from mpp.stages.gatekeeper import verify
from mpp.testing.keys import TestPublisher, publisher
from mpp.testing.packages import ENTRYPOINT, signed
from mpp.testing.tokens import KeptEvents


def trust(home: Home, who: TestPublisher) -> TrustStore:
    """Believe this publisher for any package."""
    store = TrustStore(home.trust)
    store.change(lambda state: with_publisher(state, who.chain, any_package=True))
    return store


def install(home: Home, data: bytes, *, alias: str = "", events: Events | None = None, downgrade: bool = False) -> Done:
    """Install these bytes as a person at a terminal would who says yes to all."""
    store = PackageStore(home, TrustStore(home.trust), SystemClock())
    package = verify(data, store.trust.load(), store.clock.now())
    wish = Wish(alias=alias, source="test", downgrade=downgrade)
    agreed = Agreed(lines=plan_for(store, package, wish).asks, amr="tty", by="user:tester")
    return apply(store, package, wish, events or KeptEvents(), agreed=agreed)


def install_tool(
    home: Home, wasm: bytes, *, changes: Mapping[str, Json] | None = None, members: Mapping[str, bytes] | None = None, alias: str = ""
) -> Done:  # fmt: skip
    """Sign a small package around this code, believe its publisher, and install it."""
    who = publisher()
    trust(home, who)
    return install(home, signed(who, changes, {ENTRYPOINT: wasm, **(members or {})}), alias=alias)


def tools_named(names: Sequence[str], **more: Json) -> list[Json]:
    """Tool definitions for a manifest."""
    return [
        {"name": name, "description": f"Does {name}", "parameters": {"type": "object", "properties": {}}, "security_level": "low", **more} for name in names
    ]
