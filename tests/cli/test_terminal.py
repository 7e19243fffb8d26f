"""A person at a terminal: the first-use question, passphrases, colours, Ctrl-C."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from mpp.testing import packages
from tests.cli.conftest import EXECUTABLE, Mpp
from tests.cli.terminal import SECONDS_MAX, Terminal

Open = Callable[..., Terminal]
ASKED = "Type yes to trust it: "


def _publishers(mpp: Mpp) -> list[dict[str, object]]:
    found: list[dict[str, object]] = mpp("trust", "list", "--json").json["publishers"]
    return found


def test_yes_pins_and_is_asked_once(mpp: Mpp, strange: Path, terminal: Open) -> None:
    with terminal("verify", strange) as person:
        person.wait_for(ASKED)
        assert "calls itself 'Example Publisher'" in person.screen
        assert person.screen.index("fingerprint") < person.screen.index("calls itself"), "what nobody can choose comes first"
        assert "com.example.hello 0.1.0" in person.screen
        person.type("yes\n")
        assert person.end() == 0
    assert "(pinned)" in person.screen
    state = mpp("trust", "list", "--json").json
    assert state["pins"] == {"com.example.hello": state["publishers"][0]["id"]}
    assert state["publishers"][0]["any_package"] is False
    assert state["publishers"][0]["id"][:4] in person.screen
    with terminal("verify", strange) as person:
        assert person.end() == 0
    assert ASKED not in person.screen
    assert mpp("verify", strange).code == 0


def test_another_package_of_the_same_publisher_is_asked_again(mpp: Mpp, strange: Path, terminal: Open) -> None:
    found = mpp("verify", strange, "--json").json["publisher"]["id"]
    assert mpp("trust", "add", strange, "--fingerprint", found, "--until", "2100-01-01").code == 0
    Path("other.mpp").write_bytes(packages.signed(changes={"package_id": "com.example.other"}))
    assert mpp("verify", "other.mpp", "--json").json["error"]["code"] == "publisher.package_unpinned"
    with terminal("verify", "other.mpp") as person:
        person.wait_for(ASKED)
        person.type("yes\n")
        assert person.end() == 0
    state = mpp("trust", "list", "--json").json
    assert sorted(state["pins"]) == ["com.example.hello", "com.example.other"]
    assert state["publishers"][0]["until"] == 4102444800, "a yes to a package never lengthens the trust in its publisher"


@pytest.mark.parametrize("answer", ["no\n", "\n", "y\n", "yes please\n", "\x04"], ids=["no", "empty", "y", "more", "end of input"])
def test_anything_but_yes_is_no(mpp: Mpp, strange: Path, terminal: Open, answer: str) -> None:
    with terminal("verify", strange) as person:
        person.wait_for(ASKED)
        person.type(answer)
        assert person.end() == 20
    assert "[publisher.unknown]" in person.screen
    assert _publishers(mpp) == []


def test_what_was_typed_before_is_no_answer(mpp: Mpp, strange: Path, terminal: Open) -> None:
    with terminal("verify", strange) as person:
        person.type("yes\n")
        person.wait_for(ASKED)
        person.type("\x04")
        assert person.end() == 20
    assert _publishers(mpp) == []


@pytest.mark.parametrize("words", [["--json"], ["--trust", "nobody.json"]])
def test_machines_are_never_asked(terminal: Open, mpp: Mpp, strange: Path, words: list[str]) -> None:
    empty = {"mpp_trust": 1, "publishers": [], "pins": {}, "prefixes": {}, "revoked_publishers": [], "revoked_content": [], "installed": [], "first_use": True}
    Path("nobody.json").write_text(json.dumps(empty, separators=(",", ":"), sort_keys=True))
    with terminal("verify", strange, *words) as person:
        assert person.end() == 20
    assert ASKED not in person.screen


def test_without_a_terminal_nobody_is_asked(mpp: Mpp, process: Mpp, strange: Path) -> None:
    """Neither a pipe nor a file answers, and a pipe on one side is enough to be refused."""
    assert process("verify", strange, stdin=None, input="yes\n").code == 20
    assert process("trust", "add", strange, stdin=None, input="yes\n").code == 20
    assert _publishers(mpp) == []


def test_the_question_comes_only_after_the_signature_holds(strange: Path, terminal: Open) -> None:
    data = bytearray(strange.read_bytes())
    at = data.rindex(b'"sig":"') + 10
    data[at : at + 4] = b"AAAA"
    strange.write_bytes(data)
    with terminal("verify", strange) as person:
        assert person.end() in {11, 15}
    assert ASKED not in person.screen


def test_a_look_alike_is_named(mpp: Mpp, signed: Path, terminal: Open) -> None:
    owner = mpp("trust", "list", "--json").json["publishers"][0]["id"]
    assert mpp("trust", "pin", "com.example.hello", owner).code == 0
    Path("alike.mpp").write_bytes(packages.signed(changes={"package_id": "com.example.hell0"}))
    with terminal("verify", "alike.mpp") as person:
        person.wait_for(ASKED)
        person.type("no\n")
        assert person.end() == 20
    assert "WARNING" in person.screen
    assert "looks like com.example.hello" in person.screen


def test_an_id_never_moves_by_a_yes(mpp: Mpp, signed: Path, strange: Path, terminal: Open) -> None:
    """Dependency confusion: the id belongs to our own publisher; a stranger's package of that id is not even asked about."""
    owner = mpp("trust", "list", "--json").json["publishers"][0]["id"]
    assert mpp("trust", "pin", "com.example.hello", owner).code == 0
    with terminal("verify", strange) as person:
        assert person.end() == 20
    assert ASKED not in person.screen
    with terminal("trust", "add", strange) as person:
        assert person.end() == 20
    assert ASKED not in person.screen
    assert mpp("trust", "list", "--json").json["pins"] == {"com.example.hello": owner}


def test_trust_add_asks(mpp: Mpp, strange: Path, terminal: Open) -> None:
    with terminal("trust", "add", strange) as person:
        person.wait_for(ASKED)
        person.type("yes\n")
        assert person.end() == 0
    assert mpp("verify", strange).code == 0


@pytest.mark.parametrize(("env", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_colours(signed: Path, env: dict[str, str], coloured: bool) -> None:
    settings = {**os.environ, "TERM": "xterm", **env}
    with Terminal([*EXECUTABLE, "verify", str(signed)], env=settings, cwd=Path.cwd()) as person:
        assert person.end() == 0
    assert ("\x1b[32m✓" in person.screen) is coloured
    assert ("\x1b" in person.screen) is coloured


def test_a_passphrase_is_asked_twice_and_opens_the_key(mpp: Mpp, unsigned: Path, terminal: Open, home: Path) -> None:
    secret = "correct " + "horse"
    with terminal("keygen", "--name", "Ada") as person:
        person.wait_for("Passphrase for the new keys: ")
        person.type(secret + "\n")
        person.wait_for("Repeat for confirmation: ")
        person.type(secret + "\n")
        assert person.end() == 0
    assert secret not in person.screen
    assert '"seed"' not in (home / "keys" / "publisher.key").read_text()
    with terminal("sign", unsigned) as person:
        person.wait_for("Passphrase for publisher.key: ")
        person.type("another\n")
        assert person.end() == 3
    assert "[key.passphrase]" in person.screen
    with terminal("sign", unsigned) as person:
        person.wait_for("Passphrase for publisher.key: ")
        person.type(secret + "\n")
        assert person.end() == 0
    assert secret not in person.screen
    refused = mpp("sign", unsigned, "--replace")
    assert (refused.code, "--passphrase-file" in refused.err) == (2, True)


@pytest.mark.parametrize("as_json", [False, True])
def test_ctrl_c_at_a_question(mpp: Mpp, strange: Path, terminal: Open, home: Path, as_json: bool) -> None:
    with terminal("keygen", *(["--json"] if as_json else [])) as person:
        person.wait_for("Passphrase for the new keys: ")
        person.type("\x03")
        assert person.end() == 130
    assert "Traceback" not in person.screen
    assert "usage.stopped" in person.screen
    assert not (home / "keys").exists()
    with terminal("verify", strange) as person:
        person.wait_for(ASKED)
        person.type("\x03")
        assert person.end() == 130
    assert _publishers(mpp) == []


def test_ctrl_c_while_compiling_leaves_the_old_package(built: Path, tmp_path: Path) -> None:
    project = tmp_path / "hello"
    shutil.copytree(built, project)
    old = (project / "hello-0.1.0.mpp").read_bytes()
    (project / "src" / "main.c").write_text((project / "src" / "main.c").read_text() + "\n/* slow down */\n")
    # Not measured: an interrupt inside the collector of coverage leaves its own lock held for ever.
    env = {name: text for name, text in os.environ.items() if not name.startswith("COVERAGE")}
    child = subprocess.Popen([*EXECUTABLE, "build", "--json"], cwd=project, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, env=env)
    assert child.stderr is not None
    assert b"compiling" in child.stderr.readline()
    os.killpg(child.pid, signal.SIGINT)
    out, err = child.communicate(timeout=SECONDS_MAX)
    assert child.returncode == 130
    assert json.loads(out)["error"]["exit_code"] == 130
    assert b"Traceback" not in err
    assert (project / "hello-0.1.0.mpp").read_bytes() == old
    assert [one.name for one in project.iterdir() if one.name.endswith(".tmp")] == []
