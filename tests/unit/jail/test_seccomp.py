"""The list of allowed calls, judged call by call by an interpreter of its own, on both machines."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mpp.jail import profiles, syscalls
from mpp.jail import seccomp as subject
from mpp.jail.profiles import PROFILES, Profile, with_code
from tests.unit.jail.interpreter import answer

PID = 4711
EPERM, ENOSYS = subject.ERRNO | 1, subject.ERRNO | 38
ALL = (*PROFILES, *map(with_code, PROFILES))
MACHINES = syscalls.MACHINES
THREAD = 0x3D0F00
NEVER = [
    "bpf",
    "clone3",
    "execve",
    "io_uring_setup",
    "keyctl",
    "landlock_restrict_self",
    "memfd_create",
    "mount",
    "perf_event_open",
    "pkey_mprotect",
    "process_vm_readv",
    "ptrace",
    "unshare",
    "userfaultfd",
    "capset",
]
# Not in our table, because nothing of ours makes them: x86_64, aarch64.
NEVER_NUMBERS = {"open": (2, None), "openat": (257, 56), "socket": (41, 198), "connect": (42, 203), "bind": (49, 200), "fork": (57, None), "vfork": (58, None), "kill": (62, 129)} | {
    "execveat": (322, 281), "chroot": (161, 51), "setns": (308, 268), "pidfd_getfd": (438, 438), "mknodat": (259, 33), "fchmodat": (268, 53), "personality": (135, 92),
    "prlimit64": (302, 261), "sendmsg": (46, 211), "tkill": (200, 130), "rt_sigqueueinfo": (129, 138), "shmget": (29, 194), "open_by_handle_at": (304, 265), "creat": (85, None),
}  # fmt: skip


def asked(profile: Profile, machine: str, name: str | int, *arguments: int) -> int:
    number = syscalls.number(name, machine) if isinstance(name, str) else name
    assert number is not None
    code = subject.program(profile, machine=machine, pid=PID)
    return answer(code, architecture=subject.ARCHITECTURES[machine], number=number, arguments=arguments)


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("profile", ALL, ids=lambda profile: profile.name)
def test_every_number_is_allowed_or_refused_as_the_profile_says(profile: Profile, machine: str) -> None:
    plain = {syscalls.number(name, machine) for name in profile.plain}
    checked = {syscalls.number(name, machine) for name in profile.checked}
    code = subject.program(profile, machine=machine, pid=PID)
    for number in range(601):
        if number not in checked:
            wanted = subject.ALLOW if number in plain else ENOSYS if number == 435 else EPERM
            assert answer(code, architecture=subject.ARCHITECTURES[machine], number=number, arguments=(7,) * 6) == wanted, number


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("profile", ALL, ids=lambda profile: profile.name)
def test_what_no_profile_allows(profile: Profile, machine: str) -> None:
    for name in NEVER:
        assert asked(profile, machine, name) in {EPERM, ENOSYS}, name
    for name, numbers in NEVER_NUMBERS.items():
        number = numbers[MACHINES.index(machine)]
        assert number is None or asked(profile, machine, number) == EPERM, name


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_only_files_opens_files_and_only_components_wait_for_events(profile: Profile) -> None:
    assert ("openat2" in profile.plain) == (profile is profiles.PROFILE_FILES)
    assert ("epoll_create1" in profile.plain) == (profile is profiles.PROFILE_COMPONENT)
    assert not profile.plain & profile.checked.keys()
    assert (profile.plain | profile.checked.keys() | profile.absent) <= set(syscalls.names())


ARGUMENTS = [
    ("clone", (THREAD,), True),
    ("clone", (0x7D0F00,), True),
    ("clone", (THREAD | 1 << 40,), True),  # the kernel reads 32 bits
    ("clone", (17,), False),
    ("clone", (0,), False),
    ("clone", (THREAD | 0x10000000,), False),
    ("clone", (THREAD & ~0x10000,), False),
    ("mmap", (0, 4096, 3), True),
    ("mmap", (0, 4096, 5), False),
    ("mmap", (0, 4096, 4), False),
    ("mprotect", (0, 4096, 1), True),
    ("mprotect", (0, 4096, 7), False),
    ("fcntl", (3, 1030), True),
    ("fcntl", (3, 8), False),
    ("fcntl", (3, 1026), False),
    ("ioctl", (3, 0x5421), True),
    ("ioctl", (3, 0x5412), False),
    ("prctl", (15,), True),
    ("prctl", (4, 1), False),
    ("prctl", (22, 2), False),
    ("tgkill", (PID, 9), True),
    ("tgkill", (1, 9), False),
    ("tgkill", (-1, 9), False),
]


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(("name", "arguments", "allowed"), ARGUMENTS)
def test_arguments_decide(machine: str, name: str, arguments: tuple[int, ...], allowed: bool) -> None:
    for profile in (profiles.PROFILE_COMPUTE, profiles.PROFILE_FILES, profiles.PROFILE_COMPONENT):
        assert asked(profile, machine, name, *arguments) == (subject.ALLOW if allowed else EPERM)


@pytest.mark.parametrize(("path", "allowed"), [(0, True), (1, False), (1 << 32, False), (0x7FFF00000000, False)])
def test_times_are_set_by_descriptor_alone(path: int, allowed: bool) -> None:
    for machine in MACHINES:
        assert asked(profiles.PROFILE_FILES, machine, "utimensat", 5, path) == (subject.ALLOW if allowed else EPERM)


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("other", [0x40000003, 0xC000003E, 0xC00000B7, 0])
def test_another_architecture_ends_the_process(machine: str, other: int) -> None:
    for code in (subject.program(profiles.PROFILE_COMPUTE, machine=machine, pid=PID), subject.code_program(machine)):
        ends = answer(code, architecture=other, number=0) == subject.KILL
        assert ends == (other != subject.ARCHITECTURES[machine])


def test_numbers_of_the_x32_kind_end_the_process() -> None:
    for number in (0x40000000, 0x40000000 + 520, 0x7FFFFFFF, 0xFFFFFFFF):
        assert asked(profiles.PROFILE_COMPUTE, "x86_64", number) == subject.KILL


@pytest.mark.parametrize("machine", MACHINES)
def test_code_can_be_loaded_until_it_is_closed(machine: str) -> None:
    loading = with_code(profiles.PROFILE_COMPUTE)
    assert asked(loading, machine, "mprotect", 0, 4096, 5) == subject.ALLOW
    assert asked(loading, machine, "mmap", 0, 4096, 5) == EPERM
    assert asked(loading, machine, "seccomp", 1) == subject.ALLOW
    assert asked(loading, machine, "seccomp", 0) == EPERM
    closing = subject.code_program(machine)
    for name in ("mmap", "mprotect", "pkey_mprotect"):
        number = syscalls.number(name, machine)
        assert number is not None
        assert answer(closing, architecture=subject.ARCHITECTURES[machine], number=number, arguments=(0, 1, 5)) == EPERM
        assert answer(closing, architecture=subject.ARCHITECTURES[machine], number=number, arguments=(0, 1, 3)) == subject.ALLOW
    assert answer(closing, architecture=subject.ARCHITECTURES[machine], number=0) == subject.ALLOW


HEADERS = {
    "x86_64": ("/usr/include/x86_64-linux-gnu/asm/unistd_64.h", "/usr/include/asm/unistd_64.h"),
    "aarch64": ("/usr/include/asm-generic/unistd.h",),
}


@pytest.mark.parametrize("machine", MACHINES)
def test_the_numbers_are_those_of_the_kernel(machine: str) -> None:
    found = next((path for path in map(Path, HEADERS[machine]) if path.exists()), None)
    if found is None:
        pytest.skip("the headers of the kernel are not installed")
    text = found.read_text()
    known = {name: int(number) for name, number in re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", text)}
    known |= {"newfstatat": known.get("fstatat", known.get("newfstatat", -1)), "fadvise64": known["fadvise64"]}
    wrong = {name: (syscalls.number(name, machine), known.get(name)) for name in syscalls.names() if syscalls.number(name, machine) != known.get(name)}
    assert not wrong


def test_a_program_that_a_thread_cannot_take_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syscalls, "call", lambda *_: 99)
    with pytest.raises(OSError, match="thread 99"):
        subject.install(b"\0" * 8)


def test_the_closing_program_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[bytes] = []
    monkeypatch.setattr(subject, "install", found.append)
    subject.close_code()
    assert found == [subject.code_program(syscalls.machine())]


def test_the_kernel_refuses_a_program_that_is_none() -> None:
    """It reaches the kernel: without "no new privileges", or with an empty program, the answer is an error."""
    with pytest.raises(OSError, match="seccomp"):
        subject.install(b"")
