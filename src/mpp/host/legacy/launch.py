"""The program that starts an older MCP server: it puts up the barriers, becomes the server in a child, and sees that nothing of it is left at the end.

Run as ``python -I -S -B -c START SOURCE FD PARENT``. The plan comes over the control socket FD; what holds goes back over it. Nothing but the standard library and mpp.jail is imported.
Spec: legacy, section 3.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import signal
import socket
import struct
from contextlib import suppress
from types import FrameType
from typing import NamedTuple, NoReturn

from mpp.host.legacy import launch_root
from mpp.host.legacy.launch_plan import LaunchPlan, read_plan
from mpp.host.legacy.limits import DATA_BYTES_MAX, DESCRIPTORS_MAX, FILE_BYTES_MAX, PLAN_BYTES_MAX, PROCESSES_MAX
from mpp.jail import landlock, process, seccomp, syscalls
from mpp.jail.landlock import Rule
from mpp.jail.profiles import Check, Profile

START = "import sys; sys.path.insert(0, sys.argv[1]); from mpp.host.legacy.launch import main; main(sys.argv[2:])"
"""The program of the process, for ``python -c``."""

FAILED_CODE = 126
"""Exit code of a starter that could not put up what it must."""

_DEATH_SIGNAL, _SUBREAPER = 1, 36
_NEW_NAMESPACES = 0x00020000 | 0x04000000 | 0x08000000 | 0x20000000 | 0x40000000  # mounts, names, queues, processes, network
_NEW_USER = 0x10000000
_SET_FLAGS, _UP = 0x8914, 0x1 | 0x40
_UNIX, _IPV4, _IPV6, _NETLINK = 1, 2, 10, 16
_STREAM, _KIND_OF_SOCKET = 1, 0xF

FILES, NETWORK, PROCESSES = "files", "network", "processes"
"""The three barriers that may be missing, and are labelled then."""

# Calls by which programs have got out of sandboxes, and which no tool needs.
_NEVER = frozenset(("bpf", "io_uring_setup", "keyctl", "mount", "mount_setattr", "perf_event_open", "pivot_root", "process_vm_readv", "ptrace", "umount2", "unshare", "userfaultfd"))  # fmt: skip


class Spaces(NamedTuple):
    """What namespaces of its own the process is in."""

    there: bool
    own_user: bool = False
    why: str = ""


def main(arguments: list[str]) -> None:
    """``FD PARENT``."""
    fd, parent = map(int, arguments)
    os.set_inheritable(fd, False)
    control = socket.socket(fileno=fd)
    try:
        _start(read_plan(_received(control)), control, parent)
    except OSError as fault:
        _tell(control, {"failed": fault.strerror or str(fault)})
    os._exit(FAILED_CODE)


def _received(control: socket.socket) -> bytes:
    data = b""
    while not data.endswith(b"\n"):
        piece = control.recv(65536)
        if not piece or len(data) > PLAN_BYTES_MAX:
            raise OSError(errno.EPROTO, "there is no plan")
        data += piece
    return data


def _tell(control: socket.socket, found: dict[str, object], fds: tuple[int, ...] = ()) -> None:
    with suppress(OSError):
        socket.send_fds(control, [json.dumps(found).encode("utf-8") + b"\n"], fds)


def _start(plan: LaunchPlan, control: socket.socket, parent: int) -> None:
    """Ends with its host. The signal is one that can be answered, so that the server goes too."""
    syscalls.prctl(_DEATH_SIGNAL, signal.SIGTERM)
    if os.getppid() != parent:
        raise OSError(errno.ESRCH, "the host has gone")
    process.close_all_but((control.fileno(),))
    spaces = _spaces() if plan.sandboxed and plan.namespaces else Spaces(there=False, why="not asked for")
    port = plan.port
    if spaces.there:
        port = _own_network(control)
    elif not plan.sandboxed or not spaces.there:
        syscalls.prctl(_SUBREAPER, 1)
    child = os.fork()
    if child == 0:
        _become(plan, spaces, port, control)
    _tell(control, {"pid": child})
    _watch(child, control, plan.home if plan.is_temporary else "")


def _spaces() -> Spaces:
    """Namespaces of its own, as root may or inside a user namespace; or why there are none."""
    uid, gid = os.getuid(), os.getgid()
    try:
        syscalls.call("unshare", _NEW_NAMESPACES)
    except OSError:
        try:
            syscalls.call("unshare", _NEW_USER | _NEW_NAMESPACES)
            for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
                _write(f"/proc/self/{name}", text)
        except OSError as fault:
            return Spaces(there=False, why=fault.strerror or "the kernel gives no namespaces")
        return Spaces(there=True, own_user=True)
    return Spaces(there=True)


def _write(path: str, text: str) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, text.encode("ascii"))
    finally:
        os.close(fd)


def _own_network(control: socket.socket) -> int:
    """Loopback alone, and on it one listener that the host serves: it was made here, so it can be reached from here and from nowhere else."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as one:
        fcntl.ioctl(one, _SET_FLAGS, struct.pack("16sh14x", b"lo", _UP))
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        port = int(listener.getsockname()[1])
        _tell(control, {"proxy": port}, (listener.fileno(),))
    return port


def _watch(child: int, control: socket.socket, folder: str) -> None:
    """Wait for the server; when it has ended, or we are told to, end all that is left of it, and remove its home."""

    def end(_signal: int, _frame: FrameType | None) -> None:
        with suppress(OSError):
            os.kill(child, signal.SIGKILL)

    signal.signal(signal.SIGTERM, end)
    control.close()
    for fd in (0, 1, 2):
        os.close(fd)
    status = 0
    with suppress(OSError):
        _, status = os.waitpid(child, 0)
    _end_orphans()
    if folder:
        # The host does it too. This is for one that was killed.
        shutil.rmtree(folder, ignore_errors=True)
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else 128 - code)


def _end_orphans() -> None:
    """Attack: a process in a session of its own that goes on after its server. Where there is no namespace of processes, orphans become ours."""
    for _ in range(PROCESSES_MAX * 4):
        try:
            with open("/proc/self/task/self/children", encoding="ascii") as stream:
                found = [int(one) for one in stream.read().split()]
        except OSError:
            found = _children()
        if not found:
            return
        for one in found:
            with suppress(OSError):
                os.kill(one, signal.SIGKILL)
            with suppress(OSError):
                os.waitpid(one, 0)


def _children() -> list[int]:
    try:
        with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as stream:
            return [int(one) for one in stream.read().split()]
    except OSError:
        return []


def _become(plan: LaunchPlan, spaces: Spaces, port: int, control: socket.socket) -> NoReturn:
    """The barriers, then the server."""
    try:
        os.setsid()
        syscalls.prctl(_DEATH_SIGNAL, signal.SIGKILL)
        held, missing = _barriers(plan, spaces, port)
        _stand(plan)
        # From here on the process is the server's, so this is our last word; a program that cannot be started says so after it.
        _tell(control, {"held": held, "missing": missing})
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        os.execve(plan.command[0], plan.command, plan.variables(port))  # noqa: S606 - it is what the owner named, behind all barriers
    except (OSError, ValueError) as fault:
        _tell(control, {"failed": f"{plan.command[0]}: {getattr(fault, 'strerror', None) or fault}"})
    os._exit(FAILED_CODE)


def _stand(plan: LaunchPlan) -> None:
    """In the folder that its owner named, or it is not started; else in its home."""
    if plan.folder:
        os.chdir(plan.folder)
        return
    with suppress(OSError):
        os.chdir(plan.home)


def _barriers(plan: LaunchPlan, spaces: Spaces, port: int) -> tuple[dict[str, str], dict[str, str]]:
    if not plan.sandboxed:
        _limits(spaces)
        process.no_new_privileges()
        return {}, dict.fromkeys((FILES, NETWORK, PROCESSES), "the owner of this host turned it off")
    if spaces.there:
        launch_root.enter(plan)
        held, missing = {FILES: "a root folder of its own", NETWORK: _network_words(plan), PROCESSES: "a namespace of its own"}, dict[str, str]()
        process.drop_capabilities()
    else:
        process.drop_capabilities()
        held, missing = _landlocked(plan, port)
    _limits(spaces)
    process.no_new_privileges()
    if not spaces.there:
        landlock.take_up(_ruleset(plan, port))
    seccomp.install(seccomp.deny_program(_profile(plan, spaces), syscalls.machine()))
    return held, missing


def _network_words(plan: LaunchPlan) -> str:
    return "only through the proxy of this host" if plan.proxied else "none"


def _limits(spaces: Spaces) -> None:
    count = PROCESSES_MAX if spaces.own_user else None
    process.limit(process.Limits(data=DATA_BYTES_MAX, files=DESCRIPTORS_MAX, file_bytes=FILE_BYTES_MAX, processes=count))
    with suppress(OSError):
        process.volunteer()


def _landlocked(plan: LaunchPlan, port: int) -> tuple[dict[str, str], dict[str, str]]:
    """What holds without namespaces. Without Landlock nothing keeps it from files, so it is not started."""
    abi = _version(plan)
    if abi == 0:
        raise OSError(errno.ENOSYS, "this kernel gives neither namespaces nor Landlock, so nothing would keep the server from your files")
    held, missing = {FILES: f"Landlock, version {abi}"}, dict[str, str]()
    if abi < landlock.TRUNCATION_SINCE:
        missing[FILES + " (part)"] = "this kernel does not keep it from emptying files that it may read"
    if not plan.proxied or (port and abi >= landlock.NETWORK_SINCE):
        held[NETWORK] = _network_words(plan)
    else:
        missing[NETWORK] = "this kernel has no say over connections, so the list of hosts holds nothing back"
    if abi >= landlock.SCOPES_SINCE:
        held[PROCESSES] = "ended with the host; no signals to others"
    else:
        missing[PROCESSES] = "this kernel lets it send signals to other processes of this user"
    return held, missing


def _version(plan: LaunchPlan) -> int:
    return landlock.version() if plan.landlock < 0 else plan.landlock


def _ruleset(plan: LaunchPlan, port: int) -> int:
    rules = [Rule(path, run=True) for path in plan.system if os.path.exists(path)]
    rules += [Rule(path, write=True) for path in plan.devices if os.path.exists(path)]
    rules += [Rule(one.path, write=one.write, run=True) for one in plan.shown]
    rules.append(Rule(plan.home, write=True, run=True))
    return landlock.prepare(tuple(rules), abi=_version(plan), connect=(port,) if plan.proxied and port else ())


def _profile(plan: LaunchPlan, spaces: Spaces) -> Profile:
    """Attack: sockets of families that no namespace holds, such as those between a virtual machine and its host."""
    if spaces.there:
        checks: tuple[Check, ...] = (Check(0, (_UNIX, _IPV4, _IPV6, _NETLINK)),)
    elif plan.proxied:
        # Landlock has no say over datagrams, so there are none.
        checks = (Check(0, (_UNIX, _IPV4, _IPV6)), Check(1, (_STREAM,), mask=_KIND_OF_SOCKET))
    else:
        checks = (Check(0, (_UNIX,)),)
    return Profile("legacy", _NEVER, {"socket": checks})
