"""Completion as a shell asks for it: the words, and nothing else of the home."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from mpp.cli import completion
from mpp.cli.app import app, COMMANDS
from mpp.cli.completion import complete, NAMES, offered
from mpp.errors import HostFailed
from mpp.host.home import Home
from mpp.testing.installing import install_tool
from mpp.testing.tools import greeting
from tests.cli.conftest import EXECUTABLE, Mpp

Words = Callable[[str], list[str]]


@pytest.fixture
def words(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Words:
    """What bash would be offered after ``line``."""

    def ask(line: str) -> list[str]:
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(len(line.split()) - (0 if line.endswith(" ") else 1)))
        capsys.readouterr()
        assert complete("mpp", "bash_complete") == 0
        return [row.partition(",")[2] for row in capsys.readouterr().out.splitlines() if row]

    return ask


def test_commands_and_options(words: Words) -> None:
    assert words("mpp ") == list(COMMANDS)
    assert words("mpp ru") == ["run"]
    assert words("mpp policy ex") == ["explain"]
    assert "--agent-key" in words("mpp run --")
    assert words("mpp audit verify --require ") == ["chained", "signed", "anchored", "witnessed"]
    assert words("mpp audit ver") == ["verify", "verify-proof"]


def test_names_of_what_is_installed(words: Words, home: Path) -> None:
    home.mkdir(mode=0o700)
    install_tool(Home(path=str(home)), greeting("Hello"))
    for line in ("mpp run ", "mpp update ", "mpp uninstall ", "mpp inspect ", "mpp policy explain "):
        assert words(line)[:2] == ["hello", "com.example.hello"], line
    assert words("mpp run com.") == ["com.example.hello"]
    assert words("mpp run hello-0") == ["hello-0"], "a file: the shell completes it itself"


def test_publishers_and_pins(words: Words, signed: Path, mpp: Mpp) -> None:
    own = mpp("trust", "list", "--json").json["publishers"][0]["id"]
    assert words("mpp trust remove ") == [own]
    assert words(f"mpp trust pin com.example.hello {own[:6]}") == [own]
    assert mpp("trust", "pin", "com.example.hello", own).code == 0
    assert words("mpp trust remove com") == ["com.example.hello"]


def test_questions_that_wait(words: Words, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completion, "questions", lambda: [("7f3a", "greet"), ("0b1c", "pay")])
    monkeypatch.setitem(NAMES, ("approve show", "ref"), completion.questions)
    assert words("mpp approve 7") == ["7f3a"]
    assert words("mpp approve show ") == ["7f3a", "0b1c"]
    assert "pending" in words("mpp approve ")


def test_questions_come_from_the_store_and_none_is_made(words: Words, home: Path, mpp: Mpp) -> None:
    assert words("mpp approve show ") == []
    assert not home.exists(), "a press on the tabulator makes nothing"
    assert mpp("approve", "pending").code == 0
    (home / "approvals").mkdir(parents=True, exist_ok=True, mode=0o700)
    assert words("mpp approve show ") == []


@pytest.mark.parametrize(
    ("line", "one"), [("mpp connect ", "claude-code"), ("mpp init --lang ", "rust"), ("mpp help ", "exit-codes"), ("mpp protect ", "cursor")]
)
def test_other_lists(words: Words, line: str, one: str) -> None:
    assert one in words(line)


def test_older_servers(words: Words, home: Path) -> None:
    assert words("mpp legacy show ") == []


def test_what_makes_no_sense_is_answered_with_nothing(words: Words) -> None:
    assert words("mpp frobnicate ") == []
    assert words("mpp policy frobnicate x") == []


def test_a_damaged_home_is_no_matter_of_a_press(words: Words, home: Path) -> None:
    home.mkdir()
    (home / "mpp.lock").write_text("{")
    assert words("mpp uninstall ") == []

    def fails() -> list[tuple[str, str]]:
        raise HostFailed("host.file", "no")

    assert offered(fails, "") == []


def test_hostile_names_are_not_offered() -> None:
    """Attack: a name that runs a command once a person sends the line off."""
    found = offered(lambda: [("a;rm", ""), ("$(x)", ""), ("a b", ""), ("-x", ""), ("ok", "about \x1b[2J"), ("a\n", "")], "")
    assert [(one.value, one.help) for one in found] == [("ok", "about ?[2J")]
    assert len(offered(lambda: ((f"n{i}", "") for i in range(1000)), "")) == completion.ITEMS_MAX


def test_each_name_belongs_to_a_command_that_there_is() -> None:
    context = app.make_context("mpp", [], resilient_parsing=True)
    for path, parameter in NAMES:
        found: click.Command | None = app
        for word in path.split():
            assert isinstance(found, click.Group)
            found = found.get_command(context, word)
        assert found is not None, path
        assert parameter in {one.name for one in found.params}, (path, parameter)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize("program", ["mpp", "model-package-protocol"])
def test_the_script_for_a_shell(shell: str, program: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    if shell == "bash" and shutil.which("bash") is None:
        pytest.skip("there is no bash here")
    assert complete(program, f"{shell}_source") == 0
    assert completion.variable_of(program) in capsys.readouterr().out


@pytest.mark.parametrize("wrong", ["bash_frobnicate", "elvish_source", "bash", ""])
def test_a_shell_that_is_not_known(wrong: str) -> None:
    assert complete("mpp", wrong) == 1


def test_the_executable_answers_a_shell(tmp_path: Path) -> None:
    """As the topic says: the variable, and the name by which it was called."""
    for program in (EXECUTABLE, [str(Path(sys.executable).with_name("mpp"))]):
        env = {**os.environ, "_MPP_COMPLETE": "bash_complete", "COMP_WORDS": "mpp verif", "COMP_CWORD": "1"}
        done = subprocess.run(program, env=env, capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode, done.stdout) == (0, "plain,verify\n"), done.stderr
