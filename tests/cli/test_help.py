"""``mpp help``: topics hold what is so, codes are explained, the manual page has every command."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from mpp.cli import explained
from mpp.cli.app import app, COMMANDS
from mpp.cli.commands.help import TOPICS, topic_text
from mpp.errors import HostFailed
from tests.cli.conftest import Mpp
from tools.docs import uses, wrong_use

FOLDER = "src/mpp/cli/topics"


def test_it_lists_the_topics(mpp: Mpp) -> None:
    answer = mpp("help")
    assert answer.code == 0
    assert all(f"  {name} " in answer.out for name in TOPICS)


def test_each_topic_has_a_text_and_each_text_a_topic(root: Path) -> None:
    assert {path.stem for path in (root / FOLDER).iterdir()} == TOPICS.keys() - {"exit-codes"}


@pytest.mark.parametrize("name", list(TOPICS))
def test_a_topic_fits_the_screen_and_names_what_there_is(mpp: Mpp, name: str) -> None:
    answer = mpp("help", name)
    assert answer.code == 0
    lines = answer.out.splitlines()
    assert max(map(len, lines)) <= 100
    assert len(lines) <= 45
    # A command stands before two blanks, as in a table; what comes after them is about it.
    commands = [line.strip().split("  ")[0] for line in topic_text(name).splitlines() if line.startswith("  mpp ")]
    wrong = [words for one in commands for use in uses(f"`{one}`") if (words := wrong_use(use.text, app))]
    assert not wrong


def test_the_check_of_commands_can_fail() -> None:
    assert [wrong_use(use.text, app) for use in uses("`mpp trust frobnicate`")] != [""]


def test_a_code_is_explained(mpp: Mpp) -> None:
    answer = mpp("help", "publisher.unknown", "--json")
    assert (answer.code, answer.json["topic"]) == (0, "publisher.unknown")
    assert "mpp trust add" in answer.json["text"]
    assert "exit code 20" in answer.json["text"]


def test_a_code_that_several_families_share_is_one_of_each(mpp: Mpp) -> None:
    assert "family key" in mpp("help", "key.json").out
    assert mpp("help", "host.json").code == 2


@pytest.mark.parametrize("words", [["truts"], ["publisher.unknwn"], ["policy", "explian"], ["verify", "more"], ["nothing.like.it"]])
def test_what_there_is_not_is_said_with_a_hint(mpp: Mpp, words: list[str]) -> None:
    answer = mpp("help", *words)
    assert answer.code == 2
    assert answer.out == ""
    assert "hint:" in answer.err


def test_what_was_meant_is_guessed(mpp: Mpp) -> None:
    assert "'trust'" in mpp("help", "truts").err
    assert "'explain'" in mpp("help", "policy", "explian").err


def test_a_command_is_explained_as_by_itself(mpp: Mpp) -> None:
    assert mpp("help", "policy", "check").out.split("\n", 1)[0] == "Usage: mpp policy check [OPTIONS] FILE..."
    assert mpp("help", "verify").out == mpp("verify", "--help").out


def test_exit_codes_are_those_of_the_table(mpp: Mpp) -> None:
    lines = mpp("help", "exit-codes").out.splitlines()
    assert any(line.startswith("   20  publisher:") for line in lines)
    assert sum("  key:" in line or "  project:" in line for line in lines) == 2


def test_the_manual_page_has_every_command(mpp: Mpp) -> None:
    page = mpp("help", "--man").out
    assert page.startswith(".TH MPP 1 ")
    assert all(f".SS mpp {name}" in page.replace("\\-", "-") for name in COMMANDS)
    formatter = shutil.which("groff")
    if formatter is not None:
        done = subprocess.run([formatter, "-man", "-Tutf8", "-ww"], input=page, capture_output=True, text=True, check=True)
        assert done.stderr == ""


def test_an_installation_without_the_table_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(explained, "__file__", str(tmp_path / "src/mpp/cli/explained.py"))
    with pytest.raises(HostFailed) as found:
        explained.code_text("publisher.unknown")
    assert found.value.code == "host.file"
