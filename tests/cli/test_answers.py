"""What every command owes: help with an example, one JSON object, errors with a hint, and never a traceback."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import click
import pytest

from mpp.cli.app import COMMANDS, GROUPS, app
from mpp.errors import Refused
from mpp.testing import packages
from tests.cli.conftest import EXECUTABLE, Mpp


def _leaves(command: click.Command, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], click.Command]:
    if not isinstance(command, click.Group):
        return {path: command}
    context = click.Context(command)
    found: dict[tuple[str, ...], click.Command] = {}
    for name in command.list_commands(context):
        inner = command.get_command(context, name)
        assert inner is not None
        found |= _leaves(inner, (*path, name))
    return found


LEAVES = _leaves(app)


@pytest.mark.parametrize("path", [(), ("trust",), *LEAVES], ids=" ".join)
def test_help_explains_with_an_example(mpp: Mpp, path: tuple[str, ...]) -> None:
    for flag in ("--help", "-h"):
        shown = mpp(*path, flag)
        assert (shown.code, shown.err) == (0, "")
        assert f"  mpp {' '.join(path)}".rstrip() in shown.out.replace("Usage: ", "")
        assert "Example" in shown.out or not path
        assert max(map(len, shown.out.splitlines())) <= 100
        assert "..." not in shown.out.partition("--help  Show this message")[2], "a summary is cut off"


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_every_option_says_what_it_does(path: tuple[str, ...]) -> None:
    options = [one for one in LEAVES[path].params if isinstance(one, click.Option)]
    assert {"--json"} <= {name for one in options for name in one.opts}
    assert not [one.name for one in options if not one.help]


def test_the_table_names_the_commands(mpp: Mpp) -> None:
    shown = mpp("--help").out
    assert all(f"  {name} " in shown and about in shown for name, about in COMMANDS.items())
    assert mpp().out == shown
    assert sorted(name for names in GROUPS.values() for name in names) == sorted(COMMANDS), "each stands in one group"
    assert all(f"\n{title}:\n" in shown for title in GROUPS)
    assert mpp("--version").out.startswith("mpp, version ")
    for name in COMMANDS:
        assert click.Context(app).command.get_command(click.Context(app), name) is not None  # type: ignore[attr-defined]


WRONG = [
    (["verfy"], 2, "usage.command", "did you mean 'verify'?"),
    (["xyzzy"], 2, "usage.command", "see `mpp --help`"),
    (["verify", "--jsno"], 2, "usage.syntax", "see `mpp verify --help`"),
    (["trust", "lst"], 2, "usage.syntax", "see `mpp trust --help`"),
    (["init"], 2, "usage.syntax", "see `mpp init --help`"),
    (["init", "Bad Name"], 3, "project.name", "mpp init bad-name"),
    (["init", "x", "--lang", "cc"], 3, "project.language", ""),
    (["build"], 3, "project.no_manifest", "mpp init NAME"),
    (["build", "absent"], 2, "usage.syntax", "see `mpp build --help`"),
    (["keygen"], 2, "usage.passphrase", "--passphrase-file"),
    (["keygen", "--new-root"], 2, "usage.option", "--rotate"),
    (["keygen", "--rotate"], 2, "usage.no_file", "-o"),
    (["keygen", "--rotate", "--keep-old", "--revoke", "x"], 2, "usage.option", "one of them"),
    (["keygen", "--rotate", "--add", "AAAA"], 3, "key.public", "public"),
    (["keygen", "--no-passphrase", "--name", "a\nb"], 2, "usage.text", "plain"),
    (["keygen", "--no-passphrase", "--name", "\udcff"], 2, "usage.text", "plain"),
    (["sign"], 2, "usage.no_file", "mpp init"),
    (["sign", "hello.mpp"], 2, "usage.no_file", "mpp keygen"),
    (["sign", "hello.mpp", "--signer-command", "x"], 2, "usage.option", "--publisher"),
    (["verify", "absent.mpp"], 2, "usage.no_file", "mpp build"),
    (["verify", "hello.mpp", "--now", "soon"], 2, "usage.time", "2026-11-21"),
    (["verify", "hello.mpp", "--now", "999999999999"], 2, "usage.time", "2026-11-21"),
    (["verify", "hello.mpp", "--now", "0001-01-01T00:00:00+23:59"], 2, "usage.time", "2026-11-21"),
    (["verify", "hello.mpp", "--trust", "absent"], 1, "host.file", "path"),
    (["verify", "hello.mpp", "--trust", "hello-0.1.0.mpp"], 3, "trust.", ""),
    (["inspect", "absent.mpp"], 2, "usage.no_file", "mpp build"),
    (["inspect", "hello.mpp", "--diff", "absent.mpp"], 2, "usage.no_file", "mpp build"),
    (["trust", "add", "absent"], 1, "host.file", "path"),
    (["trust", "add", "empty"], 11, "archive.", ""),
    (["trust", "remove", "nobody"], 3, "trust.publisher", "mpp trust list"),
    (["trust", "pin", "com.example.a", "nobody"], 3, "trust.publisher", "mpp trust list"),
    (["trust", "pin", "Bad", "nobody"], 2, "usage.package_id", "com.example"),
]


@pytest.mark.parametrize(("words", "code", "name", "hint"), WRONG, ids=[" ".join(row[0]).encode("unicode_escape").decode() for row in WRONG])
def test_a_refusal_in_both_forms(mpp: Mpp, unsigned: Path, words: list[str], code: int, name: str, hint: str) -> None:
    Path("empty").touch()
    text = mpp(*words)
    assert text.code == code, text.err
    lines = text.err.splitlines()
    assert lines[0].startswith("error: ")
    assert f"[{name}" in lines[0]
    assert any(line.startswith("hint:  ") and hint in line for line in lines)
    answer = mpp(*words, "--json")
    assert (answer.code, answer.err) == (code, "")
    assert answer.json["ok"] is False
    error = answer.json["error"]
    assert error["code"].startswith(name)
    assert hint in error["hint"]
    assert error["exit_code"] == code


BROKEN = [
    (11, b"no archive at all"),
    (11, b""),
    (15, packages.unsigned()),
    (20, packages.signed()),
]


@pytest.mark.parametrize(("code", "data"), BROKEN)
def test_verify_answers_once_whatever_the_file_is(mpp: Mpp, code: int, data: bytes) -> None:
    Path("a.mpp").write_bytes(data)
    answer = mpp("verify", "a.mpp", "--json")
    assert (answer.code, answer.err) == (code, "")
    assert answer.json["error"]["exit_code"] == code
    assert answer.json["checks"][-1]["ok"] is False


def test_success_is_one_object(mpp: Mpp, keys: Path, signed: Path) -> None:
    for words in (
        ["verify", signed],
        ["inspect", signed],
        ["inspect", signed, "--diff", signed],
        ["trust", "list"],
        ["trust", "add", signed, "--fingerprint", _id(mpp)],
    ):
        answer = mpp(*words, "--json")
        assert (answer.code, answer.err, answer.json["ok"]) == (0, "", True), words
    again = mpp("sign", signed, "--replace", "--json")
    assert (again.code, again.err, again.json["missing"]) == (0, "", [])
    made = mpp("keygen", "--rotate", "--no-passphrase", "--json")
    assert (made.code, made.err, made.json["root_version"]) == (0, "", 2)
    assert mpp("init", "other", "--json").json["files"]


def _id(mpp: Mpp) -> str:
    return str(mpp("trust", "list", "--json").json["publishers"][0]["id"])


def test_a_message_cannot_be_forged_by_a_name(mpp: Mpp, capsys: pytest.CaptureFixture[str]) -> None:
    """A file name with a line break or an escape sequence stays one line of plain characters."""
    name = "x\nverified: all is well\x1b[2J\u202e\udcff.mpp"
    Path(name).write_bytes(packages.unsigned())
    for words in (["verify"], ["inspect"], ["verify", "--trust"], ["trust", "add"]):
        answer = mpp(*words, name, *(["hello"] if words[-1] == "--trust" else []))
        shown = answer.out + answer.err
        assert "\nverified" not in shown
        assert shown.replace("\n", "").replace("✓", "").replace("✗", "").isprintable()
    assert "\\x0averified: all is well\\x1b[2J\\u202e\\udcff" in mpp("verify", name).out


def test_a_message_of_many_lines_is_indented() -> None:
    from mpp.cli.screen import fault_lines

    lines = fault_lines(Refused("project.compile", "the compiler found 1 error\nerror: forged\n\tx = 1;\n", where="a.c", hint="mend").faults)
    assert lines == ["error: the compiler found 1 error (a.c) [project.compile]", "       error: forged", "               x = 1;", "hint:  mend"]


def test_no_colour_without_a_terminal(mpp: Mpp, signed: Path) -> None:
    assert "\x1b" not in mpp("verify", signed).out + mpp("inspect", signed).out


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437"])
def test_a_screen_without_ticks(process: Mpp, signed: Path, encoding: str) -> None:
    shown = process("verify", signed, env={"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"})
    assert (shown.code, shown.err) == (0, "")
    assert "\n  1 + archive safety" in shown.out


def test_the_reader_may_go(signed: Path) -> None:
    """As `mpp inspect FILE | head -1`: no traceback, and the exit code shells know."""
    for words in (["inspect", signed], ["inspect", signed, "--json"], ["verify", signed], ["--help"]):
        ours, theirs = os.pipe()
        os.close(ours)
        done = subprocess.run([*EXECUTABLE, *map(str, words)], stdout=theirs, stderr=subprocess.PIPE, check=False, stdin=subprocess.DEVNULL)
        os.close(theirs)
        assert (done.returncode, done.stderr) == (141, b""), words


@pytest.mark.parametrize("words", [["verify", "hello.mpp"], ["verify", "hello.mpp", "--json"], ["inspect", "hello.mpp"], ["nonsense"]])
@pytest.mark.parametrize("streams", [">&-", "2>&-", "<&- >&- 2>&-", ">/dev/full", "2>/dev/full", ">/dev/full 2>&1"])
def test_streams_that_cannot_be_written(unsigned: Path, words: list[str], streams: str) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    # Without a locale the streams buffer otherwise; both ways must end well.
    for environment in (dict(os.environ), {key: text for key, text in os.environ.items() if not key.startswith(("LC_", "LANG"))}):
        done = subprocess.run(["sh", "-c", f'exec "$@" {streams}', "sh", *EXECUTABLE, *words], capture_output=True, text=True, check=False, env=environment)
        _ended_well(done, words)


def _ended_well(done: subprocess.CompletedProcess[str], words: list[str]) -> None:
    assert "Traceback" not in done.stdout + done.stderr
    assert "Exception ignored" not in done.stdout + done.stderr
    assert done.returncode in ({15, 1} if words[0] == "verify" else {0, 1} if words[0] == "inspect" else {2, 1})


def test_json_needs_no_terminal_width(process: Mpp, signed: Path) -> None:
    shown = process("inspect", signed, "--json", env={"COLUMNS": "10", "PYTHONIOENCODING": "ascii"})
    assert json.loads(shown.out)["ok"] is True
