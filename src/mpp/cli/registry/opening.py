"""A registry of this machine, opened for one command of its operator. A server may run beside it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

import click

from mpp.cli.options import home
from mpp.errors import HostFailed, Refused
from mpp.host.system import SystemClock, SystemRandom

if TYPE_CHECKING:
    from mpp_registry.services import Services

F = TypeVar("F", bound=Callable[..., object])

_OPTIONS = (
    click.option("--data", default="", metavar="FOLDER", help="The registry's folder, as for `mpp registry serve`; in $MPP_HOME if left out."),
    click.option("--database-url", default="", metavar="URL", help="Its PostgreSQL database, where it has one."),
    click.option("--blobs", default="", metavar="URL", help="Its object storage, where it has one."),
)


def registry_options(command: F) -> F:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@contextlib.contextmanager
def opened_here(data: str, database_url: str, blobs: str) -> Iterator[Services]:
    """The services of a registry that is there already: no command but ``serve`` makes one."""
    try:
        from mpp_registry.keys import ROOTS  # noqa: PLC0415 - not every host has the registry, and it is slow to import
        from mpp_registry.opening import KEYS_FOLDER, opened, Options  # noqa: PLC0415 - as above
    except ModuleNotFoundError as fault:
        raise HostFailed("host.missing", f"the registry is not installed: {fault.name}", hint="install the distribution mpp-registry") from None
    folder = data or os.path.join(home().path, "registry")
    if not os.path.lexists(os.path.join(folder, KEYS_FOLDER, ROOTS)):
        raise Refused("usage.no_file", "there is no registry in this folder", where=folder, hint="name its folder with --data; `mpp registry serve` makes one")
    options = Options(data=folder, database_url=database_url, blobs=blobs)
    with opened(options, clock=SystemClock(), random=SystemRandom(), environment=os.environ) as services:
        yield services
