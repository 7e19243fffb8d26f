"""All barriers, in the one order in which they can be put up. A required one that fails ends the attempt."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import NamedTuple

from mpp.errors import HostFailed
from mpp.jail import landlock, process, seccomp, syscalls
from mpp.jail.landlock import Rule
from mpp.jail.limits import COMPILE_CPU_SECONDS_MAX, COMPILE_DATA_BYTES_MAX, COMPILE_DESCRIPTORS_MAX, COMPILE_FILE_BYTES_MAX
from mpp.jail.process import Limits
from mpp.jail.profiles import PROFILE_COMPILE, PROFILE_COMPONENT, PROFILE_COMPUTE, PROFILE_FILES, Profile


class Plan(NamedTuple):
    """What a kind of process gives up."""

    profile: Profile
    limits: Limits
    needs_files: bool = False
    """Does it hold rights over files? Then Landlock is required."""
    own_network: bool = True
    own_root: bool = True
    landlock_version: int | None = None
    """What to take for the version of Landlock; None asks the kernel."""


def worker_plan(*, data_bytes: int, files: int, file_bytes: int, has_files: bool, is_component: bool = False) -> Plan:
    """The plan of a process that runs guests. A component holds no rights over files."""
    profile = PROFILE_FILES if has_files else PROFILE_COMPONENT if is_component else PROFILE_COMPUTE
    return Plan(profile, Limits(data=data_bytes, files=files, file_bytes=file_bytes), needs_files=has_files)


def compile_plan(*, data_bytes: int = COMPILE_DATA_BYTES_MAX, cpu_seconds: int = COMPILE_CPU_SECONDS_MAX) -> Plan:
    """The plan of a process that compiles one file and ends."""
    limits = Limits(data=data_bytes, files=COMPILE_DESCRIPTORS_MAX, file_bytes=COMPILE_FILE_BYTES_MAX, cpu=cpu_seconds)
    return Plan(PROFILE_COMPILE, limits)


COMPILE_PLAN = compile_plan()


class Held(NamedTuple):
    """One barrier: does it stand, and how, or why not."""

    name: str
    holds: bool
    why: str


class Entered(NamedTuple):
    """What holds from now on, in the order in which it was put up."""

    barriers: tuple[Held, ...]

    def holds(self, name: str) -> bool:
        return any(one.name == name and one.holds for one in self.barriers)

    def shown(self) -> dict[str, str]:
        """Each barrier with "holds" or why it does not, to be sent on."""
        return {one.name: "holds" if one.holds else one.why for one in self.barriers}


def enter(
    plan: Plan, *, keep: tuple[int, ...] = (), rules: tuple[Rule, ...] = (), parent: int | None = None, root: int | None = None, bounds: bool = True
) -> Entered:
    """Give up all that is not kept. There is no way back, and no import afterwards.

    ``keep``: descriptors that stay open beside 0, 1 and 2, which whoever starts the process connects to something harmless.
    ``rules``: what Landlock leaves open. ``parent``: the process whose end is also ours; None where processes are numbered
    differently there. ``root``: a folder of ``process.gone_folder`` to take as the empty root, for one that can make none any more.
    ``bounds``: False where this process comes of one in which ``process.drop_bounds`` succeeded.

    Raises HostFailed ``host.barrier`` if a required barrier cannot be put up; the process must then end, for it is
    neither free nor confined.
    """
    held = [
        _must("one thread", _only_thread),
        _must("closed descriptors", lambda: process.close_all_but(keep if root is None else (*keep, root))),
        _may("first to go", process.volunteer),
    ]
    os.umask(0o077)
    ruleset = _prepare(plan, rules)
    # From here on, the order matters: each step needs rights that a later one gives up.
    held += [
        _may("own network", process.isolate) if plan.own_network else _left_out("own network"),
        _may("empty root", _emptying(root)) if plan.own_root else _left_out("empty root"),
        _must("no capabilities", lambda: process.drop_capabilities(bounds=bounds)),
        _must("limits", lambda: process.limit(plan.limits)),
        _must("no new privileges", process.no_new_privileges),
        _must("not dumpable", process.hide),
        _must("ends with its parent", lambda: process.end_with(parent)) if parent is not None else _left_out("ends with its parent"),
        _landlock(plan, ruleset),
        _must("seccomp", lambda: _filter(plan.profile)),
    ]
    return Entered(tuple(held))


def _emptying(root: int | None) -> Callable[[], str]:
    if root is None:
        return process.empty_root

    def enter_and_close() -> str:
        try:
            return process.enter_root(root)
        finally:
            os.close(root)

    return enter_and_close


def _left_out(name: str) -> Held:
    return Held(name, holds=False, why="not asked for")


def _must(name: str, step: Callable[[], object]) -> Held:
    try:
        step()
    except OSError as fault:
        raise _failed(name, fault) from None
    return Held(name, holds=True, why="")


def _may(name: str, step: Callable[[], str | None]) -> Held:
    try:
        return Held(name, holds=True, why=step() or "")
    except OSError as fault:
        return Held(name, holds=False, why=fault.strerror or "the kernel refused")


def _failed(name: str, fault: OSError) -> HostFailed:
    return HostFailed("host.barrier", f"cannot put up a barrier: {fault.strerror}", where=name, hint="run `mpp doctor` to see what this machine lacks")


def _only_thread() -> None:
    """Attack: Landlock and capabilities are a thread's own; another thread would stay free."""
    if not process.is_alone():
        raise OSError(errno.EBUSY, "the process has other threads")


def _prepare(plan: Plan, rules: tuple[Rule, ...]) -> int | OSError:
    """The rules, while the paths they name can still be reached; or why there are none."""
    abi = landlock.version() if plan.landlock_version is None else plan.landlock_version
    try:
        if abi == 0:
            raise OSError(errno.ENOSYS, "the kernel has no Landlock")
        return landlock.prepare(rules, abi=abi)
    except OSError as fault:
        if plan.needs_files:
            raise _failed("landlock", fault) from None
        return fault


def _landlock(plan: Plan, ruleset: int | OSError) -> Held:
    """Without Landlock no folder is opened to a tool; a tool without folders is held by seccomp alone."""
    if isinstance(ruleset, OSError):
        return Held("landlock", holds=False, why=ruleset.strerror or "the kernel refused")
    step = _must if plan.needs_files else _may
    return step("landlock", lambda: landlock.take_up(ruleset))


def _filter(profile: Profile) -> None:
    seccomp.install(seccomp.program(profile, machine=syscalls.machine(), pid=os.getpid()))
