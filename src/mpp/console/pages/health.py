"""The state of this home and machine. What starts a process runs when somebody asks for it, never because a page is loaded."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from platform import machine, python_version, release, system

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from mpp.console.checking import Checks, checks_of
from mpp.console.desk import Desk, work
from mpp.console.render import redirect, render
from mpp.console.views.health import (
    barriers_of,
    Disk,
    disk_of,
    fault_of,
    Health,
    Key,
    KEY_OLD_SECONDS,
    RecordState,
    RegistryLine,
    Store,
    verified_of,
)
from mpp.errors import HostFailed, MppError
from mpp.files import is_private
from mpp.host.agent_store import AgentStore
from mpp.host.approver_store import ApproverStore
from mpp.host.audit.counting import stored
from mpp.host.legacy.store import LegacyStore
from mpp.host.policy_store import open_policies
from mpp.host.stops import StopStore
from mpp.host.store import PackageStore
from mpp.host.withdrawn import load_statuses, statuses_path
from mpp.remote.config import Config, ConfigFile, Registry
from mpp.remote.memory import MemoryFile

FILES_COUNTED_MAX = 20_000
"""Files of one store that are counted. Reason: some hundredths of a second; beyond that the size is said to be at least this."""

KEYS_SHOWN_MAX = 100
"""Key files on the page. Reason: a person has a handful."""

DISTRIBUTIONS = ("model-package-protocol", "wasmtime", "hyperscan", "google-re2", "apsw", "cryptography", "pynacl", "starlette")
"""Whose versions decide what this host does."""

BUSY = "This runs at the moment. Load the page again when it has ended."


def routes(desk: Desk) -> list[BaseRoute]:
    checks = checks_of(desk)

    async def page(request: Request) -> Response:
        return render(request, "health.html", health=await work(_health, desk, checks))

    async def check(request: Request) -> Response:
        return await _checked(request, checks, "doctor", "The barriers were tried just now.")

    async def verify(request: Request) -> Response:
        return await _checked(request, checks, "record", "The record was verified just now.")

    return [Route("/health", page), Route("/health/check", check, methods=["POST"]), Route("/health/verify", verify, methods=["POST"])]


async def _checked(request: Request, checks: Checks, name: str, done: str) -> Response:
    found = await work(checks.run, name)
    return redirect(request, "/health", said=BUSY if found is None else done, tone="careful" if found is None else "good")


def _health(desk: Desk, checks: Checks) -> Health:
    home, doctor, record = desk.home, checks.last("doctor"), checks.last("record")
    config, fault = _config(desk)
    statuses = load_statuses(home)
    return Health(
        barriers=None if doctor is None else barriers_of(doctor.document, doctor.at),
        verified=None if record is None else verified_of(record.document, record.at),
        record=_record(desk),
        stores=tuple(_stores(desk)),
        disk=_disk(home.path),
        keys=tuple(_keys(desk)),
        registries=tuple(_registry(desk, one, config) for _, one in sorted(config.registries.items())) if config is not None else (),
        registries_fault=fault,
        poll_seconds=config.poll.seconds if config is not None else 0,
        poll_at=_changed(statuses_path(home)),
        stale=sum(1 for one in statuses.values() if one.stale),
        versions=tuple(_versions()),
        home=home.path,
    )


def _record(desk: Desk) -> RecordState:
    reader, on_disk = desk.record(), stored(desk.home.log)
    last, at, fault = -1, 0, ""
    try:
        last = reader.last()
        if os.path.lexists(desk.home.log.checkpoint):
            reader.checkpoint()
            at = _changed(desk.home.log.checkpoint)
    except MppError as refused:
        fault = refused.message
    return RecordState(
        is_there=reader.is_there(), last=last, checkpoint_at=at, segments=on_disk.segments, pruned=on_disk.pruned, bytes=on_disk.bytes, fault=fault
    )  # fmt: skip


def _stores(desk: Desk) -> Iterator[Store]:
    home = desk.home
    packages = PackageStore(home, desk.trust(), desk.clock)
    looked: tuple[tuple[str, str, str, Callable[[], object] | None], ...] = (
        ("trust", "whom this home believes", home.trust, desk.trust().load),
        ("packages", "installed files", home.packages, packages.lock),
        ("policy", "policies and stops", home.policy, lambda: _policies(desk)),
        ("approvals", "questions, answers, agreements", os.path.dirname(home.approvals), None),
        ("approvers", "who may answer", home.approvers, ApproverStore(home.approvers).load),
        ("agents", "agents with keys", home.agents, AgentStore(home.agents).load),
        ("record", "what happened", home.log.folder, None),
        ("seal", "keys of record and secrets", home.log.keys, None),
        ("secrets", "secrets, sealed", home.secrets, None),
        ("state", "what packages keep between calls", home.kv, None),
        ("older servers", "servers that are no packages", os.path.join(home.path, "legacy"), LegacyStore(home.path).load),
        ("layers", "interpreters that tools stand on", home.layers, None),
        ("cache", "made anew when it is gone", home.cache, None),
    )
    for name, what, path, load in looked:
        yield _store(name, what, path, load)


def _policies(desk: Desk) -> None:
    """Raises where a layer cannot be read: it denies everything then."""
    StopStore(desk.home.stops).current()
    for fault in open_policies(desk.home, desk.clock).current().faults:
        raise HostFailed(fault.code, fault.message, where=fault.where, hint=fault.hint)


def _store(name: str, what: str, path: str, load: Callable[[], object] | None) -> Store:
    size, more = _size(path)
    message, code = fault_of(_fault(load))
    return Store(name, what, path, os.path.lexists(path), size, more, _changed(path), message, code)


def _fault(load: Callable[[], object] | None) -> MppError | None:
    try:
        if load is not None:
            load()
    except MppError as fault:
        return fault
    return None


def _size(path: str) -> tuple[int, bool]:
    """Of a file, or of all files in a folder; links are not followed."""
    with suppress(OSError):
        if not os.path.isdir(path):
            return (os.lstat(path).st_size if os.path.lexists(path) else 0), False
    total = count = 0
    for folder, _, names in os.walk(path):
        for name in names:
            if count >= FILES_COUNTED_MAX:
                return total, True
            count += 1
            # What is taken away meanwhile takes no room.
            with suppress(OSError):
                total += os.lstat(os.path.join(folder, name)).st_size
    return total, False


def _changed(path: str) -> int:
    with suppress(OSError):
        return int(os.lstat(path).st_mtime)
    return 0


def _disk(path: str) -> Disk:
    try:
        found = shutil.disk_usage(path)
    except OSError:
        return disk_of(0, 0)
    return disk_of(found.free, found.total)


def _keys(desk: Desk) -> Iterator[Key]:
    """The age of a file is that of the key as long as nobody copied it. No key is read here."""
    home, now = desk.home, desk.now()
    fixed = ((home.host_key, "this host, for what it vouches for"), (home.log.epoch_key, "the record, of this epoch"), (home.seal, "opens the secrets"))
    for path, what in fixed:
        if os.path.lexists(path):
            yield Key(os.path.basename(path), what, _changed(path), is_private(path), False)
    for folder, what in (
        (home.keys, "a publisher's"),
        (os.path.join(home.keys, "approvers"), "an approver's"),
        (os.path.join(home.keys, "agents"), "an agent's"),
    ):
        for name in _names(folder):
            path, at = os.path.join(folder, name), _changed(os.path.join(folder, name))
            yield Key(name, what, at, is_private(path), what == "a publisher's" and now - at > KEY_OLD_SECONDS)


def _names(folder: str) -> list[str]:
    try:
        return sorted(name for name in os.listdir(folder) if name.endswith(".key"))[:KEYS_SHOWN_MAX]
    except OSError:
        return []


def _config(desk: Desk) -> tuple[Config | None, str]:
    try:
        return ConfigFile(desk.home.registries).load(), ""
    except MppError as fault:
        return None, fault.message


def _registry(desk: Desk, one: Registry, config: Config) -> RegistryLine:
    size = at = seen = evidence = 0
    fault = ""
    try:
        memory = MemoryFile(os.path.join(desk.home.path, "registries"), one.registry_id).load()
        if memory is not None:
            size, at, seen, evidence = memory.size, memory.at, memory.seen_at, len(memory.evidence)
    except MppError as refused:
        fault = refused.message
    return RegistryLine(one.name, one.url, one.registry_id, one.name == config.default, size, at, seen, evidence, fault)


def _versions() -> Iterator[tuple[str, str]]:
    yield "Python", python_version()
    yield "system", f"{system()} {release()} {machine()}"
    for name in DISTRIBUTIONS:
        with suppress(PackageNotFoundError):
            yield name, version(name)
