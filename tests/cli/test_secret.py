"""secret: values come from a terminal, a pipe, a file or a command, and never go out again."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mpp.cli import app
from mpp.cli.commands import secret as module
from mpp.host.home import Home
from mpp.host.secret_entry import SECRET_BYTES_MAX, SecretEntry
from mpp.host.secret_store import SecretStore
from tests.cli.conftest import Answer, Mpp
from tests.cli.terminal import Terminal

VALUE = "sk-" + "abc" * 9
BIND = ("--host", "api.example.com", "--header", "Authorization")


@pytest.fixture(autouse=True)
def no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    """The keyring of whoever runs the tests is left alone, in other processes too."""
    monkeypatch.setitem(sys.modules, "keyring", None)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")


@pytest.fixture
def stored(home: Path) -> Callable[[], dict[str, SecretEntry]]:
    def load() -> dict[str, SecretEntry]:
        at = Home(path=str(home))
        return dict(SecretStore(at.secrets, at.seal).load())

    return load


@pytest.fixture
def set_(mpp: Mpp) -> Callable[..., Answer]:
    """`mpp secret set` with the value in a file."""

    def call(name: str, *words: str, text: str | bytes = VALUE) -> Answer:
        path = Path("value")
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(0o600)
        return mpp("secret", "set", name, "--file", path, *words)

    return call


Set = Callable[..., Answer]
Stored = Callable[[], dict[str, SecretEntry]]


def test_from_a_file_to_the_list_and_gone(mpp: Mpp, set_: Set, stored: Stored) -> None:
    assert set_("TOKEN", *BIND, "--package", "com.example.crm").code == 0
    assert set_("REGION", text="eu\r\n").code == 0
    assert {name: entry.value for name, entry in stored().items()} == {"TOKEN": VALUE, "REGION": "eu"}
    answer = mpp("secret", "list")
    first, second = answer.out.splitlines()
    assert first.startswith("REGION  literal  20")
    assert first.endswith("as a variable of the environment")
    assert second.endswith("for the header Authorization of requests to api.example.com, for com.example.crm only")
    rows = mpp("secret", "list", "--json").json["secrets"]
    assert [(row["name"], row["kind"], row["host"], row["header"], row["packages"]) for row in rows] == [
        ("REGION", "literal", "", "", []),
        ("TOKEN", "literal", "api.example.com", "Authorization", ["com.example.crm"]),
    ]
    assert mpp("secret", "rm", "TOKEN").out == "Removed TOKEN.\n"
    assert mpp("secret", "rm", "REGION", "--json").json == {"ok": True, "changed": "REGION"}
    assert mpp("secret", "list").out.startswith("No secret is stored yet.")
    gone = mpp("secret", "rm", "TOKEN")
    assert (gone.code, "secret.missing" in gone.err) == (3, True)


def test_the_answer_in_json(set_: Set) -> None:
    found = set_("TOKEN", *BIND, "--json").json
    assert found["secret"].pop("created") > 0
    assert found == {
        "ok": True,
        "changed": "TOKEN",
        "secret": {"name": "TOKEN", "kind": "literal", "host": "api.example.com", "header": "Authorization", "packages": []},
        "key": "file",
    }


def test_an_empty_list_in_json(mpp: Mpp, home: Path) -> None:
    assert mpp("secret", "list", "--json").json == {"ok": True, "file": str(home / "secrets" / "secrets.sealed"), "key": "", "secrets": []}
    assert not home.exists()


def test_from_standard_input(process: Mpp, stored: Stored, tmp_path: Path) -> None:
    (tmp_path / "in").write_text(VALUE + "\n")
    with open(tmp_path / "in") as stream:
        answer = process("secret", "set", "TOKEN", "--stdin", stdin=stream)
    assert answer.code == 0, answer.err
    assert VALUE not in answer.out + answer.err
    assert stored()["TOKEN"].value == VALUE


def test_from_a_command(mpp: Mpp, stored: Stored) -> None:
    assert mpp("secret", "set", "TOKEN", "--command", "printf '%s' 'a b'").code == 0
    entry = stored()["TOKEN"]
    assert entry.kind == "command"
    assert os.path.isabs(entry.value.split()[0])
    assert entry.value.endswith("/printf %s 'a b'")
    assert "printf" not in mpp("secret", "list").out + mpp("secret", "list", "--json").out


def test_from_the_terminal_and_not_shown(terminal: Callable[..., Terminal], stored: Stored) -> None:
    with terminal("secret", "set", "TOKEN") as screen:
        for _ in range(2):
            screen.wait_for("(not shown)" if "(not shown)" not in screen.screen else "Repeat")
            screen.type(VALUE + "\n")
        assert screen.end() == 0
        assert VALUE not in screen.screen
    assert stored()["TOKEN"].value == VALUE


def test_two_that_differ_are_asked_again(terminal: Callable[..., Terminal], stored: Stored) -> None:
    with terminal("secret", "set", "TOKEN") as screen:
        screen.wait_for("(not shown)")
        screen.type("one\n")
        screen.wait_for("Repeat")
        screen.type("two\n")
        screen.wait_for("do not match")
        screen.type("\x03")
        assert screen.end() == app.INTERRUPTED
    assert stored() == {}


def test_without_a_terminal_nobody_is_asked(process: Mpp, home: Path) -> None:
    answer = process("secret", "set", "TOKEN")
    assert (answer.code, "usage.secret" in answer.err, "--stdin" in answer.err) == (2, True, True)
    assert not home.exists()


def test_what_the_terminal_gives_is_text(mpp: Mpp, monkeypatch: pytest.MonkeyPatch) -> None:
    class Screen:
        def isatty(self) -> bool:
            return True

    def garbled(*_: object, **__: object) -> str:
        raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "words")

    monkeypatch.setattr(module.sys, "stdin", Screen())
    monkeypatch.setattr(module.click, "prompt", garbled)
    assert "usage.secret" in mpp("secret", "set", "TOKEN").err


@pytest.mark.parametrize(("words", "code"), [(("TOKEN", VALUE), "usage.secret"), (("TOKEN", "a", VALUE), "usage.secret"), ((f"TOKEN={VALUE}",), "secret.name")])
def test_a_value_on_the_command_line_is_not_possible(mpp: Mpp, stored: Stored, words: tuple[str, ...], code: str) -> None:
    for more in ((), ("--json",)):
        answer = mpp("secret", "set", *words, *more)
        assert code in answer.out + answer.err
        assert VALUE not in answer.out + answer.err
    assert stored() == {}


WRONG = [
    (("TOKEN", "--stdin", "--command", "x"), "usage.option"),
    (("TOKEN", "--command", "'open"), "usage.option"),
    (("TOKEN", "--command", "   "), "usage.option"),
    (("TOKEN", "--command", "no-such-program-here a"), "usage.option"),
    (("TOKEN", "--host", "api.example.com", "--stdin"), "secret.host"),
    (("TOKEN", "--host", "127.0.0.1", "--header", "X", "--stdin"), "secret.host"),
    (("TOKEN", "--host", "api.example.com", "--header", "Host", "--stdin"), "secret.header"),
    (("TOKEN", "--package", "x", "--stdin"), "secret.package"),
    (("1", "--stdin"), "secret.name"),
    (("TOKEN", "--file", "absent"), "host.file"),
]


@pytest.mark.parametrize(("words", "code"), WRONG)
def test_a_wrong_call_is_refused_before_a_value_is_read(mpp: Mpp, home: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], code: str) -> None:
    if code != "host.file":
        monkeypatch.setattr(module, "_value", lambda *_, **__: pytest.fail("a value was read"))
    assert mpp("secret", "set", *words, "--json").json["error"]["code"] == code
    assert not home.exists()


@pytest.mark.parametrize("text", [b"", b"\n", b"\xff", b"a\0", b"x" * (SECRET_BYTES_MAX + 1), b"a\nb"])
def test_a_value_that_is_none_is_refused(set_: Set, stored: Stored, text: bytes) -> None:
    answer = set_("TOKEN", *BIND, text=text)
    assert (answer.code, "secret.value" in answer.err) == (3, True)
    assert stored() == {}


def test_a_file_that_is_too_large(set_: Set, stored: Stored) -> None:
    assert set_("TOKEN", text=b"x" * (SECRET_BYTES_MAX + 100)).code != 0
    assert stored() == {}


def test_a_file_that_others_can_read_is_pointed_out(mpp: Mpp, stored: Stored) -> None:
    Path("value").write_text(VALUE)
    Path("value").chmod(0o644)
    assert "chmod 600 value" in mpp("secret", "set", "TOKEN", "--file", "value").err
    assert stored()["TOKEN"].value == VALUE


def test_a_pipe_named_as_a_file(mpp: Mpp, stored: Stored) -> None:
    ours, theirs = os.pipe()
    os.write(theirs, VALUE.encode())
    os.close(theirs)
    assert mpp("secret", "set", "TOKEN", "--file", f"/dev/fd/{ours}").code == 0
    os.close(ours)
    assert stored()["TOKEN"].value == VALUE


def test_a_new_value_alone_keeps_the_binding(set_: Set, stored: Stored) -> None:
    set_("TOKEN", *BIND, "--package", "com.example.crm")
    assert set_("TOKEN", text="new").code == 0
    entry = stored()["TOKEN"]
    assert (entry.value, entry.host, entry.header, entry.packages) == ("new", "api.example.com", "Authorization", ("com.example.crm",))


def test_another_binding_needs_a_word(set_: Set, stored: Stored) -> None:
    set_("TOKEN", *BIND)
    for words in (("--host", "b.example.com", "--header", "Authorization"), (*BIND, "--package", "com.example.crm"), ("--package", "com.example.crm")):
        answer = set_("TOKEN", *words, text="evil")
        assert (answer.code, "secret.exists" in answer.err, "--replace" in answer.err) == (3, True, True)
    assert stored()["TOKEN"].value == VALUE
    assert set_("TOKEN", "--replace", text="new").code == 0
    assert (stored()["TOKEN"].value, stored()["TOKEN"].host) == ("new", "")


def test_who_is_told_that_a_tool_can_read_it(set_: Set) -> None:
    assert "can read it" in set_("REGION").err
    assert "can read it" not in set_("TOKEN", *BIND).err


def test_no_output_holds_the_value(mpp: Mpp, set_: Set) -> None:
    answers = [set_("TOKEN", *BIND), set_("TOKEN", "--json"), set_("TOKEN", "--host", "b.example.com", "--header", "X"), set_("B", text=VALUE + "\0")]
    answers += [mpp("secret", "list"), mpp("secret", "list", "--json"), mpp("secret", "rm", "TOKEN")]
    for answer in answers:
        assert VALUE not in answer.out + answer.err


def test_a_damaged_store_says_so(mpp: Mpp, set_: Set, home: Path) -> None:
    set_("TOKEN")
    (home / "secrets" / "secrets.sealed").write_bytes(b"{}")
    for words in (("list",), ("rm", "TOKEN"), ("set", "B", "--command", "true")):
        answer = mpp("secret", *words)
        assert (answer.code, "secret.sealed" in answer.err) == (3, True)


def test_keys_and_secrets_share_a_home(mpp: Mpp, set_: Set, home: Path) -> None:
    set_("TOKEN")
    assert mpp("keygen", "--name", "Ada", "--no-passphrase").code == 0
    assert stat.S_IMODE((home / "secrets").stat().st_mode) == 0o700
    assert mpp("secret", "list").out.startswith("TOKEN")


def test_help_texts_need_no_cryptography() -> None:
    code = "import sys; from mpp.cli.app import run; run(['--help']); print('nacl' in sys.modules, file=sys.stderr)"
    env = {key: text for key, text in os.environ.items() if not key.startswith("COV")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    assert "secret" in done.stdout
    assert done.stderr.strip() == "False"
