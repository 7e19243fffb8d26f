"""What keeps a tool in on this machine, found by trying. Nothing here is believed because a setting says so.

A throw-away process enters the jail as a worker does and tries what must not be possible; the kernel's own words about that
process, and each refusal, are the evidence. Facts about the machine that no attempt can show are listed beside.
"""

from __future__ import annotations

import contextlib
import errno
import os
import platform
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import IO, NamedTuple

import mpp.jail
from mpp.host.agent_user import SHOWN_MAX, AgentProcess, agent_processes, judge_processes, process_of
from mpp.host.home import Home
from mpp.jail import landlock, trial
from mpp.limits import MIB
from mpp.model.jsontext import shown
from mpp.model.value import value

HOLDS, MISSING, WEAK = "holds", "missing", "weak"
GOOD, NOTE, BAD = "good", "note", "bad"

FREE_BYTES_LEAST = 256 * MIB
"""Bytes that should be free. Reason: a day of records, the state of tools, and the compiled code of one more package."""

FREE_ENTRIES_LEAST = 1000
"""Files that one should be able to make. Reason: as above."""

TRIAL_LINES_MAX = 200
"""Lines that one trial may write. Reason: it writes about forty; one that went astray must not fill memory."""

_SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(mpp.jail.__file__))))
_NEW_KERNEL = "use Linux 6.2 or newer with Landlock switched on (lsm=landlock,... on the kernel's command line)"
_OUTER = "run mpp outside of a container or sandbox that forbids it"


@value
class Barrier:
    name: str
    state: str
    """``holds``, ``missing`` or ``weak``."""
    required: bool
    """Without it no tool is run at all."""
    evidence: tuple[str, ...]
    """Each attempt with the refusal it got, what the kernel says, or why the barrier is not there."""
    lost: str
    """What a tool that broke out of the engine could do without it."""
    remedy: str


@value
class Fact:
    """Something about this machine that decides how much the barriers are worth."""

    name: str
    state: str
    """``good``, ``note`` or ``bad``."""
    text: str
    remedy: str = ""


@value
class Verdict:
    can_run: bool
    with_files: bool
    words: str
    todo: tuple[str, ...]


class _Known(NamedTuple):
    name: str
    required: bool
    lost: str
    remedy: str


_KNOWN = tuple(
    _Known(*row)
    for row in (
        ("seccomp", True, "every system call of the kernel is open to a break-out", "use a kernel with CONFIG_SECCOMP_FILTER; " + _OUTER),
        ("limits", True, "a tool can take all memory and fill the disk", _OUTER),
        ("no new privileges", True, "a program with more rights could be started", _OUTER),
        ("no capabilities", True, "rights of the administrator stay within reach", _OUTER),
        ("not dumpable", True, "other processes of this user can look into a tool's memory", _OUTER),
        ("closed descriptors", True, "files of the host stay open to a break-out", "use a kernel from 5.9 on, or mount /proc"),
        ("ends with its parent", True, "a tool goes on running after its host has ended", _OUTER),
        ("landlock", False, "no tool gets rights over files; seccomp alone keeps the others from them", _NEW_KERNEL),
        (
            "empty root",
            False,
            "a break-out with rights over files can learn which other files exist, not what they hold",
            "allow user namespaces, or run as root",
        ),
        ("own network", False, "seccomp alone keeps a break-out from the network", "allow user namespaces, or run as root"),
        ("first to go", False, "when memory runs out, the kernel may end another process first", "mount /proc so that oom_score_adj can be written"),
    )
)
"""All barriers, in the order in which they are shown."""

_ZERO = "0" * 16
_LOOK_INTO = "its memory"
_OUTSIDE: dict[str, dict[str, str]] = {
    "seccomp": {"Seccomp": "2"},
    "no new privileges": {"NoNewPrivs": "1"},
    "no capabilities": {"CapPrm": _ZERO, "CapEff": _ZERO, "CapInh": _ZERO, "CapAmb": _ZERO},
    "not dumpable": {_LOOK_INTO: "EACCES"},
}
"""What /proc must say of a process behind the barrier."""

_WITH_FOLDER = ("landlock", "empty root")
"""Barriers that are tried with a granted folder."""


class _Tried(NamedTuple):
    barrier: str
    attempt: str
    as_it_must: bool
    outcome: str


@value
class _Trial:
    """What one throw-away process found, and what the kernel says of it."""

    failed: tuple[str, str] | None
    held: dict[str, tuple[bool, str]]
    tried: tuple[_Tried, ...]
    status: dict[str, str]


def probe(*, landlock_version: int | None = None, room: str = "") -> tuple[Barrier, ...]:
    """Try everything. ``landlock_version`` is what to take for the kernel's; 0 shows a machine without it.

    ``room`` is where a folder for the trial is made if the system has no place for temporary ones, as in a read-only container.
    """
    room = _room(room)
    compute = _run(landlock_version, room)
    files = _run(landlock_version, room, with_folder=True)
    return tuple(_judge(known, files if known.name in _WITH_FOLDER else compute) for known in _KNOWN)


def _room(otherwise: str) -> str:
    try:
        return tempfile.gettempdir()
    except FileNotFoundError:
        return otherwise


def _run(landlock_version: int | None, room: str, *, with_folder: bool = False) -> _Trial:
    """Start the process, hear what it found, look at it from outside, let it end."""
    assumed = "-" if landlock_version is None else str(landlock_version)
    with tempfile.TemporaryDirectory(prefix="mpp-doctor-", dir=room) as around:
        # The forbidden file would be made around the folder, so that whatever the trial leaves goes with it.
        folder = os.path.join(around, "granted")
        os.mkdir(folder)
        with open(os.path.join(folder, "file"), "wb"):
            pass
        folders = [folder] if with_folder else []
        command = [sys.executable, "-I", "-S", "-B", "-c", trial.START, _SOURCE, assumed, str(os.getpid()), *folders]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}, cwd="/") as child:
            lines = list(_lines(child.stdout))
            status = _status(child.pid)
        if not lines or lines[-1] != ["end"]:
            lines.append(["failed", "seccomp", f"the trial ended early, with code {child.returncode}"])
    return _read(lines, status)


def _lines(stream: IO[bytes] | None) -> Iterator[list[str]]:
    for _ in range(TRIAL_LINES_MAX if stream is not None else 0):
        line = stream.readline().decode(errors="replace").rstrip("\n") if stream is not None else ""
        if not line:
            return
        yield line.split("\t")
        if line == "end":
            return


def _status(pid: int) -> dict[str, str]:
    """What the kernel says of a process; empty where /proc is not there."""
    found: dict[str, str] = {}
    with contextlib.suppress(OSError), open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as stream:
        found = {name: text.strip() for name, _, text in (line.partition(":") for line in stream)}
    if found and os.geteuid() != 0:
        found[_LOOK_INTO] = _look_into(pid)
    return found


def _look_into(pid: int) -> str:
    """Try, as another process of the same user. For root it would work whatever the barrier."""
    try:
        os.close(os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC))
    except OSError as fault:
        return errno.errorcode.get(fault.errno or 0, "refused")
    return "works"


def _read(lines: list[list[str]], status: dict[str, str]) -> _Trial:
    failed = [(words[1], words[2]) for words in lines if words[0] == "failed" and len(words) == 3]
    held = {words[1]: (words[2] == "yes", words[3]) for words in lines if words[0] == "held" and len(words) == 4}
    tried = [_Tried(words[1], words[2], words[3] == "held", words[4]) for words in lines if words[0] == "tried" and len(words) == 5]
    return _Trial(failed=failed[0] if failed else None, held=held, tried=tuple(tried), status=status)


def _judge(known: _Known, found: _Trial) -> Barrier:
    state, evidence = _state(known.name, found)
    return Barrier(name=known.name, state=state, required=known.required, evidence=evidence, lost=known.lost, remedy=known.remedy)


def _state(name: str, found: _Trial) -> tuple[str, tuple[str, ...]]:
    """A barrier that a single attempt got past is missing, whatever was reported of it."""
    if found.failed is not None:
        where, message = found.failed
        return MISSING, (message if where == name else f"not tried, because of another: {where}: {message}",)
    holds, why = found.held.get(name, (False, "it was not reported"))
    if not holds:
        return MISSING, (why,)
    wrong = [f"/proc says {key}: {found.status[key]}" for key, wanted in _OUTSIDE.get(name, {}).items() if found.status.get(key, wanted) != wanted]
    wrong += [f"{one.attempt}: {one.outcome}" for one in found.tried if one.barrier == name and not one.as_it_must]
    if wrong:
        return MISSING, tuple(wrong)
    shown = [f"{one.attempt}: {one.outcome}" for one in found.tried if one.barrier == name]
    shown += [f"/proc says {key}: {wanted}" for key, wanted in _OUTSIDE.get(name, {}).items() if key in found.status]
    if name == "landlock" and landlock.version() < landlock.TRUNCATION_SINCE:
        return WEAK, (*shown, f"version {landlock.version()} has no say over truncating a file that may be read")
    return HOLDS, tuple(shown) or (why or "the kernel took it up",)


def surroundings(home: Home, agent_pid: int = 0) -> tuple[Fact, ...]:
    """What no attempt shows. ``agent_pid`` is the process that a person says is the agent; 0: look for one."""
    return (_system(), _engine(), _user(agent_pid), _home(home), _space(home), _core_files(), _tracing(), _compiler())


def _system() -> Fact:
    found = landlock.version() if sys.platform == "linux" else 0
    return Fact(
        name="system", state=GOOD if found else NOTE, text=f"{platform.system()} {platform.release()} {platform.machine()}, Landlock version {found or 'none'}"
    )


def _installed(module: str) -> str | None:
    """The version of a distribution whose module is there."""
    if find_spec(module) is None:
        return None
    try:
        return version(module)
    except PackageNotFoundError:
        return "of unknown version"


def _engine() -> Fact:
    found = _installed("wasmtime")
    if found is None:
        return Fact(name="engine", state=BAD, text="wasmtime is not installed", remedy="run: pip install --upgrade model-package-protocol")
    return Fact(name="engine", state=GOOD, text=f"wasmtime {found}")


def _compiler() -> Fact:
    found = _installed("ziglang")
    if found is None:
        return Fact(
            name="C compiler", state=NOTE, text="none; it is needed for `mpp build` of C projects only", remedy="run: pip install 'model-package-protocol[c]'"
        )
    return Fact(name="C compiler", state=GOOD, text=f"ziglang {found}")


def _user(agent_pid: int) -> Fact:
    """Said plainly, for no barrier of ours stands there: tools are held, the agent is not."""
    me = os.getuid()
    found = (process_of(agent_pid),) if agent_pid else agent_processes()
    same, others = judge_processes(found, me)
    who = "root" if me == 0 else f"user {me}"
    if others and not same:
        text = f"{_named(others)}: runs as another user than you ({who}), who cannot read your keys or approve in your name"
        return Fact(name="agent", state=GOOD, text=text)
    seen = f"{_named(same)}: runs as you ({who}), or as root" if same else f"no running program here is known to be an agent; one that runs as you ({who})"
    text = f"{seen}, and outside of a sandbox can do all that you can: read your keys, approve in your name, change MPP itself"
    return Fact(name="agent", state=NOTE, text=text, remedy="run the agent as another user, or in a sandbox, and give it `mpp` through a server only")


def _named(found: tuple[AgentProcess, ...]) -> str:
    more = f" and {len(found) - SHOWN_MAX} more" if len(found) > SHOWN_MAX else ""
    return ", ".join(f"{shown(one.name)} (process {one.pid})" for one in found[:SHOWN_MAX]) + more


def _home(home: Home) -> Fact:
    try:
        found = os.lstat(home.path)
    except FileNotFoundError:
        return Fact(name="home", state=GOOD, text=f"{home.path} is not there yet; it is made for you alone")
    except OSError as fault:
        return Fact(name="home", state=BAD, text=f"{home.path}: {fault.strerror}", remedy="set MPP_HOME to a folder of your own")
    mode = stat.S_IMODE(found.st_mode)
    if stat.S_ISLNK(found.st_mode) or not stat.S_ISDIR(found.st_mode):
        return Fact(name="home", state=BAD, text=f"{home.path} is not a folder itself", remedy="set MPP_HOME to a folder, not to a link to one")
    if found.st_uid != os.getuid():
        return Fact(name="home", state=BAD, text=f"{home.path} belongs to user {found.st_uid}", remedy="set MPP_HOME to a folder of your own")
    if mode & 0o022:
        return Fact(name="home", state=BAD, text=f"others may write to {home.path} (mode {mode:o})", remedy=f"run: chmod 700 {home.path}")
    if mode & 0o055:
        return Fact(name="home", state=NOTE, text=f"others may look into {home.path} (mode {mode:o})", remedy=f"run: chmod 700 {home.path}")
    return Fact(name="home", state=GOOD, text=f"{home.path} is yours alone")


def _space(home: Home) -> Fact:
    """A call is refused where its record cannot be written, so a full disk stops all of them."""
    folder = home.path
    while not os.path.isdir(folder) and folder != os.path.dirname(folder):
        folder = os.path.dirname(folder)
    try:
        found = os.statvfs(folder)
    except OSError as fault:
        return Fact(name="space", state=NOTE, text=f"nobody says how much is free where the home lies: {fault.strerror}")
    # Bytes and entries: either can run out alone. A file system without a bound on entries says 0 of 0.
    free, entries = found.f_bavail * found.f_frsize, found.f_favail if found.f_files else FREE_ENTRIES_LEAST
    if free < FREE_BYTES_LEAST or entries < FREE_ENTRIES_LEAST:
        text = f"{free / 1e6:.0f} MB and {entries} entries are free where the home lies; a call whose record cannot be written is refused"
        return Fact(name="space", state=NOTE, text=text, remedy="make room, or set MPP_HOME to a folder on another disk")
    return Fact(name="space", state=GOOD, text=f"{free / 1e9:.1f} GB are free where the home lies")


def _kernel_setting(name: str) -> str | None:
    """A line below /proc/sys; None where it is not there."""
    with contextlib.suppress(OSError), open(f"/proc/sys/{name}", encoding="utf-8", errors="replace") as stream:
        return stream.readline().strip()
    return None


def _core_files() -> Fact:
    found = _kernel_setting("kernel/core_pattern") or ""
    if found.startswith("|"):
        # The limit on core files does not count for a program that takes them.
        return Fact(
            name="core files",
            state=NOTE,
            text="a program of the system takes the memory of processes that crash; that of a tool is never given, as it is not dumpable",
        )
    return Fact(name="core files", state=GOOD, text="no program takes the memory of processes that crash")


def _tracing() -> Fact:
    found = _kernel_setting("kernel/yama/ptrace_scope")
    if found in {None, "0"}:
        return Fact(
            name="tracing",
            state=NOTE,
            text="processes of one user may look into each other; a tool's process is closed to them, the host's is not",
            remedy="set kernel.yama.ptrace_scope to 1 or more",
        )
    return Fact(name="tracing", state=GOOD, text=f"restricted by the kernel (ptrace_scope {found})")


def judge(barriers: tuple[Barrier, ...], facts: tuple[Fact, ...]) -> Verdict:
    """Can tools run here, and what is there to do?"""
    needed = [one for one in barriers if one.required and one.state != HOLDS]
    engine = [fact for fact in facts if fact.name == "engine" and fact.state == BAD]
    with_files = any(one.name == "landlock" and one.state != MISSING for one in barriers)
    todo = [f"{one.name}: {one.remedy}" for one in barriers if one.state == MISSING] + [f"{fact.name}: {fact.remedy}" for fact in facts if fact.state == BAD]
    can_run = bool(barriers) and not needed and not engine
    words = "no" if not can_run else "yes" if with_files else "yes, without filesystem rights"
    return Verdict(can_run=can_run, with_files=can_run and with_files, words=words, todo=tuple(dict.fromkeys(todo)))
