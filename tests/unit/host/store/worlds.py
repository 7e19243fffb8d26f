"""A home with a store in it, and packages to put there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mpp.host.home import Home
from mpp.host.store import Agreed, apply, Done, PackageStore, plan_for, Wish
from mpp.host.trust_store import TrustStore, with_publisher
from mpp.model.events import EntryRef, Event
from mpp.model.jsontext import Json
from mpp.stages.gatekeeper import verify, VerifiedPackage
from mpp.testing.keys import publisher, TestPublisher
from mpp.testing.packages import NOW, signed, TestClock

OTHER = "com.example.other"
HOSTS: Json = [{"host": "api.example.com"}]
GROWN: dict[str, Json] = {"version": "0.2.0", "capabilities/network": HOSTS}


class Told:
    """Events in a list."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def record(self, event: Event, *, durable: bool = False) -> EntryRef:
        assert durable
        self.events.append(event)
        return EntryRef(seq=len(self.events) - 1, leaf="")


class World:
    def __init__(self, folder: Path) -> None:
        self.home = Home(path=str(folder / "home"))
        self.trust = TrustStore(self.home.trust)
        self.clock = TestClock()
        self.told = Told()
        self.believe(publisher())
        self.store = self.again()

    def again(self) -> PackageStore:
        """The store as another process sees it."""
        return PackageStore(self.home, self.trust, self.clock)

    def believe(self, one: TestPublisher) -> None:
        self.trust.change(lambda state: with_publisher(state, one.chain, any_package=True))

    def package(self, changes: Mapping[str, Json] | None = None, by: TestPublisher | None = None) -> VerifiedPackage:
        return verify(signed(by, changes), self.trust.load(), NOW)

    def version(self, number: str, **more: Json) -> VerifiedPackage:
        return self.package({"version": number, **more})

    def put(self, package: VerifiedPackage, *, alias: str = "", downgrade: bool = False, source: str = "", yes: bool = False) -> Done:
        wish = Wish(alias=alias, downgrade=downgrade, source=source)
        agreed = Agreed(lines=plan_for(self.store, package, wish).asks if yes else (), amr="tty" if yes else "", by="ada")
        return apply(self.store, package, wish, self.told, agreed=agreed)

    @property
    def served(self) -> dict[str, str]:
        return {row.package_id: row.version for row in self.again().active()}

    @property
    def files(self) -> list[str]:
        folder = Path(self.home.packages)
        return sorted(str(one.relative_to(folder)) for one in folder.rglob("*") if not one.is_dir())
