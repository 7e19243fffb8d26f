"""The flow of one call at the command line: who sits here, and who is told what."""

from __future__ import annotations

import os
import pwd
import sys
from pathlib import Path

import pytest

from mpp.cli import calling
from mpp.stages.approval import make_question
from mpp.testing.packages import TestRandom
from mpp.testing.questions import asked as call
from mpp.testing.questions import given, need
from tests.cli.conftest import Mpp
from tests.cli.test_approve import asked, package  # noqa: F401 - the fixtures


def test_an_approver_whose_key_is_elsewhere_does_not_sit_here(mpp: Mpp, asked: Path, home: Path) -> None:  # noqa: F811
    assert mpp("approve", "enroll", "ada", "--no-passphrase", "--yes").code == 0
    (home / "keys" / "approvers" / "ada.key").rename(home / "away.key")
    found = mpp("run", asked, "--args", '{"name": "Grace"}')
    assert found.code == 24, found
    assert "approval.required" in found.err


def test_a_user_without_a_name_has_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(uid: int) -> object:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    assert calling.user_name() == str(os.getuid())


@pytest.mark.parametrize("is_told", [True, False])
def test_only_a_terminal_is_told_how_to_approve(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *, is_told: bool) -> None:
    """Attack: an agent that reads what the command writes, and learns how to approve its own call."""
    question = make_question(call(), need(), given(), TestRandom())
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_told)
    fault = calling._waiting(question)
    assert (fault.code, fault.where) == ("approval.required", question.ref)
    assert ("mpp approve" in capsys.readouterr().err) == is_told
    assert "mpp approve" not in fault.hint
