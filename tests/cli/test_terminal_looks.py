"""How it looks: one palette, NO_COLOR and FORCE_COLOR, progress for a person only."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mpp.cli import screen
from mpp.cli.screen import CAREFUL, FINE, HEADING, note, say, styled, WRONG
from mpp.cli.store import progress
from mpp.cli.store.progress import Counted, Working
from tests.cli.conftest import Mpp
from tests.cli.terminal import Terminal

ESCAPE = "\x1b["


@pytest.mark.parametrize(("environment", "terminal", "coloured"), [
    ({}, True, True), ({}, False, False), ({"NO_COLOR": "1"}, True, False), ({"TERM": "dumb"}, True, False), ({"FORCE_COLOR": "1"}, False, True),
    ({"FORCE_COLOR": "0"}, True, False), ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False), ({"FORCE_COLOR": "1", "TERM": "dumb"}, False, True),
])  # fmt: skip
def test_when_there_are_colours(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], environment: dict[str, str], terminal: bool, coloured: bool
) -> None:  # fmt: skip
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, text in environment.items():
        monkeypatch.setenv(name, text)
    for stream in ("stdout", "stderr"):
        monkeypatch.setattr(f"sys.{stream}.isatty", lambda: terminal)
    say(styled("verified", FINE), " ", styled("refused", WRONG, bold=True))
    note("error: no")
    found = capsys.readouterr()
    assert (ESCAPE in found.out, ESCAPE in found.err) == (coloured, coloured)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", found.out + found.err)
    assert plain == "verified refused\nerror: no\n"


def test_the_first_word_is_coloured_and_nothing_hostile_gets_through(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    for line in ("error: \x1b[32mverified\x1b[0m", "warning: a", "hint:  b", "note: c", "error"):
        note(line)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "\x1b[31m\x1b[1merror:\x1b[0m \\x1b[32mverified\\x1b[0m"
    assert lines[1].startswith("\x1b[33m")
    assert lines[2].startswith("\x1b[36m")
    assert lines[3:] == ["note: c", "error"]


def test_one_palette_for_all(root: Path) -> None:
    """A colour that a command names itself would be the first of many."""
    found = [
        str(path.relative_to(root)) for path in (root / "src" / "mpp" / "cli").rglob("*.py")
        if path.name != "screen.py" and re.search(r"styled\([^\n]*[\"'](red|green|yellow|blue|magenta|cyan|white)[\"']|fg=[\"']", path.read_text(encoding="utf-8"))
    ]  # fmt: skip
    assert found == []
    assert len({FINE, WRONG, CAREFUL, HEADING}) == 4


def drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")


def test_pieces_are_counted_once_it_takes_long(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    drawn(monkeypatch)
    moments = [0.0]
    bar = Counted("verifying", "segments", quiet=False, monotonic=lambda: moments[0])
    bar(1, 10)
    assert capsys.readouterr().err == ""
    moments[0] = 5.0
    bar(5, 10)
    assert capsys.readouterr().err == "\rverifying [" + "#" * 15 + "." * 15 + "] 5 of 10 segments"
    moments[0] = 6.0
    bar(10, 10)
    assert capsys.readouterr().err.endswith("10 of 10 segments\n")
    bar.end()
    assert capsys.readouterr().err == ""


def test_one_piece_needs_no_bar(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    drawn(monkeypatch)
    moments = iter((0.0, 9.0, 9.0))
    Counted("verifying", "segments", quiet=False, monotonic=lambda: next(moments))(0, 1)
    assert capsys.readouterr().err == ""


def test_work_is_shown_after_a_while_and_leaves_no_trace(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Attack: a name that moves the cursor or fills the screen."""
    drawn(monkeypatch)
    moments = [0.0]
    with Working("compiling \x1b[2Jx" + "y" * 200, quiet=False, monotonic=lambda: moments[0]) as work:
        work.draw()
        assert capsys.readouterr().err == ""
        moments[0] = 12.0
        work.draw()
        line = capsys.readouterr().err
        assert "compiling \\x1b[2Jx" in line
        assert "(12 s)" in line
        assert len(line.strip("\r").replace("\x1b[K", "")) < 80
        work.tell("packing")
        work.draw()
        assert "\r\x1b[K  packing\n" in (told := capsys.readouterr().err)
        assert "packing (12 s)" in told
    assert capsys.readouterr().err.endswith("\r\x1b[K")


def test_a_thread_draws_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    drawn(monkeypatch)
    monkeypatch.setattr(progress, "PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(progress, "TICK_SECONDS", 0.001)
    text = ""
    with Working("compiling", quiet=False):
        while "compiling" not in text:
            text += capsys.readouterr().err
    assert "compiling (" in text


@pytest.mark.parametrize("how", ["no terminal", "json", "dumb"])
def test_elsewhere_nothing_is_drawn(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], how: str) -> None:
    drawn(monkeypatch)
    monkeypatch.setattr(progress, "PATIENCE_SECONDS", -1.0)
    if how == "no terminal":
        monkeypatch.setattr("sys.stderr.isatty", lambda: False)
    elif how == "dumb":
        monkeypatch.setenv("TERM", "dumb")
    with Working("compiling", quiet=how == "json"):
        pass
    Counted("verifying", "segments", quiet=how == "json")(5, 10)
    assert capsys.readouterr().err == ""


def test_a_build_on_a_terminal_ends_clean(built: Path, tmp_path: Path, terminal: Callable[..., Terminal]) -> None:
    """Whatever was drawn is wiped before the result is printed."""
    project = tmp_path / "hello"
    shutil.copytree(built, project)
    (project / "src" / "main.c").write_text((project / "src" / "main.c").read_text() + "\n/* again */\n")
    with terminal("build", project) as person:
        assert person.end() == 0
    assert "Built" in person.screen
    assert not any("(" in line and " s)" in line for line in _last_screen(person.screen).splitlines())


def _last_screen(text: str) -> str:
    """What stays of lines that were drawn over."""
    return "\n".join(line.rpartition("\x1b[K")[2].rpartition("\r")[2] for line in text.split("\n"))


def test_piped_output_is_plain(process: Mpp, signed: Path) -> None:
    answer = process("verify", signed, env={"TERM": "xterm-256color"})
    assert (answer.code, ESCAPE in answer.out + answer.err) == (0, False)
    assert ESCAPE in process("verify", signed, env={"FORCE_COLOR": "1"}).out
    assert os.environ.get("FORCE_COLOR") is None
    assert screen.colours() is False


def test_a_table_has_coloured_heads_and_words_and_straight_columns(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Attack: a cell of a package that brings colours of its own; it is shown with their numbers, and no column moves."""
    rows = [("NAME", "STATE", "MORE"), ("hello", screen.ending("ok"), "x"), ("w\x1b[31m", screen.ending("refused"), ""), ("a", "strange", "y")]
    monkeypatch.setenv("FORCE_COLOR", "1")
    rows = [(first, screen.ending(second) if place else second, third) for place, (first, second, third) in enumerate(rows)]
    screen.table(rows, indent="", head=True)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("\x1b[36mNAME\x1b[0m")
    assert "\x1b[32mok\x1b[0m" in lines[1]
    assert "w\\x1b[31m" in lines[2]
    assert lines[2].endswith("\x1b[31mrefused\x1b[0m")
    plain = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]
    assert {line.index(word) for line, word in zip(plain, ("STATE", "ok", "refused", "strange"), strict=True)} == {plain[0].index("STATE")}


def test_what_was_meant(mpp: Mpp, signed: Path) -> None:
    """Commands, options, packages, tools: each says what was probably meant."""
    assert mpp("install", signed).code == 0
    assert "did you mean 'hello'" in mpp("run", "helo").err
    assert "did you mean 'com.example.hello'" in mpp("update", "com.example.helo").err
    assert "did you mean" in mpp("run", "hello", "--tool", "gret").err
    assert "did you mean 'uninstall'" in mpp("uninstal").err
    assert "Did you mean '--json'" in mpp("list", "--jsn").err
    assert "did you mean 'hello-0.1.0.mpp'" in mpp("verify", "hello-0.1.O.mpp").err
    Path("policy.toml").write_text('mpp_policy = 1\nname = "x"\n[[rules]]\nid = "a"\nefect = "allow"\nwhy = "y"\n')
    assert "did you mean 'effect'" in mpp("policy", "check", "policy.toml").err + mpp("policy", "check", "policy.toml").out
