"""What a trace and the sources say of a server."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mpp.author.migrating import tracing, variables
from mpp.author.migrating.evidence import code_folders, grouped, own
from mpp.author.migrating.tracing import observed, query_name, read_trace, Trace, trace_command
from mpp.author.migrating.variables import script_of, variables_in


def hexed(text: str | bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in (text.encode() if isinstance(text, str) else text))


def query(name: str) -> bytes:
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    return b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + labels + b"\0\0\x01\0\x01"


def opened(path: str, flags: str, *, pid: int = 7, result: str = "3") -> str:
    return f'{pid} openat(AT_FDCWD<{hexed("/work")}>, "{hexed(path)}", {flags}) = {result}<{hexed(path)}>'


def connect(address: str, port: int, kind: str = "TCP") -> str:
    return f'7 connect(3<{kind}:[5]>, {{sa_family=AF_INET, sin_port=htons({port}), sin_addr=inet_addr("{hexed(address)}")}}, 16) = -1 EINPROGRESS (Operation now in progress)'


def traced(*lines: str) -> Trace:
    return read_trace(io.BytesIO("".join(line + "\n" for line in lines).encode()))


def test_files_are_read_listed_or_written() -> None:
    found = traced(
        opened("/data/a.txt", "O_RDONLY|O_CLOEXEC"),
        opened("/data", "O_RDONLY|O_DIRECTORY"),
        opened("/data/b.txt", "O_WRONLY|O_CREAT|O_TRUNC, 0666"),
        opened("/data/c é>.txt", "O_RDWR"),
        f'7 creat("{hexed("/data/d")}", 0666) = 4<{hexed("/data/d")}>',
        f'7 openat(AT_FDCWD<{hexed("/work")}>, "{hexed("/absent")}", O_RDONLY) = -1 ENOENT (No such file or directory)',
        f'7 rename("{hexed("/data/e")}", "{hexed("/data/f")}") = 0',
        f'7 unlinkat(AT_FDCWD<{hexed("/work")}>, "{hexed("../g")}", 0) = 0',
        f'7 mkdir("{hexed("relative")}", 0777) = 0',
        f'7 execve("{hexed("/usr/bin/node")}", ["{hexed("node")}"], 0x7ffc /* 9 vars */) = 0',
    )
    assert found.read == {"/data/a.txt"}
    assert found.listed == {"/data"}
    assert found.written == {"/data/b.txt", "/data/c é>.txt", "/data/d", "/data/e", "/data/f", "/g"}
    assert list(found.programs) == ["/usr/bin/node"]


def test_a_call_in_two_lines_is_put_together() -> None:
    whole = opened("/data/a.txt", "O_WRONLY")
    head, tail = whole.split(", O_WRONLY")
    found = traced(
        head + " <unfinished ...>", opened("/data/b.txt", "O_RDONLY", pid=8), "7 <... openat resumed>, O_WRONLY" + tail, "9 <... openat resumed>) = 3"
    )
    assert found.written == {"/data/a.txt"}
    assert found.read == {"/data/b.txt"}


def test_names_that_are_looked_up_and_addresses_that_are_connected_to() -> None:
    sent = f'7 sendto(3<UDP:[10.0.0.1:5->10.0.0.53:53]>, "{hexed(query("api.example.com"))}", 33, 0, NULL, 0) = 33'
    elsewhere = f'7 sendto(3<UDP:[10.0.0.1:5->10.0.0.9:99]>, "{hexed(query("not.asked"))}", 33, 0, NULL, 0) = 33'
    six = f'7 connect(3<TCPv6:[5]>, {{sa_family=AF_INET6, sin6_port=htons(8443), sin6_flowinfo=htonl(0), inet_pton(AF_INET6, "{hexed("2001:db8::1")}", &sin6_addr), sin6_scope_id=0}}, 28) = 0'
    found = traced(
        sent, elsewhere, connect("192.0.2.7", 443), connect("192.0.2.8", 9, "UDP"), connect("127.0.0.1", 80), six, "rubbish", "7 +++ exited with 0 +++"
    )
    assert found.hosts == {"api.example.com"}
    seen = observed(found, ["node"], calls=2, home="/home/ada", traced_by="/usr/bin/strace")
    assert seen.addresses == ("127.0.0.1:80", "192.0.2.7:443", "[2001:db8::1]:8443")
    assert seen.ports == (443, 8443), "what stays on this machine is no port of a host"


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"\0" * 12,
        query("a.example")[:-6],
        query("a.example").replace(b"\x01\x00\x00\x01", b"\x81\x80\x00\x01"),
        query("a b"),
        query("a.example").replace(b"\0\x01\0\0", b"\0\x02\0\0", 1),
    ],
)
def test_what_is_no_query_names_no_host(packet: bytes) -> None:
    assert query_name(packet) == ""
    assert query_name(query("A.Example")) == "a.example"


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "SEEN_MAX", 3)
    monkeypatch.setattr(tracing, "TRACE_LINES_MAX", 8)
    found = traced(*(opened(f"/data/{i}", "O_RDONLY") for i in range(10)))
    assert len(found.read) == 3
    assert found.cut
    many = traced(*(f"{i} openat(AT_FDCWD <unfinished ...>" for i in range(8)))
    assert len(many._begun) == 3


def test_system_libraries_and_own_code_are_left_out(tmp_path: Path) -> None:
    script = tmp_path / "server.py"
    script.write_text("")
    code = code_folders(["/opt/node/bin/node", "/usr/bin/env", "/bin/sh", "/home/ada/bin/x"], ["python", str(script), "absent.py"], "/home/ada")
    assert {"/opt/node", "/usr", str(tmp_path)} <= set(code)
    assert "/home/ada" not in code
    paths = [
        "/usr/lib/x",
        "/usr/share/zoneinfo/UTC",
        "/etc/hosts",
        "/etc/ssl/openssl.cnf",
        "/app/node_modules/a/b.js",
        "/opt/node/lib/a",
        str(tmp_path / "other.py"),
        "/etc/app.toml",
        "/usrdata/a",
        "relative",
    ]
    assert own(paths, code) == ["/etc/app.toml", "/usr/share/zoneinfo/UTC", "/usrdata/a"]


@pytest.mark.parametrize(
    ("files", "folders", "expected"),
    [
        ([], [], ()),
        (["/d/a"], [], ("/d/a",)),
        (["/d/a", "/d/b"], [], ("/d",)),
        (["/d/a", "/d/b", "/d/e/f"], [], ("/d",)),
        (["/d/a"], ["/d"], ("/d",)),
        (["/a", "/b"], ["/"], ("/a", "/b")),
        ([f"/d/{i}/x" for i in range(100)], [], ("/d",)),
        (["/home/ada/.a", "/home/ada/.b", "/etc/a", "/etc/b"], [], ("/etc/a", "/etc/b", "/home/ada/.a", "/home/ada/.b")),
        (["/home/ada/.a"], ["/home/ada", "/tmp"], ("/home/ada", "/home/ada/.a", "/tmp")),
        ([f"/home/ada/{i}/x" for i in range(100)], [], tuple(sorted(f"/home/ada/{i}" for i in range(100))[:40])),
        ([f"/{i}" for i in range(100)], [], tuple(sorted(f"/{i}" for i in range(100))[:40])),
    ],
)
def test_files_are_grouped_by_folder(files: list[str], folders: list[str], expected: tuple[str, ...]) -> None:
    assert grouped(files, folders, "/home/ada") == expected


def test_variables_are_found_by_their_names_in_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "server.py"
    script.write_text("import os\nos.environ['A_KEY']\nos.environ.get(\"B_KEY\", '')\nos.getenv('C_KEY')\nos.environ[name]\n")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "part.py").write_text("os.environ.setdefault('D_KEY', '')")
    for folder in ("node_modules", ".venv"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "library.py").write_text("os.getenv('NOT_OURS')")
    (tmp_path / "other.js").write_text("process.env.OF_ANOTHER_LANGUAGE")
    names, searched = variables_in(str(script))
    assert names == ("A_KEY", "B_KEY", "C_KEY", "D_KEY")
    assert len(searched) == 2
    monkeypatch.setattr(variables, "SOURCES_MAX", 1)
    assert variables_in(str(script))[1] == (str(script),)
    monkeypatch.setattr(variables, "SOURCE_BYTES_MAX", 5)
    assert variables_in(str(script)) == ((), ())


def test_variables_of_javascript(tmp_path: Path) -> None:
    script = tmp_path / "index.js"
    script.write_text("process.env.PLAIN; process.env['QUOTED']; process.env?.x; process . env . spaced_too")
    assert variables_in(str(script))[0] == ("PLAIN", "QUOTED", "spaced_too")


def test_the_script_of_a_command(tmp_path: Path) -> None:
    script, shell, linked = tmp_path / "a.mjs", tmp_path / "tool", tmp_path / "link"
    script.write_text("")
    shell.write_text("#!/usr/bin/env node\n")
    (tmp_path / "sh").write_text("#!/bin/sh\n")
    linked.symlink_to(shell)
    assert script_of(["node", "--x", str(script), "arg"]) == str(script)
    assert script_of([str(linked)]) == str(shell)
    assert script_of([str(tmp_path / "sh")]) == ""
    assert script_of(["npx", "-y", "absent"]) == ""


def test_strace_itself_is_read(tmp_path: Path) -> None:
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed: its own words are not read here")
    out, data, made = tmp_path / "trace", tmp_path / "data é.txt", tmp_path / "made.txt"
    data.write_text("x")
    code = f"open({str(data)!r}).read(); open({str(made)!r}, 'w').close()\nimport socket\ns = socket.socket()\ntry: s.connect(('127.0.0.1', 9))\nexcept OSError: pass"
    done = subprocess.run(trace_command(strace, str(out), [sys.executable, "-S", "-E", "-c", code]), capture_output=True, check=False, timeout=60)
    if done.returncode:
        pytest.skip("strace may not trace here")
    with open(out, "rb") as stream:
        seen = observed(read_trace(stream), [sys.executable], calls=0, home="/home/nobody", traced_by=strace)
    assert str(data) in seen.reads
    assert str(made) in seen.writes
    assert seen.addresses == ("127.0.0.1:9",)
    assert seen.programs[0].startswith("/")
