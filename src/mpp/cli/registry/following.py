"""The registries of what is installed, asked for its status: by a serving host again and again, by ``mpp outdated`` once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from mpp.cli.store.registries import load_config, login_of, memory_of, terms_of
from mpp.errors import MppError
from mpp.host.home import Home
from mpp.host.store import Installed
from mpp.host.system import SystemClock, SystemRandom
from mpp.host.withdrawn import Follower, Rules, Seen
from mpp.remote.client import RegistryClient
from mpp.remote.config import Registry
from mpp.remote.proofs import judge_bundle

ASK_SECONDS = 20.0
"""Seconds of one question of a background look. Reason: nobody waits for it, and the next one comes."""


class Looker:
    """Asks each registry for one bundle per installed version, and only where its log has grown since the last look."""

    def __init__(self, *, told: Callable[[str], None] = lambda _: None) -> None:
        self._told = told
        self._known: dict[str, tuple[int, str, int, str]] = {}
        """By content hash: size of the log, status, the moment, and why."""

    def __call__(self, rows: Sequence[Installed]) -> list[Seen]:
        config = load_config()
        found: list[Seen] = []
        for registry_id in sorted({row.registry_id for row in rows}):
            own = [row for row in rows if row.registry_id == registry_id]
            registry = config.by_id(registry_id)
            if registry is None:
                found += [Seen(content_hash=row.content_hash, status="", registry=registry_id[:16]) for row in own]
            else:
                found += self._of_one(registry, own)
        return found

    def _of_one(self, registry: Registry, rows: Sequence[Installed]) -> list[Seen]:
        silent = [Seen(content_hash=row.content_hash, status="", registry=registry.name) for row in rows]
        try:
            client = RegistryClient(registry, credentials=login_of(registry, ask=False) if registry.private else None, seconds=ASK_SECONDS)
            terms = terms_of(registry)
            now = memory_of(registry.registry_id).accept(client.checkpoint(), client.consistency, terms.now, terms.max_age)
        except MppError as fault:
            self._told(f"registry {registry.name} could not be followed: {fault.message} [{fault.code}]")
            return silent
        return [self._status(client, row, now.size, now.at) for row in rows]

    def _status(self, client: RegistryClient, row: Installed, size: int, at: int) -> Seen:
        """Where the log is as long as it was, nothing was withdrawn since."""
        registry, known = client.registry, self._known.get(row.content_hash)
        if known is not None and known[0] == size:
            return Seen(content_hash=row.content_hash, status=known[1], registry=registry.name, at=at, reason=known[3])
        try:
            proof = judge_bundle(client.bundle(row.package_id, row.version), memory_of(registry.registry_id), client.consistency, terms_of(registry)).proven
        except MppError as fault:
            self._told(f"{row.package_id} {row.version} could not be proven: {fault.message} [{fault.code}]")
            return Seen(content_hash=row.content_hash, status="", registry=registry.name)
        if (proof.package_id, proof.version, proof.content_hash) != (row.package_id, row.version, row.content_hash):
            # Attack: a proof that another version is well.
            self._told(f"{row.package_id} {row.version}: the registry proves something else")
            return Seen(content_hash=row.content_hash, status="", registry=registry.name)
        reason = self._reason(client, row) if proof.status not in {"active", "deprecated"} else ""
        self._known[row.content_hash] = (proof.size, proof.status, proof.at, reason)
        return Seen(content_hash=row.content_hash, status=proof.status, registry=registry.name, at=proof.at, reason=reason)

    def _reason(self, client: RegistryClient, row: Installed) -> str:
        """In the registry's words; they decide nothing."""
        try:
            return next((one.reason for one in client.versions(row.package_id) if one.version == row.version), "")
        except MppError:
            return ""


def rules() -> Rules:
    poll = load_config().poll
    return Rules(seconds=poll.seconds, max_staleness=poll.max_staleness, stop_yanked=poll.on_yank == "stop")


@contextmanager
def following(home: Home, told: Callable[[str], None]) -> Iterator[None]:
    """As long as a host serves. Spec: store D-92."""
    follower = Follower(home, Looker(told=told), rules, SystemClock(), SystemRandom(), told=told)
    follower.start()
    try:
        yield
    finally:
        follower.close()


def look_once(home: Home, told: Callable[[str], None]) -> list[str]:
    return Follower(home, Looker(told=told), rules, SystemClock(), SystemRandom()).once()
