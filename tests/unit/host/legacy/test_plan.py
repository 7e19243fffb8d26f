"""From what the owner wrote to what a starter is told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mpp.errors import HostFailed, Refused
from mpp.host.legacy import plan
from mpp.host.legacy.launch_plan import LaunchPlan, read_plan, Shown, write_plan
from mpp.host.legacy.limits import COMMAND_WORDS_MAX, PLAN_BYTES_MAX
from mpp.host.legacy.store import LegacyStore, read_servers, write_servers
from mpp.host.legacy.types import Entry, Header, Held, HostRule, Pin, Server, Stopped
from tests.unit.host.legacy.world import PROGRAM, server

CODE = [
    (("npx", "-y", "pkg@1.2.3"), True),
    (("npx", "-y", "@scope/pkg@1.2.3", "/x"), True),
    (("npx", "--package", "pkg@1.2.3", "bin"), True),
    (("npx", "-y", "pkg"), False),
    (("npx", "-y", "pkg@latest"), False),
    (("npx", "--package"), False),
    (("npx",), False),
    (("/opt/bin/npx", "-y", "pkg"), False),
    (("uvx", "mcp-server-time==1.0"), True),
    (("uvx", "mcp-server-time@1.0"), True),
    (("uvx", "--from", "pkg==1.0", "bin"), True),
    (("uvx", "mcp-server-time"), False),
    (("docker", "run", "x"), False),
    (("python3", "server.py"), True),
]


@pytest.mark.parametrize(("words", "expected"), CODE)
def test_is_the_code_pinned(words: tuple[str, ...], expected: bool) -> None:
    assert plan.is_code_pinned(words) is expected


HOSTS = [
    ("api.example.com", HostRule(host="api.example.com", port=443)),
    ("api.example.com:8443", HostRule(host="api.example.com", port=8443)),
    ("*.example.com:443", HostRule(host="example.com", port=443, wildcard=True)),
    ("localhost:8080", HostRule(host="localhost", port=8080)),
    ("10.0.0.1:80", HostRule(host="10.0.0.1", port=80)),
]


@pytest.mark.parametrize(("written", "expected"), HOSTS)
def test_hosts(written: str, expected: HostRule) -> None:
    assert plan.judge_host(written) == expected
    assert expected.shown in (written, f"{written}:443")


WRONG = [
    (plan.judge_host, "https://api.example.com"),
    (plan.judge_host, "*"),
    (plan.judge_host, "*.github.io"),
    (plan.judge_host, "localhost"),
    (plan.judge_host, "localhost:99999"),
    (plan.judge_host, "a b:1"),
    (plan.judge_variable, "LD_PRELOAD"),
    (plan.judge_variable, "https_proxy"),
    (plan.judge_variable, "A=B"),
    (plan.judge_variable, ""),
    (plan.judge_name, "a.b"),
    (plan.judge_name, "Upper"),
    (plan.judge_name, ""),
    (plan.judge_name, "../x"),
]


@pytest.mark.parametrize(("judge", "written"), WRONG)
def test_what_cannot_be_used(judge: object, written: str) -> None:
    with pytest.raises(Refused) as fault:
        judge(written)  # type: ignore[operator]
    assert fault.value.code == "usage.legacy"


@pytest.mark.parametrize("words", [("a",) * (COMMAND_WORDS_MAX + 1), ("a", "\0"), ("x" * 5000,), ("a", "\x1b[2J"), ("a", "\udcff")])
def test_commands_have_bounds(words: tuple[str, ...]) -> None:
    with pytest.raises(Refused):
        plan.judge_command(words)
    assert plan.judge_command(("a", "b")) == ("a", "b")


def test_paths_that_are_never_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    person, home, data = tmp_path / "person", tmp_path / "person" / ".mpp", tmp_path / "data"
    for one in (home, data):
        one.mkdir(parents=True)
    (data / "a.sock").touch()
    (data / "a\x1b").touch()
    monkeypatch.setenv("HOME", str(person))
    assert plan.judge_path("data", str(home), here=str(tmp_path)) == str(data)
    (tmp_path / "link").symlink_to(data)
    assert plan.judge_path("link", str(home), here=str(tmp_path)) == str(data)
    for wrong in (
        str(home),
        str(home / "x"),
        str(person),
        str(tmp_path),
        "/",
        "/proc/self",
        "/dev",
        str(data / "a.sock"),
        str(data / "a\x1b"),
        str(data / "absent"),
        "~",
    ):
        with pytest.raises(Refused):
            plan.judge_path(wrong, str(home), here=str(tmp_path))


def test_files_among_the_words_are_shown(tmp_path: Path) -> None:
    (tmp_path / "server.py").touch()
    (tmp_path / "folder").mkdir()
    found = plan.files_among(("python3", "server.py", "plain", str(tmp_path / "folder"), "absent.py"), "/nowhere", here=str(tmp_path))
    assert found == (str(tmp_path / "server.py"),)


def test_a_path_that_was_swapped_is_not_shown(tmp_path: Path) -> None:
    folder, secret = tmp_path / "folder", tmp_path / "secret"
    folder.mkdir()
    made = server(write=(str(folder),))
    assert Shown(str(folder), write=True) in plan.plan_of(made, {}, environment=os.environ, mpp_home="/nowhere").shown
    folder.rmdir()
    with pytest.raises(Refused, match="not there any more"):
        plan.plan_of(made, {}, environment=os.environ, mpp_home="/nowhere")
    secret.mkdir()
    folder.symlink_to(secret)
    with pytest.raises(Refused, match="leads elsewhere"):
        plan.plan_of(made, {}, environment=os.environ, mpp_home="/nowhere")


def test_an_installation_is_shown_and_a_home_is_not(tmp_path: Path) -> None:
    for name in ("tools/bin", "person/bin", "person/.local/bin", "real/bin"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "run").touch()
    (tmp_path / "tools/bin/linked").symlink_to("../../real/bin/run")
    environment = {"HOME": str(tmp_path / "person")}

    def runtime(path: str) -> tuple[str, ...]:
        return plan.runtime_of(str(tmp_path / path), environment, str(tmp_path / "person/.mpp"))

    assert runtime("tools/bin/run") == (str(tmp_path / "tools"),)
    assert runtime("tools/bin/linked") == (str(tmp_path / "tools"), str(tmp_path / "real"))
    assert runtime("person/bin/run") == (str(tmp_path / "person/bin/run"),)
    assert runtime("person/.local/bin/run") == (str(tmp_path / "person/.local/bin/run"),)
    assert plan.runtime_of("/usr/bin/env", environment, "/nowhere") == ()


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(Refused, match="no program"):
        plan.find_program("surely-not-here", {"PATH": "/usr/bin"})


def test_variables_and_the_way_to_the_proxy() -> None:
    made = LaunchPlan(command=("/bin/true",), env=(("A", "1"),), home="/home/mcp", proxied=True)
    found = made.variables(81)
    assert (found["A"], found["HTTPS_PROXY"], found["https_proxy"]) == ("1", "http://127.0.0.1:81", "http://127.0.0.1:81")
    assert made._replace(proxied=False).variables(81) == {"A": "1"}
    assert made._replace(sandboxed=False).variables(81) == {"A": "1"}
    assert made.variables(0) == {"A": "1"}


def test_a_server_without_a_sandbox_keeps_its_surroundings() -> None:
    found = plan.plan_of(server(sandboxed=False), {"KEY": "v"}, environment={"HOME": "/h", "PATH": os.environ["PATH"], "SECRET": "s"}, mpp_home="/nowhere")
    assert (found.sandboxed, found.home, dict(found.env)["KEY"], "SECRET" in dict(found.env)) == (False, "/h", "v", False)


def test_a_plan_comes_through_as_it_was(tmp_path: Path) -> None:
    made = plan.plan_of(server(write=(str(tmp_path),)), {"A": "b"}, environment=os.environ, mpp_home="/nowhere", namespaces=False, landlock=3)
    assert read_plan(write_plan(made)) == made
    with pytest.raises(OSError, match="too long"):
        write_plan(made._replace(env=(("A", "x" * PLAN_BYTES_MAX),)))


def entry(name: str = "tests") -> Entry:
    made = server(name, hosts=(HostRule(host="example.com", port=1, wildcard=True),), env=("A",), headers=(Header(name="X", secret="Y"),), folder="/srv")
    pin = Pin(name="t", digest="0" * 64, document='{"name":"t"}')
    return Entry(server=made, pins=(pin,), held=(Held(name="u", why="new"),), stopped=Stopped(since=5, why="crashes"))


WORDS = [("docker", "run", "-e", "A", "-e", "B"), ("x", "", ""), ("sh", "-c", "one\n\ttwo"), ("x", "ü", "\u202e")]


@pytest.mark.parametrize("words", WORDS)
def test_a_command_comes_back_word_for_word(words: tuple[str, ...], tmp_path: Path) -> None:
    made = Entry(server=Server(name="a", kind="stdio", command=plan.judge_command(words)))
    LegacyStore(str(tmp_path)).put(made)
    assert LegacyStore(str(tmp_path)).load() == {"a": made}


UNREADABLE = [
    Server(name="b", kind="stdio", command=("x", "\x1b")),
    Server(name="b", kind="stdio", command=("x", "\udcff")),
    Server(name="b", kind="stdio", command=("x",), read=("/a", "/a")),
    Server(name="b", kind="stdio", command=("x",), by="u" * 1000),
]


@pytest.mark.parametrize("made", UNREADABLE)
def test_what_could_not_be_read_again_is_never_written(made: Server, tmp_path: Path) -> None:
    """One server that is written wrongly would take all others with it."""
    store = LegacyStore(str(tmp_path))
    store.put(Entry(server=server("a")))
    with pytest.raises(Refused) as fault:
        store.put(Entry(server=made))
    assert fault.value.code == "usage.legacy"
    assert set(LegacyStore(str(tmp_path)).load()) == {"a"}


def test_the_document_comes_back_as_it_was(tmp_path: Path) -> None:
    found = entry()
    assert read_servers(write_servers({"tests": found, "b": Entry(server=server("b"))}), where="x") == {"tests": found, "b": Entry(server=server("b"))}
    store = LegacyStore(str(tmp_path))
    assert (store.load(), store.revision()) == ({}, ())
    store.put(found)
    before = store.revision()
    store.update(found)
    assert store.revision() == before, "nothing changed"
    assert LegacyStore(str(tmp_path)).find("tests") == found
    assert os.stat(store.path).st_mode & 0o077 == 0
    with pytest.raises(Refused, match="already"):
        store.put(found)
    with pytest.raises(Refused, match="no older server"):
        store.find("test")
    store.stop("tests", 7, "why")
    store.stop("absent", 7, "why")
    assert store.find("tests").stopped == Stopped(since=7, why="why")
    # What was found out about a server that was changed meanwhile does not count.
    store.update(Entry(server=Server(name="tests", kind="http", url="https://example.com")))
    assert store.find("tests").server == found.server
    assert store.remove("tests").server == found.server
    assert store.load() == {}


@pytest.mark.parametrize(
    "data",
    [b"{", b'{"mpp_legacy":1,"servers":[{}]}', b'{"mpp_legacy":1,"servers":[],"more":1}', write_servers({"a": entry("a")}).replace(b'"stdio"', b'"magic"')],
)
def test_a_document_of_somebody_else(data: bytes) -> None:
    with pytest.raises(HostFailed, match="cannot be read"):
        read_servers(data, where="x")


def test_a_document_that_cannot_be_looked_at(tmp_path: Path) -> None:
    (tmp_path / "legacy").write_text("a file where a folder should be", encoding="ascii")
    with pytest.raises(HostFailed, match="cannot look at"):
        LegacyStore(str(tmp_path)).load()


def test_a_store_that_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mpp.host.legacy.store.SERVERS_MAX", 1)
    store = LegacyStore(str(tmp_path))
    store.put(Entry(server=server("a")))
    with pytest.raises(Refused, match="there are 1 servers"):
        store.put(Entry(server=server("b")))


def test_the_content_hash_names_all_that_was_agreed_to() -> None:
    one = entry()
    others = [
        Entry(server=server("tests", "rug"), pins=one.pins),
        Entry(server=server("tests", hosts=one.server.hosts, env=("A",), sandboxed=False), pins=one.pins),
        Entry(server=one.server, pins=()),
    ]
    assert len({one.content_hash, *(other.content_hash for other in others)}) == 4
    assert PROGRAM in one.server.read
