"""Values of servers: whose is whose, and where they go in words and addresses."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from mpp.errors import HostFailed, MppError, Refused, ToolFailed
from mpp.host.home import Home
from mpp.host.legacy.connection import StdioConnection
from mpp.host.legacy.http_connection import HttpConnection
from mpp.host.legacy.keeping import connect
from mpp.host.legacy.limits import FILLED_CHARS_MAX, HEADERS_MAX
from mpp.host.legacy.plan import judge_folder, judge_headers, plan_of
from mpp.host.legacy.types import Entry, Header, Server
from mpp.host.legacy.values import check_marked, filled, filled_address, values_of
from mpp.host.secret_entry import make_entry
from mpp.host.secret_store import open_secrets, SecretStore
from tests.unit.host.legacy.world import call, server, World

VALUE, OTHER = "made-" + "up-one", "made-" + "up-two"


@pytest.fixture
def secrets(place: Path) -> SecretStore:
    return open_secrets(Home(path=str(place)))


def put(secrets: SecretStore, name: str, text: str, *packages: str, **more: str) -> None:
    secrets.put(make_entry(name, text, created=1, packages=packages, **more), replace=True)


def named(name: str, *env: str) -> Server:
    return Server(name=name, kind="stdio", command=("x",), env=env)


def test_a_value_of_a_server_goes_before_the_one_that_all_share(secrets: SecretStore) -> None:
    put(secrets, "API_KEY", VALUE)
    assert values_of(named("one", "API_KEY"), secrets, {}) == {"API_KEY": VALUE}
    put(secrets, "legacy-one-API_KEY", OTHER, "legacy.one")
    assert values_of(named("one", "API_KEY"), secrets, {}) == {"API_KEY": OTHER}
    assert values_of(named("two", "API_KEY"), secrets, {}) == {"API_KEY": VALUE}
    assert values_of(named("two"), secrets, {}) == {}


REFUSED: list[tuple[str, tuple[str, ...], dict[str, str], str]] = [
    ("legacy-one-API_KEY", ("legacy.two",), {}, "secret.package"),
    ("API_KEY", ("legacy.two",), {}, "secret.package"),
    ("NO_KEY", (), {}, "secret.missing"),
]


@pytest.mark.parametrize(("name", "packages", "more", "code"), REFUSED)
def test_a_value_that_a_server_may_not_have(secrets: SecretStore, name: str, packages: tuple[str, ...], more: dict[str, str], code: str) -> None:
    put(secrets, name, VALUE, *packages, **more)
    with pytest.raises(MppError) as fault:
        values_of(named("one", "API_KEY"), secrets, {})
    assert fault.value.code == code
    assert VALUE not in str(fault.value)


def test_a_header_is_never_a_variable(secrets: SecretStore) -> None:
    put(secrets, "legacy-one-API_KEY", VALUE, host="a.example.com", header="X-Key")
    with pytest.raises(MppError) as fault:
        values_of(named("one", "API_KEY"), secrets, {})
    assert fault.value.code == "secret.binding"


FILLED = [
    ("--key=${A}", "--key=1"),
    ("${A}${B}${A}", "1${A}1"),
    ("$A ${C} ${a} ${A", "$A ${C} ${a} ${A"),
    ("", ""),
]


@pytest.mark.parametrize(("text", "expected"), FILLED)
def test_words_with_values(text: str, expected: str) -> None:
    """A value is not looked through again, and what is no variable of the server stays as it is."""
    assert filled(text, {"A": "1", "B": "${A}"}) == expected


def test_a_word_with_too_much_in_it() -> None:
    with pytest.raises(HostFailed) as fault:
        filled("${A}" * 100, {"A": VALUE * (FILLED_CHARS_MAX // 100)})
    assert VALUE not in str(fault.value)


def test_the_program_is_never_a_value() -> None:
    made = Server(name="a", kind="stdio", command=("/bin/${A}", "${A}"), env=("A",))
    with pytest.raises(Refused, match="no program"):
        plan_of(made, {"A": "true"}, environment=os.environ, mpp_home="/nowhere")
    found = plan_of(replace(made, command=("/bin/true", "-${A}", "${B}")), {"A": VALUE}, environment=os.environ, mpp_home="/nowhere")
    assert found.command[1:] == ("-" + VALUE, "${B}")


def test_addresses_with_values() -> None:
    assert filled_address("https://a.example.com/${A}?k=${B}", {"A": "x/y", "B": "1%20"}) == "https://a.example.com/x/y?k=1%20"
    assert filled_address("https://a.example.com/${A}", {}) == "https://a.example.com/${A}"


@pytest.mark.parametrize(
    "url", ["https://${A}/x", "https://a.example.com${A}/", "https://a.example.com:${A}/", "${A}://a.example.com", "https://u:${A}@a.example.com/"]
)
def test_a_value_is_no_host(url: str) -> None:
    with pytest.raises(Refused):
        check_marked(url)


@pytest.mark.parametrize("text", ["x y", "x\r\nHost: evil.example.com", "é", "x#y", "x" * 3000])
def test_values_that_no_address_can_hold(text: str) -> None:
    with pytest.raises(HostFailed) as fault:
        filled_address("https://a.example.com/${A}", {"A": text})
    assert text not in str(fault.value) + fault.value.faults[0].where + fault.value.faults[0].hint


HEADERS = [
    (("Host", "A"),),
    (("Accept", "A"),),
    (("Mcp-Session-Id", "A"),),
    (("X-Key", "A"), ("x-key", "B")),
    (("X Key", "A"),),
    (("X-Key", "A=B"),),
    tuple((f"X-{index}", "A") for index in range(HEADERS_MAX + 1)),
]


@pytest.mark.parametrize("pairs", HEADERS)
def test_headers_that_are_none(pairs: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(Refused):
        judge_headers(pairs)


def test_several_headers_and_an_address_with_a_value(secrets: SecretStore, monkeypatch: pytest.MonkeyPatch) -> None:
    put(secrets, "legacy-web-Authorization", VALUE, host="web.example.com", header="Authorization")
    put(secrets, "TEAM", OTHER, host="web.example.com", header="X-Team")
    put(secrets, "legacy-web-URL", "mcp?k=1", "legacy.web")
    made = Server(
        name="web",
        kind="http",
        url="https://web.example.com/${URL}",
        env=("URL",),
        headers=judge_headers((("Authorization", "legacy-web-Authorization"), ("X-Team", "TEAM"))),
    )
    monkeypatch.setattr(HttpConnection, "open", lambda _: None)
    found = HttpConnection.opened(made, secrets, {}, ())
    assert found._headers == {"Authorization": VALUE, "X-Team": OTHER}
    assert (found._parts.path, found._parts.query) == ("/mcp", "k=1")
    assert found.hosts() == ("web.example.com:443",)
    assert made.headers[1] == Header(name="X-Team", secret="TEAM")


def test_a_folder_to_start_in(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "file").touch()
    assert judge_folder("work", "/nowhere", here=str(tmp_path)) == str(tmp_path / "work")
    for wrong in ("file", "absent", "/", "~"):
        with pytest.raises(Refused):
            judge_folder(wrong, "/nowhere", here=str(tmp_path))


@pytest.mark.parametrize("namespaces", [True, False])
def test_a_server_has_its_values_and_stands_in_its_folder(world: World, tmp_path: Path, namespaces: bool) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "note").write_text("here", encoding="ascii")
    put(world.about.secrets, "legacy-tests-ARG", VALUE, "legacy.tests")
    made = server("tests", "plain", "${ARG}", read=(str(folder),), env=("ARG",), folder=str(folder))
    found = connect(made, replace(world.about, namespaces=namespaces))
    assert isinstance(found, StdioConnection)
    try:
        seen = json.loads(call(found, "look"))
        assert (seen["env"]["ARG"], seen["cwd"]) == (VALUE, str(folder))
        assert call(found, "read_file", {"path": "note"}) == "here"
        assert VALUE in call(found, "read_file", {"path": "/proc/self/cmdline"}) or not namespaces
    finally:
        found.close()


SAYS = "import sys; sys.exit('usage: ' + ' '.join(sys.argv[1:]))"


def test_a_program_that_writes_its_command_out_does_not_show_its_values(world: World) -> None:
    put(world.about.secrets, "legacy-says-ARG", VALUE, "legacy.says")
    put(world.about.secrets, "legacy-says-LEVEL", "info", "legacy.says")
    command = (sys.executable, "-S", "-c", SAYS, "--key=${ARG}", "${LEVEL}", "${OTHER}")
    made = Server(name="says", kind="stdio", command=command, env=("ARG", "LEVEL"))
    with pytest.raises(ToolFailed) as fault:
        connect(made, world.about)
    (found,) = fault.value.faults
    assert found.where == "it wrote: usage: --key=*** info ${OTHER}"
    assert VALUE not in str(fault.value)


def test_a_folder_that_is_gone_keeps_a_server_from_starting(world: World, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="not there any more"):
        connect(server("tests", folder=str(tmp_path / "gone")), world.about)


def test_the_content_hash_names_folder_and_headers() -> None:
    made = server()
    others = [
        made,
        replace(made, folder="/srv"),
        replace(made, headers=(Header(name="A", secret="B"),)),
        replace(made, headers=(Header(name="A", secret="C"),)),
    ]
    assert len({Entry(server=one).content_hash for one in others}) == 4
