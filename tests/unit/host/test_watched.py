"""Documents that a running host reads again when they changed: who is trusted, who may answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpp.errors import Refused
from mpp.host.approver_store import ApproverStore, with_approver, without_approver
from mpp.host.home import Home
from mpp.host.opening import open_services
from mpp.host.watched import Watched
from mpp.testing.packages import TestClock, TestRandom
from mpp.testing.questions import approver

ADA, BOB = approver("ada"), approver("bob", "second")


def test_who_comes_and_who_is_dismissed_counts_at_once_in_a_host_that_runs(tmp_path: Path) -> None:
    home = Home(path=str(tmp_path / "home"))
    store = ApproverStore(home.approvers)
    store.change(lambda known: with_approver(known, ADA))
    with open_services(home, TestClock(), TestRandom()) as on:
        assert [*on.desk(fleet=False).approvers.known] == ["ada"]
        store.change(lambda known: with_approver(known, BOB))
        assert {*on.desk(fleet=False).approvers.known} == {"ada", "bob"}
        store.change(lambda known: without_approver(known, "ada"))
        assert [*on.desk(fleet=False).approvers.known] == ["bob"]


def test_a_document_that_others_may_write_is_believed_by_a_running_host_as_little_as_by_a_new_one(tmp_path: Path) -> None:
    home = Home(path=str(tmp_path / "home"))
    ApproverStore(home.approvers).change(lambda known: with_approver(known, ADA))
    with open_services(home, TestClock(), TestRandom()) as on:
        on.desk(fleet=False)
        Path(home.approvers).chmod(0o666)
        with pytest.raises(Refused) as caught:
            on.desk(fleet=False)
    assert caught.value.code == "approval.mode"


def test_what_did_not_change_is_not_read_again(tmp_path: Path) -> None:
    path, read = tmp_path / "document", []
    path.write_text("one")

    def load() -> str:
        read.append(path.read_text())
        return read[-1]

    watched = Watched(str(path), load)
    assert [watched.current(), watched.current()] == ["one", "one"]
    assert read == ["one"]
    # Another file in its place, as a document is always replaced.
    other = tmp_path / "other"
    other.write_text("two")
    other.replace(path)
    assert watched.current() == "two"
    assert read == ["one", "two"]
