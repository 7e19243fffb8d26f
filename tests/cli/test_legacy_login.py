"""``mpp legacy add --oauth``, ``login`` and ``remove``: at the command line, with a browser that says yes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mpp.cli import screen
from mpp.errors import Refused
from mpp.host.home import Home
from mpp.host.host import Host
from mpp.host.secret_store import open_secrets
from mpp.host.sources.naming import public_name
from tests import records
from tests.cli.conftest import Mpp
from tests.unit.host.legacy.login_world import browse, Protected, TOOL


@pytest.fixture
def far(monkeypatch: pytest.MonkeyPatch) -> Iterator[Protected]:
    """Whoever reads an address from the screen opens it."""

    def note(text: str) -> None:
        screen.note(text)
        if text.startswith("http"):
            browse(text)

    monkeypatch.setattr("mpp.cli.legacy.add.note", note)
    made = Protected()
    with made.site:
        yield made


def test_a_person_adds_a_server_that_wants_a_login(mpp: Mpp, home: Path, far: Protected) -> None:
    answer = mpp("legacy", "add", "board", far.url, "--oauth", "--yes")
    assert answer.code == 0, answer.err
    for words in (
        f"login     at {far.issuer}, by you, in a browser",
        "known as  whatever it registers this host as",
        "may       read",
        "board__whoami",
        "1 tools, not verified",
    ):
        assert words in answer.out, words
    assert f"{far.issuer}/authorize?" in answer.err
    everything = answer.out + answer.err + (home / "legacy" / "servers.json").read_text()
    assert "access-" not in everything
    assert "refresh-" not in everything
    assert mpp("legacy", "show", "board", "--json").json["server"]["login"] == {
        "issuer": far.issuer,
        "client_id": "",
        "secret": "",
        "scopes": ["read"],
        "own": False,
    }
    # Whatever reads secrets shows that there is one, and not what it is.
    listed = mpp("secret", "list")
    assert "oauth-board" in listed.out
    assert "access-" not in listed.out + mpp("secret", "list", "--json").out


def test_logging_in_anew_and_out(mpp: Mpp, home: Path, far: Protected) -> None:
    assert mpp("legacy", "add", "board", far.url, "--oauth", "--yes", "--no-start").code == 0
    assert far.issued == 0
    missing = mpp("legacy", "test", "board")
    assert "nobody is logged in there any more" in missing.err
    assert mpp("legacy", "login", "board").out == "Logged in at board.\n"
    assert mpp("legacy", "login", "board", "--json").json == {"ok": True, "logged_in": "board"}
    assert mpp("legacy", "test", "board").code == 0
    assert mpp("legacy", "remove", "board", "--json").json == {"ok": True, "removed": "board", "revoked": True}
    assert far.revoked == ["refresh-2"]
    assert open_secrets(Home(path=str(home))).load() == {}
    changes = [event.body["change"] for event in records.events(home) if event.kind == "trust"]
    assert changes == ["added", "logged in", "logged in", "removed"]
    # Where the issuer cannot be told, the person is.
    mpp("legacy", "add", "board", far.url, "--oauth", "--yes")
    far.changes["/id/revoke"] = lambda: b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"
    assert f"{far.issuer} may list it still" in mpp("legacy", "remove", "board").err


def test_a_login_is_given_back_where_nothing_comes_of_it(mpp: Mpp, home: Path, far: Protected) -> None:
    far.changes["/id/token"] = {"access_token": "of-no-use"}
    answer = mpp("legacy", "add", "board", far.url, "--oauth", "--yes")
    assert "takes no token of this login" in answer.err
    assert far.revoked == ["refresh-2"]
    assert open_secrets(Home(path=str(home))).load() == {}


def test_a_tool_whose_name_no_client_takes_is_called_under_another(mpp: Mpp, home: Path, far: Protected) -> None:
    """Spec: mcp-front J-37, for a server over HTTP."""
    far.tool = {**TOOL, "name": "who.is.there"}
    name = public_name("board", "who.is.there")
    answer = mpp("legacy", "add", "board", far.url, "--oauth", "--yes")
    assert name in answer.out
    assert mpp("legacy", "show", "board", "--json").json["server"]["served_as"] == {"who.is.there": name}
    assert f"agents see board__who.is.there as {name}" in mpp("legacy", "show", "board").out
    Path("p.toml").write_text('mpp_policy = 1\nname = "open"\n[[rules]]\nid = "all"\neffect = "allow"\ntools = ["who.is.there"]\n')
    assert mpp("policy", "use", "p.toml", "--yes").code == 0
    with Host.open(str(home)) as host:
        assert host.call(name, {}).result["content"] == [{"type": "text", "text": "ada"}]
        with pytest.raises(Refused, match="there is no tool"):
            host.call("board__who.is.there", {})


WRONG = [
    (("--scope", "read"), "--oauth"),
    (("--oauth", "--header", "Authorization", "--secret", "X"), "no other Authorization"),
    (("--oauth", "--own"), "--own needs both"),
    (("--oauth", "--client-secret", "X"), "a secret is that of a client"),
    (("--oauth", "--scope", "a b"), "one that is none"),
    (("--oauth", "--issuer", "https://bank.example.com"), "other issuers"),
]


@pytest.mark.parametrize(("options", "words"), WRONG)
def test_logins_that_cannot_be(mpp: Mpp, far: Protected, options: tuple[str, ...], words: str) -> None:
    answer = mpp("legacy", "add", "board", far.url, *options, "--yes")
    assert answer.code != 0
    assert words in answer.err


def test_a_server_without_a_login_has_none(mpp: Mpp, far: Protected) -> None:
    assert mpp("legacy", "add", "plain", far.url, "--yes", "--no-start").code == 0
    assert "not added with --oauth" in mpp("legacy", "login", "plain").err
    assert mpp("legacy", "add", "local", "--oauth", "--yes", "--", "true").code == 2
    assert mpp("legacy", "remove", "plain", "--json").json == {"ok": True, "removed": "plain"}
