"""What the kernel is told about a server: forbidden calls and sockets, and the one port that Landlock leaves open."""

from __future__ import annotations

import os
import struct

import pytest

from mpp.host.legacy.launch import _profile, Spaces
from mpp.host.legacy.launch_plan import LaunchPlan
from mpp.jail import landlock, seccomp, syscalls
from mpp.jail.landlock import Rule
from mpp.jail.profiles import Profile
from tests.unit.jail.interpreter import answer

PLAN = LaunchPlan(command=("/bin/true",), env=(), home="/home/mcp")
OWN, NONE = Spaces(there=True), Spaces(there=False)
UNIX, IPV4, IPV6, NETLINK, PACKET, VSOCK = 1, 2, 10, 16, 17, 40
STREAM, DATAGRAM, RAW, CLOSED_ON_EXEC = 1, 2, 3, 0o2000000
REFUSED = seccomp.ERRNO | seccomp.EPERM

ALL = {STREAM, DATAGRAM, RAW}
SOCKETS = [
    ("namespaces", PLAN, OWN, {UNIX, IPV4, IPV6, NETLINK}, ALL),
    ("landlock and the proxy", PLAN._replace(proxied=True), NONE, {UNIX, IPV4, IPV6}, {STREAM}),
    ("landlock", PLAN, NONE, {UNIX}, ALL),
]


@pytest.mark.parametrize("machine", syscalls.MACHINES)
@pytest.mark.parametrize(("plan", "spaces", "families", "kinds"), [row[1:] for row in SOCKETS], ids=[row[0] for row in SOCKETS])
def test_sockets(plan: LaunchPlan, spaces: Spaces, families: set[int], kinds: set[int], machine: str) -> None:
    code = seccomp.deny_program(_profile(plan, spaces), machine)
    number = syscalls.number("socket", machine)
    assert number is not None
    for family in (UNIX, IPV4, IPV6, NETLINK, PACKET, VSOCK):
        for kind in ALL:
            wanted = seccomp.ALLOW if family in families and kind in kinds else REFUSED
            for more in (0, CLOSED_ON_EXEC):
                assert answer(code, architecture=seccomp.ARCHITECTURES[machine], number=number, arguments=(family, kind | more, 0)) == wanted, (family, kind)


@pytest.mark.parametrize("machine", syscalls.MACHINES)
def test_calls_that_are_never_made(machine: str) -> None:
    code = seccomp.deny_program(_profile(PLAN, OWN), machine)
    architecture = seccomp.ARCHITECTURES[machine]
    for name in (
        "bpf",
        "io_uring_setup",
        "keyctl",
        "mount",
        "perf_event_open",
        "pivot_root",
        "process_vm_readv",
        "ptrace",
        "umount2",
        "unshare",
        "userfaultfd",
    ):
        number = syscalls.number(name, machine)
        assert number is not None
        assert answer(code, architecture=architecture, number=number) == REFUSED, name
    for name in ("read", "write", "execve", "clone", "openat2", "mprotect"):
        number = syscalls.number(name, machine)
        assert number is not None
        assert answer(code, architecture=architecture, number=number) == seccomp.ALLOW, name
    assert answer(code, architecture=0, number=0) == seccomp.KILL


def test_a_call_that_a_machine_lacks_is_left_out() -> None:
    profile = Profile("test", frozenset(("dup2",)), {"poll": ()})
    assert len(seccomp.deny_program(profile, "aarch64")) < len(seccomp.deny_program(profile, "x86_64"))


@pytest.mark.skipif(landlock.version() < landlock.NETWORK_SINCE, reason="this kernel's Landlock knows no ports")
def test_one_port_is_left_open(monkeypatch: pytest.MonkeyPatch) -> None:
    real = syscalls.call
    added: list[tuple[object, bytes]] = []

    def call(name: str, *given: object) -> int:
        if name == "landlock_add_rule":
            added.append((given[1], given[2].raw))  # type: ignore[attr-defined]
        return real(name, *given)

    monkeypatch.setattr(syscalls, "call", call)
    os.close(landlock.prepare((Rule("/usr", run=True),), abi=landlock.version(), connect=(8080,)))
    (_, file_rule), (kind, port_rule) = added
    assert struct.unpack("<Qi", file_rule)[0] & 1 == 1, "programs may be started from there"
    assert (kind, struct.unpack("<QQ", port_rule)) == (2, (2, 8080))
    added.clear()
    os.close(landlock.prepare((), abi=3, connect=(8080,)))
    assert added == []
