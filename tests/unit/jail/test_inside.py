"""The jail from inside, in real processes on this kernel: what goes on working, and what does not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mpp.jail import landlock
from tests.unit.jail.conftest import Jailed

needs_landlock = pytest.mark.skipif(not landlock.version(), reason="this kernel has no Landlock: no process gets rights over files")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user or make a root folder of its own")

ORDINARY = """
here, there = socket.socketpair()
posted = ctypes.create_string_buffer(64)
libc = ctypes.CDLL(None)
post = ctypes.cast(libc.sem_post, ctypes.c_void_p).value
called = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)(lambda number: number + 1)
import json
entered = enter(Plan(PROFILE, LIMITS), keep=(here.fileno(), there.fileno()), parent=os.getppid())

# Memory, text, numbers, errors.
data = [bytearray(1 << 20) for _ in range(40)]
del data
assert json.loads(json.dumps({"a": [1, 2.5, "ü"]})) == {"a": [1, 2.5, "ü"]}
try:
    {}["absent"]
except KeyError:
    assert "KeyError" in traceback.format_exc()
assert called(3) == 4

# Time, threads, a channel.
time.sleep(0.001)
assert time.monotonic() > 0 and os.urandom(4)
made = []
threads = [threading.Thread(target=made.append, args=(number,)) for number in range(3)]
for one in threads: one.start()
for one in threads: one.join()
assert sorted(made) == [0, 1, 2]
here.sendall(b"ping"); assert there.recv(10) == b"ping"
there.settimeout(0.01)
try:
    there.recv(1)
except TimeoutError:
    pass

# A timer of the C library, which calls a C function on a thread of its own.
event = ctypes.create_string_buffer(struct.pack("<QiiQQ", ctypes.addressof(posted), 0, 2, post, 0).ljust(64, b"\\0"), 64)
timer = ctypes.c_void_p()
assert libc.timer_create(1, event, ctypes.byref(timer)) == 0
assert libc.timer_settime(timer, 0, (ctypes.c_int64 * 4)(0, 0, 0, 1_000_000), None) == 0
until = time.monotonic() + 10
while libc.sem_trywait(posted) != 0:
    assert time.monotonic() < until, "the timer did not fire"
    time.sleep(0.001)
libc.timer_delete(timer)
print(entered.holds("seccomp"), entered.shown()["no capabilities"])
"""


@pytest.mark.parametrize("profile", ["PROFILE_COMPUTE", "PROFILE_FILES", "PROFILE_COMPONENT", "PROFILE_COMPILE"])
def test_ordinary_python_goes_on(inside: Jailed, profile: str) -> None:
    assert inside(ORDINARY.replace("PROFILE", profile)) == "True holds\n"


FILES = """
granted, readable, folder = os.open(sys.argv[2], os.O_PATH), os.open(sys.argv[3], os.O_PATH), sys.argv[2]
enter(Plan(PROFILE_FILES, LIMITS, needs_files=True), keep=(granted, readable), rules=(Rule(granted, write=True), Rule(readable)))
new = os.O_CREAT | os.O_EXCL | os.O_RDWR
fd = open2(granted, "made", new, 0o600)
os.pwrite(fd, b"hello", 0); os.fsync(fd); os.ftruncate(fd, 3); os.utime(fd, (1, 2))
os.posix_fallocate(fd, 0, 10)
assert os.preadv(fd, [bytearray(9)], 0) == 9 and os.fstat(fd).st_size == 10
os.mkdir("folder", dir_fd=granted)
os.rename("made", "folder/moved", src_dir_fd=granted, dst_dir_fd=granted)
os.link("folder/moved", "linked", src_dir_fd=granted, dst_dir_fd=granted)
os.symlink("folder", "sym", dir_fd=granted)
assert os.readlink("sym", dir_fd=granted) == "folder"
assert os.stat("linked", dir_fd=granted).st_nlink == 2
listed = os.listdir(open2(granted, ".", os.O_RDONLY | os.O_DIRECTORY))
assert sorted(listed) == ["folder", "linked", "sym"], listed
for name in ("sym", "linked", "folder/moved"): os.unlink(name, dir_fd=granted)
os.rmdir("folder", dir_fd=granted)
print(*[
    os.pread(open2(readable, "text"), 9, 0).decode(),
    refused(open2, readable, "text", os.O_RDWR),
    refused(open2, readable, "text", os.O_RDONLY | os.O_TRUNC) if landlock.TRUNCATION_SINCE <= int(sys.argv[4]) else "EACCES",
    refused(open2, readable, "new", new, 0o600),
    refused(os.mkdir, "new", dir_fd=readable),
    refused(os.unlink, "text", dir_fd=readable),
    refused(open2, granted, "../readable/text"),
    refused(os.open, "text", os.O_RDONLY, dir_fd=readable),
    refused(os.mkfifo, "pipe", dir_fd=granted),
    refused(os.utime, "text", (1, 2), dir_fd=readable),
    refused(os.chmod, granted, 0o777),
    refused(os.open, folder, os.O_RDONLY),
], sep=",")
"""


@needs_landlock
def test_files_are_open_as_granted(inside: Jailed, tmp_path: Path) -> None:
    for name in ("granted", "readable"):
        (tmp_path / name).mkdir()
    (tmp_path / "readable" / "text").write_text("words")
    found = inside(FILES, tmp_path / "granted", tmp_path / "readable", landlock.version())
    assert found.strip().split(",") == ["words", *["EACCES"] * 5, "EXDEV", *["EPERM"] * 5]
    assert (tmp_path / "readable" / "text").read_text() == "words"


CHANNELS = """
keep, drop = os.memfd_create("keep"), os.memfd_create("drop")
enter(Plan(PROFILE_COMPUTE, LIMITS), keep=(keep,))
print(refused(os.write, keep, b"x"), refused(os.write, drop, b"x"), refused(os.write, 1, b""))
"""


def test_only_what_is_kept_stays_open(inside: Jailed) -> None:
    assert inside(CHANNELS) == "works EBADF works\n"


def test_without_landlock_a_worker_without_folders_is_held(inside: Jailed) -> None:
    found = inside("""
entered = enter(Plan(PROFILE_COMPUTE, LIMITS, landlock_version=0))
print(entered.holds("landlock"), entered.shown()["landlock"], refused(os.open, "/etc/passwd", os.O_RDONLY), refused(os.listdir, "/"), sep=",")
""")
    assert found == "False,the kernel has no Landlock,EPERM,EPERM\n"


def test_without_landlock_no_worker_gets_folders(inside: Jailed) -> None:
    found = inside("""
try:
    enter(Plan(PROFILE_FILES, LIMITS, needs_files=True, landlock_version=0))
except HostFailed as fault:
    print(fault.code, fault.where)
""")
    assert found == "host.barrier landlock\n"


def test_a_process_with_threads_does_not_enter(inside: Jailed) -> None:
    found = inside("""
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
try:
    enter(Plan(PROFILE_COMPUTE, LIMITS))
except HostFailed as fault:
    print(fault.where, "threads" in fault.message, refused(os.listdir, "/"), flush=True)
os._exit(0)
""")
    assert found == "one thread True works\n"


def test_code_is_loaded_until_it_is_closed(inside: Jailed) -> None:
    found = inside("""
import mmap
page = mmap.mmap(-1, mmap.PAGESIZE)
at = ctypes.addressof(ctypes.c_char.from_buffer(page))
enter(Plan(with_code(PROFILE_COMPUTE), LIMITS))
def runnable(): return syscalls.call("mprotect", at, mmap.PAGESIZE, 5)
first = refused(runnable), refused(mmap.mmap, -1, mmap.PAGESIZE, prot=7)
syscalls.call("mprotect", at, mmap.PAGESIZE, 3)
close_code()
print(*first, refused(runnable))
""")
    assert found == "works EPERM EPERM\n"


def test_a_worker_ends_with_its_parent(inside: Jailed) -> None:
    """The parent is killed and cannot tell anybody; the worker's end of the pipe closes all the same."""
    found = inside("""
read, write = os.pipe()
ready, told = os.pipe()
parent = os.fork()
if parent == 0:
    me = os.getpid()
    if os.fork() == 0:
        os.close(read)
        enter(Plan(PROFILE_COMPUTE, LIMITS), keep=(write, told), parent=me)
        os.write(told, b"x")
        time.sleep(60)
        os._exit(0)
    os.close(write)
    time.sleep(60)
os.close(write)
os.read(ready, 1)
os.kill(parent, signal.SIGKILL)
signal.alarm(20)
print(os.read(read, 1))
""")
    assert found == "b''\n"


def test_a_worker_whose_parent_is_gone_already_does_not_start(inside: Jailed) -> None:
    found = inside("""
try:
    enter(Plan(PROFILE_COMPUTE, LIMITS), parent=os.getpid())
except HostFailed as fault:
    print(fault.where)
""")
    assert found == "ends with its parent\n"


UNPRIVILEGED = """
os.setgroups([]); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)
BEFORE
entered = enter(Plan(PROFILE_COMPUTE, LIMITS), parent=os.getppid())
print(*(entered.holds(name) for name in ("seccomp", "limits", "no new privileges", "no capabilities", "not dumpable")))
print(refused(os.open, "/etc/passwd", os.O_RDONLY), refused(os.fork), refused(os.kill, os.getppid(), 0))
print(entered.holds("own network"), entered.holds("empty root"))
"""


@needs_root
def test_a_user_without_privileges_enters(inside: Jailed) -> None:
    found = inside(UNPRIVILEGED.replace("BEFORE", "")).splitlines()
    assert found[:2] == ["True True True True True", "EPERM EPERM EPERM"]


# A small container: everything is read-only, no process can make namespaces, and there is no /proc.
CONTAINER = """
def mount(source, target, kind, flags):
    words = [ctypes.c_char_p(word) if word else None for word in (source, target, kind)]
    return refused(syscalls.call, "mount", *words, flags, None)
try:
    syscalls.call("unshare", 0x00020000)
except OSError:
    print("no mount namespace", flush=True); os._exit(0)
made = [mount(b"none", b"/", None, 0x4000 | 0x40000), mount(b"none", b"/", None, 0x1000 | 0x20 | 0x1)]
made += [mount(b"none", b"/proc", b"tmpfs", 1)]
made += [mount(b"none", room, b"tmpfs", 1) for room in (b"/tmp", b"/dev/shm", b"/run", b"/var/tmp")]
if set(made) - {"works", "ENOENT"}:
    print("no mounts", made, flush=True); os._exit(0)
assert refused(os.mkdir, "/made") == refused(os.mkdir, "/tmp/made") == "EROFS"
""" + UNPRIVILEGED.replace(
    "BEFORE",
    """
from mpp.jail import process
outer = process.call
def call(name, *given):
    if name == "unshare" and given != (0x00010000,):
        raise OSError(errno.EPERM, "not here")
    return outer(name, *given)
process.call = call
""",
)


@needs_root
def test_a_read_only_container_without_namespaces_is_enough(inside: Jailed) -> None:
    found = inside(CONTAINER).splitlines()
    if found[0].startswith("no mount"):
        pytest.skip(f"this machine gives the test no mount namespace of its own: {found[0]}")
    assert found == ["True True True True True", "EPERM EPERM EPERM", "False False"]


WASM = """
sys.path.append(sys.argv[2])
import wasmtime
from wasmtime import component as components
from mpp.testing import wasm
config = wasmtime.Config(); config.epoch_interruption = True
engine = wasmtime.Engine(config)
"""


def test_a_compiler_compiles(inside: Jailed, engine: str) -> None:
    found = inside(WASM + """
code = wasm.module(functions=50)
enter(Plan(PROFILE_COMPILE, LIMITS._replace(data=1 << 30)))
print(len(wasmtime.Module(engine, code).serialize()) > 1000, refused(os.open, "/etc/passwd", os.O_RDONLY), refused(os.fork))
""", engine)  # fmt: skip
    assert found == "True EPERM EPERM\n"


# Loading starts no thread, compiling does: so it is compiled by another process.
LOADED = """
read, write = os.pipe()
if os.fork() == 0:
    os.write(write, COMPILED)
    os._exit(0)
os.close(write)
native = bytearray()
while piece := os.read(read, 65536): native += piece
os.wait()
"""


def test_a_module_runs(inside: Jailed, engine: str) -> None:
    compiled = 'wasmtime.Module(engine, wasm.module(data=[(0, b"x" * 70000)], memory=(4, None))).serialize()'
    found = inside(WASM + LOADED.replace("COMPILED", compiled) + """
code = sealed_memory(native)
before = open_descriptors()
module = wasmtime.Module.deserialize_file(engine, f"/proc/self/fd/{code}")
linker = wasmtime.Linker(engine)
# The engine keeps the code open: the first memory of each instance is mapped from it.
taken = tuple(set(open_descriptors()) - set(before))
assert len(taken) == 1
enter(Plan(PROFILE_COMPUTE, LIMITS._replace(file_bytes=0)), keep=taken)
for _ in range(3):
    store = wasmtime.Store(engine); store.set_epoch_deadline(1)
    instance = linker.instantiate(store, module)
    exports = instance.exports(store)
    exports["_start"](store)
    assert exports["memory"].grow(store, 20) == 4
print("ran")
""", engine)  # fmt: skip
    assert found == "ran\n"


SLEEPER = """(component
  (import "wasi:io/poll@0.2.0" (instance $poll
    (export "pollable" (type $p (sub resource)))
    (export "[method]pollable.block" (func (param "self" (borrow $p))))))
  (alias export $poll "pollable" (type $pollable))
  (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
    (alias outer 1 $pollable (type $outer))
    (export "pollable" (type $own (eq $outer)))
    (export "subscribe-duration" (func (param "when" u64) (result (own $own))))))
  (core func $ask (canon lower (func $clock "subscribe-duration")))
  (core func $block (canon lower (func $poll "[method]pollable.block")))
  (core module $m
    (import "h" "ask" (func $ask (param i64) (result i32)))
    (import "h" "block" (func $block (param i32)))
    (func (export "run") (result i32) (call $block (call $ask (i64.const 2000000))) (i32.const 0)))
  (core instance $i (instantiate $m (with "h" (instance (export "ask" (func $ask)) (export "block" (func $block))))))
  (func $run (result (result)) (canon lift (core func $i "run")))
  (instance $r (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $r)))"""


@pytest.mark.parametrize("source", ["wasm.component()", f"wasmtime.wat2wasm({SLEEPER!r})"], ids=["smallest", "sleeper"])
def test_a_component_runs(inside: Jailed, engine: str, source: str) -> None:
    compiled = f"components.Component(engine, {source}).serialize()"
    found = inside(WASM + LOADED.replace("COMPILED", compiled) + """
component = components.Component.deserialize(engine, native)
linker = components.Linker(engine); linker.add_wasip2()
enter(Plan(PROFILE_COMPONENT, LIMITS))
for _ in range(2):
    store = wasmtime.Store(engine); store.set_epoch_deadline(1); store.set_wasi(wasmtime.WasiConfig())
    instance = linker.instantiate(store, component)
    at = instance.get_export_index(store, "run", instance.get_export_index(store, "wasi:cli/run@0.2.0"))
    print(instance.get_func(store, at)(store).tag)
""", engine)  # fmt: skip
    assert found == "ok\nok\n"
