"""A package file, taken and verified, for the commands that go on with it."""

from __future__ import annotations

import os
import stat
from contextlib import suppress

from mpp.author.project import find_project
from mpp.cli.first_use import ask_and_pin
from mpp.cli.options import here, home, trust_store
from mpp.errors import HostFailed, Refused
from mpp.files import take
from mpp.host.system import SystemClock, SystemRandom
from mpp.host.trust_store import remember_root, TrustStore, with_first_use
from mpp.model.value import value
from mpp.stages.archive import Buffer, read_archive
from mpp.stages.archive.limits import TOTAL_BYTES_MAX
from mpp.stages.gatekeeper import read_seal, Seal, TrustState, verify, VerifiedPackage

FIRST_USE = ("publisher.unknown", "publisher.package_unpinned")


@value
class Taken:
    """A verified package, and in which mode it may be used."""

    package: VerifiedPackage
    trust: TrustState
    development: bool
    """An unsigned build of the project that the user stands in, sealed for this use alone."""


def take_package(path: str, *, ask: bool, development: bool = False) -> Taken:
    """Verify the file; with ``ask`` a person at a terminal is asked about an unknown publisher once."""
    data = take(path, TOTAL_BYTES_MAX)
    if development and _is_own_unsigned(path, data):
        return take_unsigned(data)
    return take_bytes(data, ask=ask)


def take_bytes(data: Buffer, *, ask: bool, more: tuple[str, ...] = (), expected: str = "") -> Taken:
    """The same for bytes that are at hand: of a file that was read, or fetched.

    ``more``: what else a person should see who is asked. ``expected``: a whole fingerprint that was got another way; it replaces the question.
    """
    store = trust_store()
    now = SystemClock().now()
    try:
        package = verify(data, store.load(), now)
    except Refused as fault:
        if fault.code not in FIRST_USE or not _first_use(data, store, ask=ask, more=more, expected=expected):
            raise
        package = verify(data, store.load(), now)
    # A home that cannot be written does not change the verdict of today.
    with suppress(HostFailed):
        remember_root(store, package.chain)
    return Taken(package=package, trust=store.load(), development=False)


def _first_use(data: Buffer, store: TrustStore, *, ask: bool, more: tuple[str, ...], expected: str) -> bool:
    """Spec: keys K-57."""
    if not expected:
        return ask and ask_and_pin(_seal(data), store, more)
    seal = _seal(data)
    if expected.replace(" ", "").replace(":", "").lower() != seal.chain.publisher_id:
        where = seal.statement.package_id
        raise Refused("publisher.fingerprint", "the publisher has another fingerprint", where=where, hint="stop: this is not the publisher you expect")
    store.change(lambda state: with_first_use(state, seal.chain, seal.statement.package_id))
    return True


def _is_own_unsigned(path: str, data: Buffer) -> bool:
    """Spec: 5-sandbox S-70. Attack: an unsigned file from elsewhere, run because somebody stands in some project."""
    project = find_project(here())
    if project is None or os.path.dirname(os.path.realpath(path)) != os.path.realpath(project.root) or read_archive(data).sealed:
        return False
    from mpp.author.build import output_name  # noqa: PLC0415 - only in a project

    # Attack: a download that lands beside some manifest.json, or in a folder where others can put both.
    return os.path.basename(os.path.realpath(path)) == output_name(project) and _is_mine(project.root)


def _is_mine(folder: str) -> bool:
    """Can only this user, or root, put files there?"""
    found = os.stat(folder)
    return not found.st_mode & stat.S_IWOTH and (found.st_uid == os.getuid() or os.getuid() == 0)


def take_unsigned(data: Buffer) -> Taken:
    """A build of one's own project, sealed with a key that counts nowhere else."""
    from mpp.author.development import seal_for_development  # noqa: PLC0415 - only in a project

    clock = SystemClock()
    sealed, trust = seal_for_development(data, os.path.join(home().cache, "development"), clock, SystemRandom(), first_use=trust_store().load().first_use)
    return Taken(package=verify(sealed, trust, clock.now()), trust=trust, development=True)


def _seal(data: Buffer) -> Seal:
    found = read_seal(read_archive(data))
    if isinstance(found, Refused):
        raise found
    return found
