"""T86, a project from elsewhere that runs code while it is built, to read, write, send, stay or fill the machine of whoever builds it."""

from __future__ import annotations

import json
import os
import socket
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mpp.author import confined, limits, running
from mpp.author.build import Built, Wishes, build_project
from mpp.author.languages.ports import LayerFile
from mpp.author.project import read_project
from mpp.author.scaffold import create_project
from mpp.errors import MppError, Refused
from mpp.model.manifest import LayerRef

pytestmark = pytest.mark.skipif(not confined.landlock_version(), reason="this system has no Landlock: such a build is refused instead")

LAYER = LayerFile(ref=LayerRef(id="dev.example.layer", version="1.0.0", sha256="1" * 64), path="/nowhere")
PRIVATE = "a private line of whoever builds"

Attempt = Callable[..., str]


def build(folder: Path, **more: object) -> Built:
    wishes = Wishes(layer=lambda _: LAYER, **more)  # type: ignore[arg-type]
    return build_project(read_project(str(folder)), progress=lambda _: None, wishes=wishes)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Path(create_project("hello", lang="python", parent=str(tmp_path), publisher="Eve").folder)


@pytest.fixture
def attempt(project: Path) -> Attempt:
    """Build a project whose module does ``body`` when it is imported; what it found is the description of its tool."""

    def attempts(body: str, **more: object) -> str:
        source = f"found = 'nothing'\ntry:\n{textwrap.indent(textwrap.dedent(body), '    ')}\nexcept BaseException as fault:\n    found = 'stopped: ' + type(fault).__name__\n"
        source += "from mpp_sdk import tool\n\ndef f() -> str:\n    return ''\nf.__doc__ = 'It found ' + str(found)[:500]\ntool(security_level='low')(f)\n"
        (project / "app" / "main.py").write_text(source)
        made = build(project, **more)
        return made.manifest.tool_definitions[0].description

    return attempts


def test_the_attempts_reach_the_description(attempt: Attempt) -> None:
    """Else no test below could fail."""
    assert attempt("found = 'this'") == "It found this"


@pytest.mark.parametrize("place", ["/etc/passwd", "outside", ".env", ".git/config", "notes.txt", "/proc/1/environ", "home"])
def test_nothing_but_what_is_packed_is_read(project: Path, tmp_path: Path, attempt: Attempt, place: str) -> None:
    (tmp_path / "outside").write_text(PRIVATE)
    (project / ".git").mkdir()
    for name in (".env", ".git/config", "notes.txt"):
        (project / name).write_text(PRIVATE)
    where = {"outside": tmp_path / "outside", "home": Path.home() / ".bashrc"}.get(place, project / place)
    found = attempt(f"found = open({str(where)!r}).read()")
    assert "stopped: PermissionError" in found or "stopped: FileNotFoundError" in found
    assert PRIVATE not in found


def test_nothing_is_written(project: Path, tmp_path: Path, attempt: Attempt) -> None:
    for place in (tmp_path / "made", project / "app" / "made.py", project / "made", Path("/tmp/mpp-made-by-a-build")):
        assert "stopped: PermissionError" in attempt(f"open({str(place)!r}, 'w').write('x')")
        assert not place.exists()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.setblocking(False)
        yield server


@pytest.mark.parametrize("family", ["AF_INET", "AF_INET6", "AF_UNIX"])
def test_no_socket_is_made(attempt: Attempt, family: str) -> None:
    assert "stopped: PermissionError" in attempt(f"import socket; socket.socket(socket.{family}); found = 'a socket'")


def test_the_network_is_there_only_when_a_person_says_so(attempt: Attempt, listener: socket.socket) -> None:
    dial = f"import socket; socket.create_connection(('127.0.0.1', {listener.getsockname()[1]}), 5); found = 'a connection'"
    assert "stopped" in attempt(dial)
    with pytest.raises(BlockingIOError):
        listener.accept()
    assert attempt(dial, allow_network=True) == "It found a connection"
    listener.accept()[0].close()


def test_other_processes_are_not_reached(attempt: Attempt) -> None:
    assert "stopped: PermissionError" in attempt(f"import os; os.kill({os.getpid()}, 0); found = 'a signal'") or confined.landlock_version() < 6
    assert "stopped" in attempt(f"found = open('/proc/{os.getpid()}/environ').read()")


def test_no_process_stays(tmp_path: Path, attempt: Attempt) -> None:
    """A child that leaves its group would outlive the build; it cannot."""
    mark = f"mpp-stays-{os.getpid()}"
    body = f"""
        import os, sys
        pid = os.fork()
        if pid == 0:
            try:
                os.setsid()
            except PermissionError:
                pass
            os.execv(sys.executable, [sys.executable, '-c', 'import time; time.sleep(300)', {mark!r}])
        found = 'a child'
    """
    assert attempt(body) == "It found a child"
    end = time.monotonic() + 60
    while (left := _processes_with(mark)) and time.monotonic() < end:
        time.sleep(0.02)
    assert not left


def _processes_with(mark: str) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if mark in (entry / "cmdline").read_text():
                    found.append(entry.name)
            except OSError:
                continue
    return found


def test_the_environment_of_the_person_is_not_there(attempt: Attempt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_" + "TOKEN", PRIVATE)
    found = attempt("import os; found = sorted(os.environ)")
    assert "API_" not in found


def test_installed_packages_of_the_person_are_not_there(attempt: Attempt) -> None:
    assert "stopped: ModuleNotFoundError" in attempt("import pytest")


def test_a_build_that_hangs_ends(attempt: Attempt, monkeypatch: pytest.MonkeyPatch) -> None:
    from mpp.author.languages import python_describe

    monkeypatch.setattr(python_describe, "DESCRIBE_SECONDS_MAX", 1)
    begin = time.monotonic()
    with pytest.raises(MppError) as refusal:
        attempt("while True: pass")
    assert refusal.value.code in {"project.compile_time", "project.describe"}
    assert time.monotonic() - begin < 120


def test_a_flood_is_cut(project: Path) -> None:
    (project / "app" / "main.py").write_text("import os\nos.write(1, b'x' * 3_000_000)\nos.write(2, b'y' * 3_000_000)\n")
    with pytest.raises(Refused) as refusal:
        build(project)
    assert len(refusal.value.message) < limits.COMPILER_OUTPUT_MAX + 500


def test_what_it_says_is_judged_as_of_a_stranger(project: Path) -> None:
    """The module answers in place of the SDK, with a definition that hides text and one that is too large."""
    for text in ("hidden\u200btext", "x" * 300_000):
        answer = json.dumps({"tools": [{"name": "f", "description": text, "parameters": {"type": "object"}, "security_level": "low"}]})
        (project / "app" / "main.py").write_text(f"import os\nos.write(1, {answer.encode()!r})\nos._exit(0)\n")
        with pytest.raises(Refused):
            build(project)


def test_links_are_not_followed(project: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.py").write_text(PRIVATE)
    (project / "app" / "more.py").symlink_to(tmp_path / "outside.py")
    with pytest.raises(Refused, match=r"project\.link"):
        build(project)


def test_names_that_no_package_can_hold(project: Path) -> None:
    (project / "app" / "café.py").write_text("x = 1\n")
    with pytest.raises(Refused, match=r"project\.path"):
        build(project)


def test_ten_thousand_lines_are_no_trouble(project: Path) -> None:
    lines = "".join(f"def f{at}(x):\n    return x + {at}\n" for at in range(5_000))
    source = (project / "app" / "main.py").read_text()
    (project / "app" / "main.py").write_text(source + "\n\n" + lines + "total = " + " + ".join(["1"] * 2_000) + "\n")
    begin = time.monotonic()
    assert build(project).manifest.tool_definitions[0].name == "greet"
    assert time.monotonic() - begin < 300


def test_a_tree_too_deep_is_refused(project: Path) -> None:
    (project / "app" / "deep.py").write_text("x = " + "(" * 5_000 + ")" * 5_000 + "\n")
    with pytest.raises(Refused, match="is no Python"):
        build(project)


def test_without_barriers_nothing_runs_unless_a_person_says_so(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mpp.author.languages import python_describe

    monkeypatch.setattr(python_describe, "is_confined", lambda: False)
    with pytest.raises(Refused, match=r"project\.unconfined"):
        build(project)
    assert build(project, trusts_project=True).manifest.tool_definitions


def test_the_filter_of_calls_holds_the_machine() -> None:
    """The program is read as the kernel reads it: what it forbids, on each machine."""
    for machine, (architecture, calls) in confined._MACHINES.items():
        for network in (False, True):
            program = confined.call_filter(machine, network=network)
            for name, number in calls.items():
                allowed = network and name in {"socket", "io_uring_setup"}
                assert _verdict(program, architecture, number) == (0x7FFF0000 if allowed else 0x00050001), (machine, name)
            assert _verdict(program, architecture, 0) == 0x7FFF0000
            assert _verdict(program, architecture ^ 1, 0) == 0x00050001
            if machine == "x86_64":
                assert _verdict(program, architecture, 0x40000000 | 41) == 0x00050001


def _verdict(program: bytes, architecture: int, number: int) -> int:
    import struct

    at, held = 0, 0
    while True:
        code, yes, no, value = struct.unpack_from("<HBBI", program, 8 * at)
        at += 1
        if code == 0x06:
            return int(value)
        if code == 0x20:
            held = {0: number, 4: architecture}[value]
        elif code == 0x15:
            at += yes if held == value else no
        elif code == 0x35:
            at += yes if held >= value else no


def test_folders_that_are_not_there_give_nothing(tmp_path: Path) -> None:
    hold = running.Confinement(read=("/usr", "/bin", "/lib", "/lib64", str(tmp_path / "absent")), write=())
    done = running.run_confined(["/bin/echo", "well"], folder="/", env={}, hold=hold, again="")
    assert (done.status, done.output) == (0, "well")
